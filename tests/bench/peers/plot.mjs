/** The benchmark's figures as a picture: for each speed a group of bars per prompt, one bar per engine, with its range. */
import { LENGTHS, titleOf } from './table.mjs'

const PANELS = [
  ['decode_tokens_per_second', 'Writing, tokens per second'],
  ['prefill_tokens_per_second', 'Reading a prompt, tokens per second'],
  ['time_to_first_token_ms', 'Time to first token, ms'],
]
/** Okabe and Ito's colours, which most colour-blind people tell apart; the titles are beside them in this order. */
const COLOURS = ['#0072b2', '#56b4e9', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#999999']
const WIDTH = 960
const PANEL = { height: 200, gap: 46, left: 56, top: 64 }

/** @returns {string} an SVG document */
export function plot(report) {
  const names = Object.keys(report.engines)
  const legendHeight = 22 * names.length
  const height = PANEL.top + PANELS.length * (PANEL.height + PANEL.gap) + legendHeight + 12
  const { machine, device, threads, model } = report
  const where = `${model ?? ''} ${device}${device === 'cpu' ? `, ${threads} threads` : ''}; ${machine.cpu}, Chromium ${machine.browser}`
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13">`,
    `<title>${escaped(where)}</title><rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="16" y="28" font-size="16">${escaped(where)}</text>`,
    ...PANELS.map((panel, index) => panelOf(report, panel, PANEL.top + index * (PANEL.height + PANEL.gap))),
    ...names.map((name, index) => legend(titleOf(name, report.engines[name]), index, height - legendHeight)),
    '</svg>',
  ]
  return `${parts.join('\n')}\n`
}

function panelOf({ engines }, [field, title], top) {
  const names = Object.keys(engines)
  const figures = LENGTHS.map(length => names.map(name => engines[name].prompts[length][field]))
  const most = Math.max(1, ...figures.flat().map(figure => figure?.range[1] ?? 0))
  const base = top + PANEL.height
  const y = value => base - ((PANEL.height - 24) * value) / most
  const groupWidth = (WIDTH - PANEL.left - 16) / LENGTHS.length
  const barWidth = Math.min(48, (groupWidth - 24) / names.length)
  const bars = figures.flatMap((group, at) =>
    group.map((figure, index) => {
      if (!figure) return ''
      const x = PANEL.left + at * groupWidth + 12 + index * barWidth
      const middle = x + barWidth / 2
      const [least, largest] = figure.range.map(y)
      const said = figure.median < 100 ? figure.median.toFixed(1) : figure.median.toFixed(0)
      return [
        `<rect x="${x + 1}" y="${y(figure.median)}" width="${barWidth - 2}" height="${base - y(figure.median)}" fill="${colour(index)}"/>`,
        `<path d="M${middle} ${least}V${largest}" stroke="#000"/>`,
        `<text x="${middle}" y="${largest - 4}" text-anchor="middle" font-size="11">${said}</text>`,
      ].join('')
    }),
  )
  const labels = LENGTHS.map(
    (length, at) => `<text x="${PANEL.left + at * groupWidth + 12}" y="${base + 16}">${length} tokens</text>`,
  )
  const axis = `<path d="M${PANEL.left} ${base}H${WIDTH - 16}" stroke="#000"/>`
  return [`<text x="16" y="${top}" font-weight="bold">${title}</text>`, axis, ...bars, ...labels].join('\n')
}

function legend(title, index, top) {
  const y = top + 22 * index
  return `<rect x="16" y="${y - 11}" width="12" height="12" fill="${colour(index)}"/><text x="36" y="${y}">${escaped(title)}</text>`
}

function colour(index) {
  return COLOURS[index % COLOURS.length]
}

function escaped(text) {
  return text.replace(/[&<>"]/g, sign => `&#${sign.charCodeAt(0)};`)
}
