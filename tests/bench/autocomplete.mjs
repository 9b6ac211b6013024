/**
 * Suggestions through the browser's engine, at the places that `slm-export eval autocomplete … --out DIR` chose and measured
 * (are the numbers the same?), and how long they take while somebody types a 400-word document:
 *   node tests/bench/autocomplete.mjs [--bundle FOLDER] [--eval DIR] [--text FILE] [--backends simd,ort] [--threads 2]
 *                                     [--keys 120] [--most 1000] [--json out.json]
 * --eval: results.json and places.json are there; quality is measured. --text: a document of at least 400 words is made of
 * its lines; latency is measured, key by key, at the default threshold and for three words whatever their probability. The
 * texts stay on this machine.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { openPage } from './page.mjs'

const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' },
    eval: { type: 'string' },
    text: { type: 'string' },
    backends: { type: 'string', default: 'simd,ort' },
    threads: { type: 'string', default: '2' },
    keys: { type: 'string', default: '120' },
    most: { type: 'string', default: '1000' },
    context: { type: 'string', default: '1500' },
    json: { type: 'string' },
  },
})
const LETTERS = [0, 1, 2, 3]
const WORDS = 400

if (!options.eval && !options.text) {
  console.error('Say --eval DIR, --text FILE or both: see the top of this file.')
  process.exit(2)
}

const found = {}
for (const backend of options.backends.split(',')) found[backend] = await measure(backend)
if (options.json) writeFileSync(options.json, `${JSON.stringify(found, null, 1)}\n`)

async function measure(backend) {
  const { page, source, close } = await openPage(options.bundle)
  try {
    return await measured(page, source('engine/client.ts'), backend)
  } finally {
    await close()
  }
}

async function measured(page, client, backend) {
  const about = await page.evaluate(
    async ([client, backend, threads]) => {
      const { createEngine } = await import(client)
      globalThis.engine = await createEngine({ bundle: '/bundle/', device: 'cpu', backend, threads })
      const { info } = globalThis.engine
      return { backend: info.backend, threads: info.threads, bundle: info.bundle.id }
    },
    [client, backend, Number(options.threads)],
  )
  const quality = options.eval ? await qualityOf(page) : null
  const latency = options.text ? await latencyOf(page) : null
  await page.evaluate(() => globalThis.engine.dispose())
  show(about, quality, latency)
  return { ...about, quality, latency }
}

/** The same places as Python's, beside what Python found there. */
async function qualityOf(page) {
  const chosen = JSON.parse(readFileSync(path.join(options.eval, 'places.json'), 'utf8'))
  const results = JSON.parse(readFileSync(path.join(options.eval, 'results.json'), 'utf8'))
  const rows = []
  for (const { text, places, documents } of chosen) {
    const python = results.texts.find(row => row.text === text).predictors.model.trials
    const some = places.slice(0, Number(options.most))
    const trials = await page.evaluate(askAt, [some, documents, results.context_length])
    rows.push({ text, ...compared(trials, python.slice(0, some.length), results.threshold) })
  }
  return rows
}

/** Runs in the page: endings of one, two and three words, as probability, text and what follows. */
async function askAt([places, documents, contextLength]) {
  const trials = []
  for (const { document, offset, letters } of places) {
    const whole = documents[document]
    // Python counts characters, JavaScript UTF-16 code units.
    const before = [...whole].slice(0, offset).join('')
    const following = whole.slice(before.length)
    const endings = new Map()
    let shown = null
    for (const maxWords of [1, 2, 3]) {
      const found = await globalThis.engine.complete({ before, maxWords, minConfidence: 0, contextLength })
      const text = found.text || found.withheld
      if (text && found.probability > 0)
        endings.set(text, { text, probability: found.probability, confidence: found.confidence })
      if (maxWords === 1) shown = found.silentBecause ?? 'shown'
    }
    const outcomes = [...endings.values()].map(ending => ({ ...ending, right: isRight(ending.text, following) }))
    const isMalformed = outcomes.some(
      ({ text }) => /\uFFFD|\s$/u.test(text) || (/\s$/.test(before) && /^\s/.test(text)),
    )
    trials.push({ letters, outcomes, shown, isMalformed })
  }
  return trials

  function isRight(text, following) {
    if (!following.startsWith(text)) return false
    const rest = following.slice(text.length, text.length + 2)
    if (!/[\p{L}\p{N}\p{M}]$/u.test(text)) return true
    return !/^(?:[\p{L}\p{N}\p{M}]|['’-][\p{L}\p{N}\p{M}])/u.test(rest)
  }
}

/** Python's rows are [letters, [words, probability, right], …]. */
function compared(trials, python, threshold) {
  const differences = []
  let sameRight = 0
  for (const [index, { outcomes }] of trials.entries()) {
    const [, first] = python[index]
    const own = outcomes[0]
    if (!first !== !own) continue
    if (!own || Number(own.right) === first[2]) sameRight++
    if (own) differences.push(Math.abs(own.probability - first[1]))
  }
  const mean = differences.reduce((sum, value) => sum + value, 0) / Math.max(1, differences.length)
  const by_letters = LETTERS.map(letters => {
    const [here, there] = [trials.filter(trial => trial.letters === letters), python.filter(row => row[0] === letters)]
    return {
      letters,
      places: here.length,
      browser: scoreOf(
        here.map(({ outcomes: [first] }) => first && [first.probability, first.right]),
        threshold,
      ),
      python: scoreOf(
        there.map(([, first]) => first && [first[1], first[2] === 1]),
        threshold,
      ),
      silenced: reasonsOf(here),
    }
  })
  const malformed = trials.filter(trial => trial.isMalformed).length
  return {
    places: trials.length,
    malformed,
    same_first_word_right: sameRight / trials.length,
    mean_probability_difference: mean,
    by_letters,
  }
}

/** By reason: how many places, and at how many of these the first word would have been right. */
function reasonsOf(trials) {
  const reasons = {}
  for (const { shown, outcomes } of trials) {
    if (shown === 'shown') continue
    reasons[shown] ??= { places: 0, right: 0 }
    reasons[shown].places++
    if (outcomes[0]?.right) reasons[shown].right++
  }
  return reasons
}

/** First words at a threshold of the model's own probability. */
function scoreOf(firsts, threshold) {
  const shown = firsts.filter(first => first && first[0] >= threshold)
  const right = shown.filter(([, isRight]) => isRight).length
  return { coverage: shown.length / Math.max(1, firsts.length), first_word: right / Math.max(1, shown.length) }
}

async function latencyOf(page) {
  const words = readFileSync(options.text, 'utf8').split(/\s+/)
  const start = words.slice(0, WORDS).join(' ').length
  const text = words.slice(0, 2 * WORDS).join(' ')
  return page.evaluate(typeAlong, [text, start, Number(options.keys), Number(options.context)])
}

/** Runs in the page: one call per key, each when the one before has answered. */
async function typeAlong([text, start, keys, contextLength]) {
  const rows = {}
  const cold = performance.now()
  await globalThis.engine.complete({ before: text.slice(0, start), contextLength })
  rows.first_call_ms = performance.now() - cold
  for (const [name, minConfidence] of [
    ['default', 0.6],
    ['three_words', 0],
  ]) {
    const times = []
    let computed = 0
    for (let at = start + 1; at <= start + keys; at++) {
      const began = performance.now()
      const { stats } = await globalThis.engine.complete({ before: text.slice(0, at), minConfidence, contextLength })
      times.push(performance.now() - began)
      computed += stats.promptTokens - stats.cachedTokens
    }
    times.sort((a, b) => a - b)
    const of = share => times[Math.min(times.length - 1, Math.floor(share * times.length))]
    rows[name] = { keys, p50_ms: of(0.5), p90_ms: of(0.9), most_ms: of(1), prompt_tokens_per_key: computed / keys }
  }
  return rows
}

function show({ backend, threads }, quality, latency) {
  console.log(`${backend}, ${threads} threads`)
  for (const row of quality ?? []) {
    const percent = value => `${(100 * value).toFixed(1)} %`
    console.log(
      `  ${row.text}: ${row.places} places, same verdict on the first word ${percent(row.same_first_word_right)},`,
    )
    console.log(
      `    malformed joins ${row.malformed}, probability differs by ${row.mean_probability_difference.toFixed(4)} on average`,
    )
    for (const { letters, browser, python, silenced } of row.by_letters) {
      const pair = key => `${percent(browser[key])} (Python ${percent(python[key])})`
      console.log(
        `    ${letters} letters: shown ${pair('coverage')}, right ${pair('first_word')}, silenced by a rule ${rules(silenced)}`,
      )
    }
  }
  for (const name of latency ? ['default', 'three_words'] : []) {
    const { p50_ms, p90_ms, most_ms, prompt_tokens_per_key } = latency[name]
    const ms = value => `${value.toFixed(0)} ms`
    console.log(
      `  ${name}: p50 ${ms(p50_ms)}, p90 ${ms(p90_ms)}, most ${ms(most_ms)}; ${prompt_tokens_per_key.toFixed(1)} tokens a key`,
    )
  }
  if (latency) console.log(`  first call, the whole context: ${latency.first_call_ms.toFixed(0)} ms`)
}

function rules(silenced) {
  const told = Object.entries(silenced).map(([reason, { places, right }]) => `${reason} ${places} (${right} right)`)
  return told.join(', ') || 'none'
}
