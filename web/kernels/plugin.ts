/**
 * Compiles the CPU backend's kernels (AssemblyScript) where JavaScript imports `virtual:kernels/<build>`: its default
 * export is the WASM file, deflated (a third of its size), as base64, `memoryKindAt` the byte that tells its memory. In the
 * bundle, so that a page that embeds the engine has no file more to serve.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { deflateRawSync } from 'node:zlib'
import asc, { version as VERSION } from 'assemblyscript/asc'
import type { Plugin } from 'vite'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
const PREFIX = 'virtual:kernels/'
const OPTIONS = [
  ...['--runtime', 'stub', '--use', 'abort=', '-O3', '--noAssert', '--disableWarning', '112'],
  ...['--importMemory', '--initialMemory', '1', '--maximumMemory', '65536'],
  // Constants lie below 1024, where memory.ts begins: there the threads' counters would be written over them.
  ...['--memoryBase', '256'],
  ...['--enable', 'simd,threads,bulk-memory'],
]
const BUILDS: Record<string, readonly string[]> = {
  simd128: [],
  relaxed: ['--enable', 'relaxed-simd'],
}
/** The import of `env.memory`; the next byte says what the memory must be: 1 with a maximum, 3 shared as well. */
const MEMORY_IMPORT = Buffer.from('\x03env\x06memory\x02\x01', 'latin1')

/** What was compiled before, by what it was compiled from: a build takes seconds. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/slm-kernels', import.meta.url))

export function kernels(): Plugin {
  return {
    name: 'slm-kernels',
    resolveId: id => (id.startsWith(PREFIX) ? `\0${id}` : null),
    async load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return null
      const wasm = await kernelsOf(id.slice(PREFIX.length + 1))
      const packed = deflateRawSync(wasm, { level: 9 }).toString('base64')
      return `export default '${packed}'\nexport const memoryKindAt = ${memoryKindAt(wasm)}`
    },
  }
}

/** The WASM file of a build: `simd128` or `relaxed`. */
async function kernelsOf(build: string): Promise<Buffer> {
  const options = BUILDS[build]
  if (!options) throw new Error(`There is no build of the kernels called ${build}.`)
  const sources = readdirSync(FOLDER).map(name => readFileSync(path.join(FOLDER, name)))
  const digest = sources.reduce((hash, source) => hash.update(source), createHash('sha256').update(VERSION))
  const file = path.join(CACHE, `${build}-${digest.digest('hex').slice(0, 16)}.wasm`)
  if (!existsSync(file)) {
    const wasm = await compile([...OPTIONS, ...options])
    mkdirSync(CACHE, { recursive: true })
    const part = `${file}.${randomUUID()}`
    writeFileSync(part, wasm)
    renameSync(part, file) // whole or not at all: others may compile the same
  }
  return readFileSync(file)
}

/** Where the byte is that must be 3 for memory that threads share, which a page without isolation cannot have. */
function memoryKindAt(wasm: Buffer): number {
  const at = wasm.indexOf(MEMORY_IMPORT)
  if (at < 0 || wasm.indexOf(MEMORY_IMPORT, at + 1) >= 0) throw new Error('The kernels import their memory otherwise.')
  return at + MEMORY_IMPORT.length - 1
}

async function compile(options: readonly string[]): Promise<Uint8Array> {
  let wasm: Uint8Array | undefined
  const { error, stderr } = await asc.main(['index.ts', '-o', 'kernels.wasm', ...options], {
    readFile: (name, base) => read(path.resolve(FOLDER, base, name)),
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') wasm = contents
    },
    listFiles: () => [],
  })
  if (error || !wasm) throw new Error(`The kernels do not compile.\n${stderr.toString()}`)
  return wasm
}

function read(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
