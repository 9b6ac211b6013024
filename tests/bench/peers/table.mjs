/** The benchmark's figures as one Markdown table, and how many times the better peer we are. */
import { ENGINES } from './engines.mjs'

export const LENGTHS = [42, 256, 1024]

/** Per engine: medians with [least, most] over the rounds; the first load is the cold one. */
export function summarise(runs) {
  const names = [...new Set(runs.map(({ engine }) => engine))]
  return Object.fromEntries(
    names.map(name => {
      const own = runs.filter(({ engine }) => engine === name)
      const cold = own.find(({ round }) => round === 0)
      const warm = own.filter(({ round }) => round > 0)
      const of = (length, field) => spread(own.map(({ speeds }) => speeds[length][field]))
      const speeds = LENGTHS.map(length => [
        length,
        {
          prefill_tokens_per_second: of(length, 'prefillTokensPerSecond'),
          decode_tokens_per_second: of(length, 'decodeTokensPerSecond'),
          time_to_first_token_ms: of(length, 'firstTokenMs'),
        },
      ])
      const summary = {
        ...own[0].describe,
        load_cold_ms: cold?.loadMs ?? null,
        load_warm_ms: warm.length > 0 ? spread(warm.map(({ loadMs }) => loadMs)) : null,
        downloaded_bytes: cold?.sentBytes ?? null,
        peak_memory_bytes: spread(own.map(({ peakMemoryBytes }) => peakMemoryBytes).filter(value => value !== null)),
        prompts: Object.fromEntries(speeds),
      }
      return [name, summary]
    }),
  )
}

function spread(numbers) {
  if (numbers.length === 0) return null
  const sorted = [...numbers].sort((a, b) => a - b)
  const middle = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
  return { median: middle, range: [sorted[0], sorted.at(-1)] }
}

/** @returns {string} what the engine is called, and what it ran */
export function titleOf(name, { variant, backend }) {
  return `${ENGINES[name].title} ${variant}, ${backend}`
}

export function table({ machine, device, threads, engines, fidelity, model }) {
  const titles = Object.keys(engines).map(name => titleOf(name, engines[name]).replace(', ', '<br>'))
  const rows = [
    ...LENGTHS.map(length => ['prefill tok/s', length, 'prefill_tokens_per_second']),
    ...LENGTHS.map(length => ['decode tok/s', length, 'decode_tokens_per_second']),
    ...LENGTHS.map(length => ['first token ms', length, 'time_to_first_token_ms']),
  ].map(([title, length, field]) => [
    `${title}, ${length} tokens`,
    ...Object.values(engines).map(({ prompts }) => shown(prompts[length][field])),
    field === 'time_to_first_token_ms' ? '' : ratio(engines, length, field),
  ])
  const other = [
    ['load, cold, ms', ({ load_cold_ms }) => (load_cold_ms === null ? '–' : load_cold_ms.toFixed(0))],
    ['load, warm, ms', ({ load_warm_ms }) => shown(load_warm_ms)],
    ['downloaded, MB', ({ downloaded_bytes }) => (downloaded_bytes / 1e6).toFixed(1)],
    ['peak memory, MB', ({ peak_memory_bytes }) => shown(peak_memory_bytes, 1e6)],
  ].map(([title, read]) => [title, ...Object.values(engines).map(read), ''])
  const exact = Object.keys(engines).map(name => fidelityOf(name, engines[name], fidelity))
  const quality = [
    ['perplexity ratio', ...exact.map(found => found?.perplexity_ratio.toFixed(4) ?? '–'), ''],
    ['top-1 agreement', ...exact.map(found => (found ? `${(found.top1_agreement * 100).toFixed(1)} %` : '–')), ''],
  ]
  const head = ['', ...titles, 'we ÷ better peer']
  const lines = [head, head.map(() => '---'), ...rows, ...other, ...quality].map(cells => `| ${cells.join(' | ')} |`)
  const where = `${machine.cpu}, ${machine.cores} cores, load ${machine.load.toFixed(1)}, Chromium ${machine.browser}`
  return [`${model}: ${device}, ${threads} threads; ${where}`, '', ...lines].join('\n')
}

function shown(figure, unit = 1) {
  if (!figure) return '–'
  const [least, most] = figure.range.map(value => digits(value / unit))
  return `${digits(figure.median / unit)} (${least}–${most})`
}

function digits(value) {
  return value.toFixed(value < 100 ? 1 : 0)
}

/** Of ours the first in the list. */
function ratio(engines, length, field) {
  const median = name => engines[name]?.prompts[length][field].median
  const peers = Object.keys(engines).filter(name => !name.startsWith('slm'))
  const best = Math.max(...peers.map(median))
  const ours = median(Object.keys(engines).find(name => name.startsWith('slm')))
  return ours && Number.isFinite(best) ? `${(ours / best).toFixed(2)} ×` : ''
}

/** Ours from the manifest, a peer's as make_models.py measured it. */
function fidelityOf(name, { variant }, { ours, peers }) {
  if (name.startsWith('slm')) return ours.find(({ name: own }) => own === variant)?.fidelity
  return peers.find(({ engine, dtype }) => engine === ENGINES[name].title && dtype === variant)
}
