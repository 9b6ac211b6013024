/**
 * How fast the grammar model corrects in the browser's engine:
 *   node tests/bench/grammar.mjs [--bundle FOLDER] [--backends simd,ort] [--threads 2] [--rounds 3] [--json out.json]
 *                                [--url http://127.0.0.1:8765/]
 * - a sentence of 15 words that has just ended: until the engine has its corrections (answer and confidence);
 * - a paragraph of 100 words, nothing of it known before;
 * - the same answers written plainly (greedy) and with the sentence as the draft: ratio, accepted share, same text.
 * With --url (a running playground that has the grammar model) also what a writer sees: from the key that ends a sentence to
 * its mark, pause and page included, by the model alone. Milliseconds; medians with least and most.
 */
import { existsSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright'
import { openPage } from './page.mjs'

const { values: options } = parseArgs({
  options: {
    bundle: { type: 'string', default: '.data/models/smollm2-135m-grammar' },
    backends: { type: 'string', default: 'simd,ort' },
    threads: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    url: { type: 'string' },
    json: { type: 'string' },
  },
})

/** Of 15 words each, half of them with errors. */
const SENTENCES = [
  'She go to school every day with her brother and they comes home at four.',
  'My friend have a new car that he bought last year from his old uncle.',
  'The children was playing in the garden when it suddenly started to rain very hard.',
  'I did not knew that the shop were closed on Sundays during the whole winter.',
  'The train was late this morning because there was a lot of snow on track.',
  'We are looking for a small house near the river with a garden and trees.',
  'He told me that the meeting would begin at nine and last about two hours.',
  'There is a good restaurant around the corner where we often eat on Friday evenings.',
]
/** A word before each sentence, another in each round: nothing is known from the one before. */
const ROUNDS = ['now', 'then', 'so', 'again', 'still', 'also', 'here', 'soon', 'later', 'today']
const SHOWN = ROUNDS.slice(0, Number(options.rounds)).map(word => `${word[0].toUpperCase()}${word.slice(1)}`)

const found = {}
for (const backend of options.backends.split(',').filter(Boolean)) found[backend] = await measured(backend)
if (options.url) found.page = await seen(options.url)
if (options.json) writeFileSync(options.json, `${JSON.stringify(found, null, 1)}\n`)

async function measured(backend) {
  const { page, source, close } = await openPage(options.bundle)
  try {
    const result = await page.evaluate(run, {
      ...{ client: source('engine/client.ts'), backend, threads: Number(options.threads) },
      ...{ sentences: SENTENCES, beginnings: SHOWN },
    })
    show(result)
    return result
  } finally {
    await close()
  }
}

/** Runs in the page. */
async function run({ client, backend, threads, sentences, beginnings }) {
  const { createEngine } = await import(client)
  const engine = await createEngine({ bundle: '/bundle/', device: 'cpu', backend, threads })
  const { info } = engine
  const timed = async act => {
    const started = performance.now()
    const value = await act()
    return { ms: performance.now() - started, value }
  }
  await engine.proofread('This sentence warm everything up before.')
  const [one, paragraph, plain, drafted] = [[], [], [], []]
  const tokens = { drafted: 0, accepted: 0, output: 0 }
  let same = 0
  const behind = (words, sentence) => `${words} ${sentence.replace(/^(?!I )./, letter => letter.toLowerCase())}`
  for (const [round, word] of beginnings.entries()) {
    const fresh = sentences.map(sentence => behind(word, sentence))
    for (const sentence of fresh) {
      one.push((await timed(() => engine.proofread(sentence, { priority: 'interactive' }))).ms)
    }
    const words = fresh
      .map(sentence => behind('But', sentence))
      .join(' ')
      .split(' ')
    const text = `${words.slice(0, 100).join(' ').replace(/\.?$/, '.')}`
    paragraph.push((await timed(() => engine.proofread(text))).ms)
    for (const [index, sentence] of fresh.entries()) {
      const answers = {}
      // In turn, so that neither always finds the other's prompt in the cache.
      const ways = (index + round) % 2 ? ['plain', 'draft'] : ['draft', 'plain']
      for (const way of ways) {
        const request = {
          messages: [{ role: 'user', content: `Fix: ${sentence}` }],
          ...{ temperature: 0, max_tokens: 64, stop: ['\n'] },
          ...(way === 'draft' ? { prediction: { type: 'content', content: sentence } } : { speculate: 'off' }),
        }
        const { ms, value } = await timed(() => engine.chat.completions.create(request))
        answers[way] = value.choices[0].message.content
        const { draftedTokens, acceptedTokens, outputTokens, prefillMs } = engine.stats()
        ;(way === 'draft' ? drafted : plain).push(ms - prefillMs)
        if (way === 'draft') {
          tokens.drafted += draftedTokens
          tokens.accepted += acceptedTokens
          tokens.output += outputTokens
        }
      }
      if (answers.plain === answers.draft) same++
    }
  }
  await engine.dispose()
  return {
    backend: info.backend,
    threads: info.threads,
    bundle: info.bundle.id,
    sentence_ms: one,
    words_100_ms: paragraph,
    plain_ms: plain,
    drafted_ms: drafted,
    tokens,
    same_answers: same,
    answers: plain.length,
  }
}

function show(result) {
  const { tokens } = result
  console.log(`\n${result.bundle}, ${result.backend}, ${result.threads} threads`)
  console.table({
    'sentence of 15 words': spread(result.sentence_ms),
    '100 words': spread(result.words_100_ms),
    'answer, plain greedy': spread(result.plain_ms),
    'answer, sentence as draft': spread(result.drafted_ms),
  })
  const ratio = sum(result.plain_ms) / sum(result.drafted_ms)
  console.log(
    `Draft: ${ratio.toFixed(2)} times as fast behind the prompt; ${tokens.accepted} of ${tokens.drafted} drafted tokens ` +
      `accepted (${share(tokens.accepted, tokens.drafted)}); ${result.same_answers} of ${result.answers} answers the same.`,
  )
}

/** From the key that ends a sentence to its mark, in the page. */
async function seen(url) {
  const system = '/usr/bin/chromium'
  const executablePath = process.env.CHROMIUM ?? (existsSync(system) ? system : undefined)
  const browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 } })
    page.setDefaultTimeout(300_000) // the model loads first
    await page.goto(new URL('#/write', url).href)
    await page.getByRole('checkbox', { name: 'Suggest while I write' }).uncheck()
    await page.getByRole('button', { name: 'Corrections' }).click()
    await page.getByRole('radio', { name: 'Model', exact: true }).check()
    await page.getByRole('textbox', { name: 'Document text' }).click()
    await page.keyboard.insertText('He go home.\n')
    await page.waitForFunction(() => document.querySelector('.write-text').shadowRoot.querySelector('[data-mark]'))
    const times = []
    for (const sentence of SHOWN.map(word => `${word} ${SENTENCES[0].slice(0, -1).toLowerCase()}`)) {
      await page.keyboard.insertText(sentence)
      times.push(
        await page.evaluate(async () => {
          const root = document.querySelector('.write-text').shadowRoot
          const before = root.querySelectorAll('[data-mark]').length
          const marked = new Promise(resolve => {
            const watch = new MutationObserver(() => {
              if (root.querySelectorAll('[data-mark]').length <= before) return
              watch.disconnect()
              resolve(performance.now())
            })
            watch.observe(root, { childList: true, subtree: true, attributes: true })
          })
          const started = performance.now()
          document.execCommand('insertText', false, '.')
          return (await marked) - started
        }),
      )
      await page.keyboard.press('Enter')
    }
    console.log('\nIn the page, from the full stop to the mark:')
    console.table({ mark: spread(times) })
    return { mark_ms: times }
  } finally {
    await browser.close()
  }
}

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const at = place => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(place * sorted.length))])
  return { median: at(0.5), least: at(0), most: at(1) }
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0)
}

function share(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(1)} %` : '–'
}
