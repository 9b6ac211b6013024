/** A comparison with its answers, for a file. */
import { currentComparison, type Lane, lanes, prompts } from '../../state/compare.ts'
import { contestantOf } from '../../state/votes.ts'
import { comparisonFile } from '../../tasks/comparison.ts'
import { pack, type Trace } from '../../tasks/trace.ts'
import { language, text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'
import { duration, speed } from '../parts/format.ts'
import { letterOf } from './names.ts'

interface Result {
  column: number
  prompt: string
  state: string
  text: string
  stats: object | null
  ran_on: object | null
  tokens: Trace | null
}

/** What is compared, with the answers and figures beside it. */
export function saveComparison(): void {
  const file: object = JSON.parse(comparisonFile(currentComparison()))
  const content = `${JSON.stringify({ ...file, results: resultsOf() }, null, 2)}\n`
  saveFile('comparison.json', content, 'application/json')
}

/** Keys are those of the JSON. */
function resultsOf(): Result[] {
  return lanes.value.flatMap(({ answers }, column) =>
    answers.value.map(({ value: { state, text: written, stats, ran, steps } }, turn) => ({
      ...{ column, prompt: prompts.value[turn] ?? '', state, text: written, stats, ran_on: ran },
      tokens: steps.length > 0 ? pack(steps) : null,
    })),
  )
}

export function reportOf(now: Date): string {
  const words = text.value.compare.report
  const head = [`# ${words.title}`, '', words.date(now.toLocaleString(language.value)), '']
  const columns = lanes.value.map(lane => `- **${letterOf(lane)}**: ${contestantOf(lane.column.value)}`)
  const turns = prompts.value.flatMap((prompt, turn) => [
    ...['', `## ${prompt.split('\n')[0]}`, '', quoted(prompt)],
    ...lanes.value.flatMap(lane => answerOf(lane, turn)),
  ])
  return `${[...head, ...columns, ...turns].join('\n')}\n`
}

function answerOf(lane: Lane, turn: number): string[] {
  const answer = lane.answers.value[turn]?.value
  if (!answer) return []
  const { stats, ran } = answer
  const { figures } = text.value.insight
  const facts = stats
    ? [
        figures.speed(speed(stats.tokensPerSecond)),
        figures.first(duration(stats.timeToFirstTokenMs)),
        figures.output(String(stats.outputTokens), stats.outputTokens === 1),
        `${ran?.variant} (${ran?.backend})`,
      ].join(' · ')
    : ''
  return ['', `### ${letterOf(lane)}`, '', answer.text || answer.error, '', `*${facts}*`]
}

function quoted(prompt: string): string {
  return prompt
    .split('\n')
    .map(line => `> ${line}`)
    .join('\n')
}
