/**
 * What the browser's engine corrects in files of one sentence a line, for `slm-export eval grammar --engine`: every edit with
 * its kind, its confidence in nats and the guard that dropped it, none held back for want of confidence:
 *   node tests/bench/proofread.mjs --out engine.json [--bundle FOLDER] [--threads N] [--limit N] FILE…
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openPage } from './page.mjs'

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-grammar' },
    out: { type: 'string' },
    threads: { type: 'string' },
    limit: { type: 'string' },
  },
})
if (!options.out || files.length === 0) {
  console.error('Name a file to write with --out, and the files of sentences.')
  process.exit(2)
}
const limit = options.limit ? Number(options.limit) : undefined
const lines = [...new Set(files.flatMap(file => linesOf(file).slice(0, limit)))]
const { page, source, close } = await openPage(options.bundle)
try {
  page.on('console', message => console.error(message.text()))
  const threads = options.threads ? { threads: Number(options.threads) } : {}
  const said = await page.evaluate(correct, [source('engine/client.ts'), lines, threads])
  writeFileSync(options.out, `${JSON.stringify(said, null, 1)}\n`)
  const ms = said.sentences.map(sentence => sentence.ms).sort((a, b) => a - b)
  console.log(
    `${lines.length} sentences by ${said.variant} on ${said.backend}: median ${ms[ms.length >> 1].toFixed(0)} ms`,
  )
} finally {
  await close()
}

function linesOf(file) {
  const text = readFileSync(file, 'utf8').split('\n')
  return text.map(line => line.trim()).filter(line => line !== '')
}

/** Runs in the page. */
async function correct([client, texts, threads]) {
  const { createEngine } = await import(client)
  const engine = await createEngine({ bundle: '/bundle/', device: 'cpu', ...threads })
  const sentences = []
  for (const text of texts) {
    const parts = []
    const start = performance.now()
    await engine.proofread(text, { threshold: Number.NEGATIVE_INFINITY, onSentence: part => parts.push(part) })
    sentences.push({
      text,
      ms: performance.now() - start,
      dropped: parts.flatMap(part => part.guardedBecause ?? []),
      edits: parts.flatMap(part =>
        part.corrections.map(edit => ({
          ...{ start: edit.startIndex, end: edit.endIndex, correction: edit.correction, types: edit.types },
          ...{ gain: edit.confidence, guard: edit.guardedBecause ?? null },
        })),
      ),
      speculation: parts.map(part => part.stats),
    })
    if (sentences.length % 50 === 0) console.info(`${sentences.length} of ${texts.length}`)
  }
  const { bundle, variant, backend } = engine.info
  await engine.dispose()
  return { bundle, variant, backend, sentences }
}
