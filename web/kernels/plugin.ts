/**
 * Compiles the CPU backend's kernels (AssemblyScript) where JavaScript imports `virtual:kernels/<build>`: its default
 * export is the WASM file as base64. In the bundle, so that a page that embeds the engine has no file more to serve.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import asc from 'assemblyscript/asc'
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

const compiled = new Map<string, Promise<string>>()

export function kernels(): Plugin {
  return {
    name: 'slm-kernels',
    resolveId: id => (id.startsWith(PREFIX) ? `\0${id}` : null),
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return null
      const build = id.slice(PREFIX.length + 1)
      const code = compiled.get(build) ?? compileKernels(build)
      compiled.set(build, code)
      return code.then(base64 => `export default '${base64}'`)
    },
  }
}

/** The WASM file of a build as base64. */
export async function compileKernels(build: string): Promise<string> {
  const options = BUILDS[build]
  if (!options) throw new Error(`There is no build of the kernels called ${build}.`)
  let wasm: Uint8Array | undefined
  const { error, stderr } = await asc.main(['index.ts', '-o', 'kernels.wasm', ...OPTIONS, ...options], {
    readFile: (name, base) => read(path.resolve(FOLDER, base, name)),
    writeFile: (_, contents) => {
      if (typeof contents !== 'string') wasm = contents
    },
    listFiles: () => [],
  })
  if (error || !wasm) throw new Error(`The kernels do not compile (build ${build}).\n${stderr.toString()}`)
  return Buffer.from(wasm).toString('base64')
}

function read(file: string): string | null {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}
