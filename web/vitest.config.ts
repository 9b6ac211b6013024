import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { playwright } from '@vitest/browser-playwright'
import { mergeConfig } from 'vite'
import { defineConfig, defineProject } from 'vitest/config'
import { damagedBundles } from '../tests/web/engine/damage.ts'
import base from './vite.config.ts'
import { isolation, modelFolders } from './vite.plugins.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const BUNDLES = here('../tests/.fixtures')
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)

const PACKAGES = [
  ...['@huggingface/jinja', '@huggingface/tokenizers', 'valibot', 'onnxruntime-web > onnxruntime-common'],
  ...['preact', 'preact/hooks', 'preact/jsx-runtime', 'preact/jsx-dev-runtime', '@preact/signals'],
  ...['dompurify', 'marked', 'hash-wasm', 'highlight.js/lib/core', 'highlight.js/lib/languages/python', 'temml'],
  ...['@codemirror/commands', '@codemirror/lang-markdown', '@codemirror/language', '@codemirror/search'],
  ...['@codemirror/state', '@codemirror/view', '@lezer/highlight', 'diff', 'idb'],
  ...['openai', 'ajv/dist/2020', 'ajv-formats'],
]

const root = here('..')
const shared = mergeConfig(base, { root, server: { fs: { allow: [root] } } })

/** `*.browser.test.ts` runs in Chromium, with WebGPU computed in software; everything else in Node. */
export default defineConfig({
  test: {
    projects: [
      mergeConfig(
        shared,
        defineProject({
          test: {
            name: 'node',
            environment: 'node',
            testTimeout: 60_000, // property tests take seconds, and several times that where others use the processor too
            include: ['tests/web/**/*.test.{ts,tsx}'],
            exclude: ['tests/web/**/*.browser.test.{ts,tsx}'],
          },
        }),
      ),
      mergeConfig(
        shared,
        defineProject({
          plugins: [
            isolation(),
            damagedBundles({ '/damaged/': BUNDLES }),
            modelFolders({ '/bundles/': `${BUNDLES}/` }),
          ],
          // Named here, every one: a package found while tests run would be bundled then, and the page reloaded under them.
          optimizeDeps: { noDiscovery: true, include: PACKAGES },
          test: {
            name: 'browser',
            include: ['tests/web/**/*.browser.test.{ts,tsx}'],
            testTimeout: 300_000, // SwiftShader compiles its shaders on a CPU that others use too
            hookTimeout: 300_000,
            expect: { poll: { timeout: 60_000 } }, // of expect.element: a second is little on a busy machine
            setupFiles: [here('../tests/web/patience.ts')], // the same for vi.waitFor
            fileParallelism: false, // two cores: engines side by side would only slow each other down
            browser: {
              enabled: true,
              headless: true,
              screenshotFailures: false,
              provider: playwright({
                launchOptions: {
                  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
                  args: [
                    ...['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
                    ...['--disable-component-update', '--disable-sync'],
                    ...['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
                  ],
                },
              }),
              instances: [{ browser: 'chromium' }],
            },
          },
        }),
      ),
    ],
  },
})
