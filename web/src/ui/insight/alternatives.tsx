/** What could have come at one place of an answer: probabilities as bars, ids and bytes, a branch from another token. */
import { settings } from '../../state/settings.ts'
import { entropyBits, surpriseBits } from '../../tasks/tokens.ts'
import type { TracedStep, TracedToken } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { count, fixed, percent } from './numbers.ts'
import { spelled, visible } from './visible.ts'

interface AlternativesProps {
  step: TracedStep
  /** Of the token in the answer, and of its bytes in a character that several tokens make; all but `at` count from 1. */
  place: { at: number; of: number; part: number; parts: number }
  onBranch: ((at: number, other: TracedToken) => void) | null
  blocked: string | null
}

export function Alternatives({ step, place, onBranch, blocked }: AlternativesProps) {
  const words = text.value.insight.tokens
  const { id, text: came, bytes, probability } = step
  const isListed = step.top.some(other => other.id === id)
  const rows = isListed ? step.top : [...step.top, { id, text: came, bytes, probability }]
  const rest = Math.max(0, 1 - rows.reduce((sum, row) => sum + row.probability, 0))
  return (
    <section class="alternatives" aria-label={words.alternatives}>
      <p class="small alternatives-head">
        <span>{words.place(count(place.at + 1), count(place.of))}</span>
        {place.parts > 1 ? <span>{words.part(place.part, place.parts)}</span> : null}
        <span>{words.surprise(fixed(surpriseBits(step), 1))}</span>
        <span title={words.doubtHelp}>{words.doubt(fixed(entropyBits(step), 1))}</span>
      </p>
      <ol>
        {rows.map(row => (
          <Row
            key={row.id}
            row={row}
            isCame={row.id === id}
            onGo={onBranch && blocked === null ? () => onBranch(place.at, row) : null}
          />
        ))}
        <li class="rest">
          <span class="spelling">{words.rest}</span>
          <Bar share={rest} />
          <span class="share">{words.probability(percent(rest))}</span>
        </li>
      </ol>
      {blocked ? <p class="small">{blocked}</p> : null}
      {settings.value.controls === 'advanced' ? <p class="small">{words.doubtHelp}</p> : null}
    </section>
  )
}

interface RowProps {
  row: TracedToken
  isCame: boolean
  onGo: (() => void) | null
}

function Row({ row, isCame, onGo }: RowProps) {
  const words = text.value.insight.tokens
  const isSpecial = row.bytes.length === 0
  return (
    <li class={isCame ? 'came' : undefined}>
      <span class="spelling">
        <code>{isSpecial ? row.text : spelled(row.text)}</code>
        {isSpecial ? <span class="small"> {words.special}</span> : null}
        {isCame ? <strong class="small"> {words.came}</strong> : null}
        {settings.value.controls === 'advanced' ? (
          <span class="small codes">
            {words.id(row.id)}
            {isSpecial ? null : ` · ${words.bytes(hex(row.bytes))}`}
          </span>
        ) : null}
      </span>
      <Bar share={row.probability} />
      <span class="share">{words.probability(percent(row.probability))}</span>
      {!isCame && onGo ? (
        <button type="button" class="quiet" title={words.go} onClick={onGo}>
          <Icon name="fork" />
          <span class="go">{words.go}</span>
          <span class="visually-hidden">: {visible(row.text)}</span>
        </button>
      ) : null}
    </li>
  )
}

function Bar({ share }: { share: number }) {
  return (
    <span class="share-bar" aria-hidden="true">
      <span style={{ width: `${share * 100}%` }} />
    </span>
  )
}

function hex(bytes: readonly number[]): string {
  return bytes.map(byte => byte.toString(16).padStart(2, '0')).join(' ')
}
