/**
 * What the writing page finds in files of one sentence a line, for `slm-export eval grammar --engine`: every finding of the
 * model alone, of both and of the rules, with its kind and confidence, and what the sentence becomes by what the page shows:
 *   node tests/bench/proofread.mjs --out engine.json [--bundle FOLDER] [--limit N] FILE…
 *   node tests/bench/proofread.mjs --out engine.json --again engine.json [--bundle FOLDER]   # other gates, same findings
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { openPage, ROOT } from './page.mjs'

const { values: options, positionals: files } = parseArgs({
  allowPositionals: true,
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-grammar' },
    out: { type: 'string' },
    again: { type: 'string' },
    limit: { type: 'string' },
  },
})
if (!options.out || (files.length === 0 && !options.again)) {
  console.error('Name a file to write with --out, and the files of sentences, or --again with what was found before.')
  process.exit(2)
}
const manifest = JSON.parse(readFileSync(path.resolve(ROOT, options.bundle, 'manifest.json'), 'utf8'))
const { least_gain, margins } = manifest.prompts.tasks.find(({ task }) => task === 'grammar')
const gates = { threshold: least_gain ?? 2, margins: Object.fromEntries((margins ?? []).map(m => [m.type, m.nats])) }
const { page, source, close } = await openPage(options.bundle)
const modules = {
  client: source('engine/client.ts'),
  corrector: source('tasks/grammar/corrector.ts'),
  harper: source('tasks/grammar/harper.ts'),
  shown: source('tasks/grammar/shown.ts'),
}
try {
  page.on('console', message => console.error(message.text()))
  const found = options.again
    ? JSON.parse(readFileSync(options.again, 'utf8'))
    : await page.evaluate(find, [modules, texts()])
  const shown = await page.evaluate(show, [modules, found.sentences, gates])
  const sentences = found.sentences.map((sentence, at) => ({ ...sentence, shown: shown[at] }))
  writeFileSync(options.out, `${JSON.stringify({ ...found, gates, sentences }, null, 1)}\n`)
  const ms = sentences.map(sentence => sentence.ms).sort((a, b) => a - b)
  console.log(
    `${ms.length} sentences by ${found.variant} on ${found.backend}: median ${ms[ms.length >> 1].toFixed(0)} ms`,
  )
} finally {
  await close()
}

function texts() {
  const limit = options.limit ? Number(options.limit) : undefined
  return [...new Set(files.flatMap(file => linesOf(file).slice(0, limit)))]
}

function linesOf(file) {
  const lines = readFileSync(file, 'utf8').split('\n')
  return lines.map(line => line.trim()).filter(line => line !== '')
}

/** Runs in the page: findings with places in the line, names of the line. */
async function find([{ client, corrector: module, harper }, lines]) {
  const { createEngine } = await import(client)
  const { Corrector } = await import(module)
  const { Harper } = await import(harper)
  const corrector = new Corrector((who, error) => {
    throw new Error(`${who}: ${error}`)
  })
  corrector.engine = await createEngine({ bundle: '/bundle/', device: 'cpu' })
  corrector.rules = new Harper()
  let names = []
  const ask = async (text, source) => {
    const findings = []
    const take = ({ start, findings: own }) => {
      for (const finding of own) findings.push({ ...finding, from: start + finding.from, to: start + finding.to })
    }
    await corrector.run(text, {
      source,
      signal: new AbortController().signal,
      view: () => ({ from: 0, to: text.length }),
      isOpen: () => false,
      turn: async () => {},
      onKnown: (known, _, { names: own }) => {
        names = [...own].map(name => name.toLowerCase())
        known.forEach(take)
      },
      onChecked: take,
      onProgress: () => {},
    })
    return findings
  }
  const sentences = []
  for (const text of lines) {
    const start = performance.now()
    const found = { both: await ask(text, 'both') }
    const ms = performance.now() - start
    for (const source of ['model', 'rules']) found[source] = await ask(text, source)
    sentences.push({ text, ms, names, findings: found.model, with_rules: found.both, rules: found.rules })
    if (sentences.length % 50 === 0) console.info(`${sentences.length} of ${lines.length}`)
  }
  const { bundle, variant, backend } = corrector.engine.info
  await corrector.engine.dispose()
  return { bundle, variant, backend, sentences }
}

/** Runs in the page: the lines with everything accepted that is shown. */
async function show([{ shown: module }, sentences, gates]) {
  const { shownOf } = await import(module)
  const accepted = ({ text, names, findings, with_rules, rules }, source) => {
    const wishes = { source, ...gates, keep: new Set(names), never: new Set(), dismissed: new Set() }
    const edits = shownOf(text, { model: findings, both: with_rules, rules }[source], wishes)
    return edits.reduceRight(
      (line, { from, to, replacements }) => line.slice(0, from) + replacements[0] + line.slice(to),
      text,
    )
  }
  return sentences.map(each =>
    Object.fromEntries(['model', 'both', 'rules'].map(source => [source, accepted(each, source)])),
  )
}
