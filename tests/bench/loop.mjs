/**
 * What the engine's loop costs per token beside the model: picking from all logits, from candidates, and everything
 * around it (text, stop strings, cache bookkeeping, events), with a backend that computes nothing. Microseconds of processor
 * time per token, collecting garbage included, and what else runs on the machine not; median [least, most] over rounds:
 *   node tests/bench/loop.mjs [--tokens 300] [--rounds 5] [--json]
 */

import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runnerImport } from 'vite'

const { values: options } = parseArgs({
  options: {
    tokens: { type: 'string', default: '300' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
})
const TOKENS = Number(options.tokens)
const ROUNDS = Number(options.rounds)
const VOCABULARIES = [49_152, 151_936]

const engine = async name => {
  const file = fileURLToPath(new URL(`../../web/src/engine/${name}.ts`, import.meta.url))
  return (await runnerImport(file, { configFile: false, logLevel: 'error' })).module
}
const [{ Sampler }, { randomNumbers }, { Context }, { generate }] = await Promise.all(
  ['sampler', 'random', 'context', 'generate'].map(engine),
)

const PLAIN = {
  ...{ temperature: 1, topP: 1, topK: 0, minP: 0, seed: 1 },
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, logitBias: new Map() },
}
const SETTINGS = {
  greedy: { temperature: 0 },
  'temperature 1': {},
  'temperature 0.7, top-p 0.9': { temperature: 0.7, topP: 0.9 },
  'top-k 40, top-p 0.95': { topK: 40, topP: 0.95 },
  'min-p 0.05': { minP: 0.05 },
  'penalties (1.1, 0.5, 0.5), top-p 0.9': {
    repetitionPenalty: 1.1,
    presencePenalty: 0.5,
    frequencyPenalty: 0.5,
    topP: 0.9,
  },
}

/** Shaped like a small model's: most tokens far below a few likely ones. */
function logitsOf(size, seed) {
  const random = randomNumbers(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const logits = Float32Array.from({ length: size }, () => normal() * 2.5)
  for (let index = 0; index < 40; index++) logits[Math.floor(random() * size)] = 10 + 6 * random()
  return logits
}

function candidatesOf(logits, perRow = 16, width = 2048) {
  const ids = []
  let floor = -Infinity
  for (let from = 0; from < logits.length; from += width) {
    const row = Array.from({ length: Math.min(width, logits.length - from) }, (_, index) => from + index)
    row.sort((a, b) => logits[b] - logits[a])
    ids.push(...row.slice(0, perRow))
    if (row.length > perRow) floor = Math.max(floor, logits[row[perRow - 1]])
  }
  const logSumExp = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0))
  return { ids: Int32Array.from(ids), logits: Float32Array.from(ids, id => logits[id]), logSumExp, floor, perRow }
}

function statistics(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return { median: sorted[sorted.length >> 1], least: sorted[0], most: sorted.at(-1) }
}

const prompt = Array.from({ length: 512 }, (_, index) => (index * 31) % 40_000)

/** Microseconds per token over `TOKENS`, once per round after one to warm up. */
async function measure(once) {
  const rounds = []
  for (let round = 0; round <= ROUNDS; round++) {
    const began = process.cpuUsage()
    await once()
    const { user, system } = process.cpuUsage(began)
    if (round > 0) rounds.push((user + system) / TOKENS)
  }
  return statistics(rounds)
}

function picking(settings, steps, whole, size) {
  return () => {
    const sampler = new Sampler({ ...PLAIN, ...settings }, size, prompt)
    for (let index = 0; index < TOKENS; index++) {
      const at = index % steps.length
      const token = sampler.pick(steps[at], null) ?? sampler.pick(whole[at], null)
      sampler.accept(token)
    }
  }
}

/** The whole loop over logits that lie there already. */
function looping(settings, steps, size) {
  let length = 0
  let turn = 0
  const step = async count => {
    length += count
    return steps[turn++ % steps.length]
  }
  const backend = {
    ...{ name: 'none', vocabularySize: size, contextLength: 8192, continuesPrompt: true, chunkTokens: 128 },
    room: tokens => 8192 - tokens + 1,
    get length() {
      return length
    },
    prefill: async tokens => step(tokens.length),
    decode: async () => step(1),
    verify: async () => [],
    truncate: to => {
      length = to
    },
    dispose: async () => {},
  }
  const context = new Context(backend)
  return async () => {
    const events = generate(context, {
      ...{
        prompt,
        sampler: { ...PLAIN, ...settings },
        maxTokens: TOKENS,
        endOfTurn: new Set(),
        stops: ['\nUser:', '###'],
      },
      decoder: { push: token => ` ${token}` },
      ...{ spell: () => ({ text: '', bytes: [] }), constraint: null, topLogprobs: null, resume: [], speculation: null },
      giveWay: async () => false,
      signal: new AbortController().signal,
    })
    for await (const _ of events);
  }
}

const results = []
for (const size of VOCABULARIES) {
  const logits = Array.from({ length: 8 }, (_, seed) => logitsOf(size, seed))
  const candidates = logits.map(row => candidatesOf(row))
  for (const [name, settings] of Object.entries(SETTINGS)) {
    results.push({
      vocabulary: size,
      settings: name,
      from_logits_us: await measure(picking(settings, logits, logits, size)),
      from_candidates_us: await measure(picking(settings, candidates, logits, size)),
      whole_loop_us: await measure(looping(settings, logits, size)),
    })
  }
}

if (options.json) console.log(JSON.stringify({ tokens: TOKENS, rounds: ROUNDS, results }, null, 2))
else {
  const show = ({ median, least, most }) => `${median.toFixed(0)} [${least.toFixed(0)}, ${most.toFixed(0)}]`.padEnd(22)
  console.log(
    `${'vocabulary'.padEnd(11)}${'settings'.padEnd(40)}${'logits, µs'.padEnd(22)}${'candidates, µs'.padEnd(22)}whole loop, µs`,
  )
  for (const { vocabulary, settings, from_logits_us, from_candidates_us, whole_loop_us } of results) {
    const figures = [from_logits_us, from_candidates_us, whole_loop_us].map(show).join('')
    console.log(`${String(vocabulary).padEnd(11)}${settings.padEnd(40)}${figures}`)
  }
}
process.exit(0) // the loop's message channel would keep the process
