/**
 * What guessing by copying brings on this machine's CPU, and whether disposing of an engine gives its memory back, as
 * JSON on stdout. Needs `npm run build` and an exported bundle. Times ms; texts with and without copying must be equal.
 *   node tests/bench/copying.mjs [--bundle .data/models/smollm2-135m-instruct] [--backend simd|ort] [--rounds 3]
 */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { serve } from './peers/serve.mjs'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    backend: { type: 'string' },
    rounds: { type: 'string', default: '3' },
  },
})
const SYSTEM_CHROMIUM = '/usr/bin/chromium'
const CHROMIUM = process.env.CHROMIUM ?? (existsSync(SYSTEM_CHROMIUM) ? SYSTEM_CHROMIUM : undefined)

const FAULTY =
  'Yesterday I goed to the market with my sister and we buyed three apple, two oranges and a bag of flour. The seller ' +
  'was very kind and he give us a extra orange for free. When we came home, my mother were happy and she baked a cake.'
const asked = content => [{ role: 'user', content }]
const CASES = {
  correct: { messages: asked(`Correct the grammar of this text:\n\n${FAULTY}`), draft: FAULTY },
  repeat: { messages: asked(`Repeat this text exactly:\n\n${FAULTY}`), draft: FAULTY },
  chat: { messages: asked('Explain in a paragraph why the sky is blue.'), draft: null },
}

const server = await serve({ '/': path.join(ROOT, 'web', 'dist'), '/bundle/': path.resolve(ROOT, options.bundle) })
const browser = await chromium.launch({
  ...(CHROMIUM ? { executablePath: CHROMIUM } : {}),
  args: ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking'],
})
try {
  const page = await browser.newPage()
  page.on('pageerror', error => console.error(String(error)))
  await page.goto(server.url)
  const found = await page.evaluate(inPage, { cases: CASES, backend: options.backend, rounds: Number(options.rounds) })
  console.log(JSON.stringify(found, null, 2))
} finally {
  await browser.close()
  server.close()
}

/** Runs in the page. */
async function inPage({ cases, backend, rounds }) {
  const { createEngine } = await import('/slm.js')
  const memory = async () => (await performance.measureUserAgentSpecificMemory()).bytes
  const median = values => values.sort((a, b) => a - b)[values.length >> 1]
  const beforeBytes = await memory()
  const engine = await createEngine({ bundle: '/bundle/', device: 'cpu', ...(backend ? { backend } : {}) })
  const results = {}
  for (const [name, { messages, draft }] of Object.entries(cases)) {
    const runs = { plain: [], copying: [] }
    const texts = new Set()
    const prediction = draft === null ? {} : { prediction: { type: 'content', content: draft } }
    for (let round = 0; round < rounds; round++) {
      for (const [kind, more] of [
        ['plain', {}],
        ['copying', { speculate: 'copy', ...prediction }],
      ]) {
        const answer = await engine.chat.completions.create({ messages, temperature: 0, max_tokens: 80, ...more })
        texts.add(answer.choices[0].message.content)
        runs[kind].push(engine.stats())
      }
    }
    const { outputTokens, draftedTokens, acceptedTokens } = runs.copying[0]
    const [plain, copying] = [runs.plain, runs.copying].map(all => median(all.map(({ decodeMs }) => decodeMs)))
    results[name] = {
      ...{ output_tokens: outputTokens, drafted_tokens: draftedTokens, accepted_tokens: acceptedTokens },
      ...{ plain_ms: Math.round(plain), copying_ms: Math.round(copying), same_text: texts.size === 1 },
    }
  }
  const { backend: runsOn, threads } = engine.info
  const loadedBytes = await memory()
  await engine.dispose()
  const memoryBytes = { before: beforeBytes, loaded: loadedBytes, disposed: await memory() }
  return { backend: runsOn, threads, results, memory_bytes: memoryBytes }
}
