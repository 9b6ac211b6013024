/**
 * Compiles the CPU backend's kernels (AssemblyScript) where JavaScript imports `virtual:kernels/<build>`: its default
 * export is the WASM file as base64. In the bundle, so that a page that embeds the engine has no file more to serve.
 */
import { createHash, randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
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
/** `shared`: for memory that threads share, which a page without cross-origin isolation cannot have. */
const BUILDS: Record<string, readonly string[]> = {
  simd128: [],
  'simd128-shared': ['--sharedMemory'],
  relaxed: ['--enable', 'relaxed-simd'],
  'relaxed-shared': ['--enable', 'relaxed-simd', '--sharedMemory'],
}

/** What was compiled before, by what it was compiled from: a build takes seconds. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/slm-kernels', import.meta.url))

export function kernels(): Plugin {
  return {
    name: 'slm-kernels',
    resolveId: id => (id.startsWith(PREFIX) ? `\0${id}` : null),
    async load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return null
      return `export default '${(await kernelsOf(id.slice(PREFIX.length + 1))).toString('base64')}'`
    },
  }
}

/** The WASM file of a build: `simd128`, `relaxed`, and both with `-shared`. */
export async function kernelsOf(build: string): Promise<Buffer> {
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
