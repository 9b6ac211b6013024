import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defaultClientConditions, defineConfig } from 'vite'
import { kernels } from './kernels/plugin.ts'
import { licences } from './licences.plugin.ts'
import { offline } from './offline.plugin.ts'
import { ISOLATION_HEADERS, modelFolders, ortRuntime, precompress, typeDeclarations } from './vite.plugins.ts'

const licenceList = licences()
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  root: here('.'),
  base: './', // works at any sub-path: every URL is relative to the page or to the module
  plugins: [
    kernels(),
    ortRuntime(),
    modelFolders({ '/models/': here('../.data/models') }),
    typeDeclarations(),
    licenceList.build,
    offline(),
    precompress(),
  ],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // Without this condition onnxruntime-web comes with its glue inlined, and would look for its WASM beside our chunk.
  resolve: { conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions] },
  optimizeDeps: { exclude: ['onnxruntime-web', 'harper.js'] }, // they look for their WASM beside themselves
  server: { headers: ISOLATION_HEADERS },
  preview: { headers: ISOLATION_HEADERS },
  worker: { format: 'es', plugins: () => [kernels(), licenceList.worker] },
  build: {
    outDir: here('dist'),
    emptyOutDir: true,
    target: 'es2023',
    sourcemap: false,
    manifest: 'chunks.json', // which source is in which file: `slm-export site` leaves out what a site does not need
    rolldownOptions: {
      input: {
        ...(existsSync(here('index.html')) ? { index: here('index.html') } : {}),
        slm: here('src/slm.ts'),
        'slm-chat': here('src/embed/slm-chat.ts'),
        sw: here('src/offline/worker.ts'),
      },
      preserveEntrySignatures: 'strict',
      output: {
        entryFileNames: ({ name }) =>
          ['slm', 'slm-chat', 'sw'].includes(name) ? `${name}.js` : 'assets/[name]-[hash].js',
      },
    },
  },
})
