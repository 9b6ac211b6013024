/** Build steps of our own: ONNX Runtime's files on our origin, and compressed siblings for the server to hand out. */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Plugin, ViteDevServer } from 'vite'
import { declarationFile, publicDeclarations } from './declarations.ts'

const require = createRequire(import.meta.url)
const ORT_FOLDER = path.dirname(require.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm'))
/** Glue + WASM pairs that the engine uses: plain CPU, WebGPU over JSPI, WebGPU over asyncify. Never the old `jsep`. */
const FLAVOURS = { wasm: '', jspi: '.jspi', asyncify: '.asyncify' }

/** The version is part of the path, so the files can be cached for ever. */
export const ORT_VERSION: string = JSON.parse(readFileSync(path.join(ORT_FOLDER, '..', 'package.json'), 'utf8')).version

/** Cross-origin isolation, without which WASM has one thread only. */
export const ISOLATION_HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

/** Keeps a hold of the WASM module that ONNX Runtime's own JavaScript hides: the engine runs the model through it. */
function loaderSource(suffix: string): string {
  return [
    `import factory from './ort-wasm-simd-threaded${suffix}.mjs'`,
    'export let ortModule',
    'export default async options => (ortModule = await factory(options))',
    '',
  ].join('\n')
}

/**
 * ONNX Runtime's CPU kernel of GroupQueryAttention has a "flash" path for several tokens at once that is slow in WASM:
 * SmolLM2-135M, one thread, 128 tokens after 768: 51 ms a token with it, 15 ms without. An environment variable turns
 * it off, and the glue makes the environment: the variable goes in there. A glue that looks otherwise fails the build.
 */
function glueSource(name: string): string {
  const source = readFileSync(path.join(ORT_FOLDER, name), 'utf8')
  const place = /_:\w+\|\|"\.\/this\.program"(?=\})/g
  if (source.match(place)?.length !== 1)
    throw new Error(`${name}: the environment is not where it was; see vite.plugins.ts`)
  return source.replace(place, '$&,ORT_GQA_DISABLE_FLASH_ATTENTION:"1"')
}

function runtimeFiles(): Map<string, { from: string } | { text: string }> {
  const files = new Map<string, { from: string } | { text: string }>()
  for (const [flavour, suffix] of Object.entries(FLAVOURS)) {
    const name = `ort-wasm-simd-threaded${suffix}`
    files.set(`${name}.wasm`, { from: path.join(ORT_FOLDER, `${name}.wasm`) })
    files.set(`${name}.mjs`, { text: glueSource(`${name}.mjs`) })
    files.set(`loader.${flavour}.mjs`, { text: loaderSource(suffix) })
  }
  return files
}

/** Serves `/ort/<version>/` in development and tests, copies the same files into `dist/ort/<version>/` in a build. */
export function ortRuntime(): Plugin {
  let outDir = ''
  let building = false
  return {
    name: 'slm-ort-runtime',
    config(_, { command }) {
      building = command === 'build'
      // Chunks lie in dist/assets/, so the runtime is next door; the development server has it at its root.
      const base = building ? `../ort/${ORT_VERSION}/` : `/ort/${ORT_VERSION}/`
      return { define: { __ORT_BASE__: JSON.stringify(base) } }
    },
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    configureServer(server) {
      serve(server.middlewares)
    },
    async writeBundle() {
      const folder = path.join(outDir, 'ort', ORT_VERSION)
      await mkdir(folder, { recursive: true })
      for (const [name, file] of runtimeFiles()) {
        if ('text' in file) await writeFile(path.join(folder, name), file.text)
        else await copyFile(file.from, path.join(folder, name))
      }
    },
  }

  function serve(middlewares: ViteDevServer['middlewares']) {
    const prefix = `/ort/${ORT_VERSION}/`
    middlewares.use((request, response, next) => {
      const name = pathname(request)
      const file = name.startsWith(prefix) ? runtimeFiles().get(name.slice(prefix.length)) : undefined
      if (!file) return next()
      answer(response, name)
      if ('text' in file) response.end(file.text)
      else createReadStream(file.from).pipe(response)
    })
  }
}

/** Cross-origin isolation for every answer of a test server, which `server.headers` does not reach. */
export function isolation(): Plugin {
  return {
    name: 'slm-isolation',
    configureServer(server) {
      server.middlewares.use((_, response, next) => {
        for (const [header, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(header, value)
        next()
      })
    },
  }
}

/** Serves folders of bundles in development and tests: URL prefix → folder. */
export function modelFolders(folders: Record<string, string>): Plugin {
  return {
    name: 'slm-model-folders',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const name = pathname(request)
        const prefix = Object.keys(folders).find(start => name.startsWith(start))
        const folder = prefix && folders[prefix]
        if (!folder) return next()
        const file = path.join(folder, name.slice(prefix.length)) // a URL's path is normalised: no way out of the folder
        const found = existsSync(file) && statSync(file).isFile()
        answer(response, name)
        if (found) return createReadStream(file).pipe(response)
        response.statusCode = 404
        response.end('Not found')
      })
    },
  }
}

function pathname(request: IncomingMessage): string {
  return decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
}

const TYPES: Record<string, string> = {
  '.wasm': 'application/wasm',
  '.mjs': 'text/javascript',
  '.json': 'application/json',
}

function answer(response: ServerResponse, name: string): void {
  response.setHeader('Content-Type', TYPES[path.extname(name)] ?? 'application/octet-stream')
  for (const [header, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(header, value)
}

/** Writes `slm.d.ts`, the types of `slm.js`, beside it. */
export function typeDeclarations(): Plugin {
  let outDir = ''
  return {
    name: 'slm-type-declarations',
    apply: 'build',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    async writeBundle() {
      await writeFile(path.join(outDir, 'slm.d.ts'), declarationFile(await publicDeclarations()))
    },
  }
}

const COMPRESSIBLE = /\.(html|js|mjs|css|json|svg|txt|webmanifest|wasm)$/
/** Above this size Brotli's best level takes minutes: level 9 gives most of it in seconds. */
const LARGE_BYTES = 1_000_000
const brotli = promisify(brotliCompress)
const gzipped = promisify(gzip)

/** Writes `name.br` and `name.gz` beside every text and WASM file of a build; the server hands them out as they are. */
export function precompress(): Plugin {
  let outDir = ''
  return {
    name: 'slm-precompress',
    apply: 'build',
    enforce: 'post',
    configResolved(config) {
      outDir = path.resolve(config.root, config.build.outDir)
    },
    writeBundle: {
      order: 'post',
      sequential: true, // after the runtime's files are there
      async handler() {
        const entries = await readdir(outDir, { recursive: true, withFileTypes: true })
        const names = entries.filter(entry => entry.isFile() && COMPRESSIBLE.test(entry.name))
        await Promise.all(names.map(({ parentPath, name }) => compress(path.join(parentPath, name))))
      },
    },
  }
}

async function compress(file: string): Promise<void> {
  const data = await readFile(file)
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: data.length > LARGE_BYTES ? 9 : constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: data.length,
    [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
  }
  await writeFile(`${file}.br`, await brotli(data, { params }))
  await writeFile(`${file}.gz`, await gzipped(data, { level: 9 }))
}
