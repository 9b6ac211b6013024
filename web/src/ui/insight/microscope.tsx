/** The tokens of an answer, one by one: where the model was unsure, what else could have come, and a branch from there. */
import { useSignal } from '@preact/signals'
import { useMemo, useRef } from 'preact/hooks'
import { change, settings } from '../../state/settings.ts'
import { type Cell, cellsOf, certainty } from '../../tasks/tokens.ts'
import type { TracedStep, TracedToken } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { memo } from '../parts/memo.ts'
import { Alternatives } from './alternatives.tsx'
import { percent } from './numbers.ts'
import { visible } from './visible.ts'
import '../css/insight.css'

export interface MicroscopeProps {
  steps: readonly TracedStep[]
  /** Places that are marked: where another answer parts from this one. */
  marked?: ReadonlySet<number>
  /** Goes on from another token at a place; null where that is not possible, and why. */
  onBranch: ((at: number, other: TracedToken) => void) | null
  blocked?: string | null
}

const KEYS: Readonly<Record<string, (at: number, last: number) => number>> = {
  ArrowLeft: at => Math.max(0, at - 1),
  ArrowRight: (at, last) => Math.min(last, at + 1),
  ArrowUp: at => Math.max(0, at - 10),
  ArrowDown: (at, last) => Math.min(last, at + 10),
  Home: () => 0,
  End: (_, last) => last,
}

export function Microscope({ steps, marked, onBranch, blocked }: MicroscopeProps) {
  const words = text.value.insight.tokens
  const box = useRef<HTMLDivElement>(null)
  const cells = useMemo(() => cellsOf(steps), [steps])
  /** The token that is looked at, null before the first look. */
  const active = useSignal<number | null>(null)
  const at = Math.min(active.value ?? 0, steps.length - 1)
  const cell = cells.findIndex(({ from, to }) => at >= from && at < to)
  const look = (token: number) => {
    active.value = token
    const next = cells.findIndex(({ from, to }) => token >= from && token < to)
    box.current?.querySelectorAll<HTMLElement>('button')[next]?.focus()
  }
  const step = active.value === null ? undefined : steps[at]
  return (
    <div class="microscope">
      <HeatChoice />
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset groups fields, these are the words of a text */}
      <div
        ref={box}
        class={settings.value.heat ? 'tokens heat' : 'tokens'}
        role="group"
        aria-label={words.label}
        onKeyDown={event => {
          const move = KEYS[event.key]
          if (!move || event.ctrlKey || event.altKey || event.metaKey) return
          event.preventDefault()
          look(move(at, steps.length - 1))
        }}
      >
        {cells.map((one, index) => (
          <Token
            key={one.from}
            cell={one}
            step={steps[one.from]}
            isReached={index === cell}
            isActive={active.value !== null && index === cell}
            isMarked={marked?.has(one.from) ?? false}
            onLook={() => look(one.from)}
          />
        ))}
      </div>
      {step ? (
        <Alternatives
          step={step}
          place={{ at, of: steps.length, part: at - (cells[cell]?.from ?? at) + 1, parts: partsOf(cells[cell]) }}
          onBranch={onBranch}
          blocked={blocked ?? null}
        />
      ) : null}
    </div>
  )
}

function partsOf(cell: Cell | undefined): number {
  return cell ? cell.to - cell.from : 1
}

interface TokenProps {
  cell: Cell
  step: TracedStep | undefined
  /** The one that Tab reaches. */
  isReached: boolean
  isActive: boolean
  isMarked: boolean
  onLook: () => void
}

/** Of hundreds of tokens, a step changes two. */
const Token = memo(
  (props: TokenProps) => <TokenButton {...props} />,
  (before, after) =>
    before.cell === after.cell &&
    before.isReached === after.isReached &&
    before.isActive === after.isActive &&
    before.isMarked === after.isMarked,
)

function TokenButton({ cell, step, isReached, isActive, isMarked, onLook }: TokenProps) {
  const { legend, probability } = text.value.insight.tokens
  if (!step) return null
  const level = certainty(step)
  const lines = cell.text.split('\n').length - 1
  return (
    <>
      <button
        type="button"
        class={`token ${level}${isMarked ? ' marked' : ''}`}
        tabIndex={isReached ? 0 : -1}
        aria-pressed={isActive}
        aria-label={`${visible(cell.text)}, ${probability(percent(step.probability))}, ${legend[level]}`}
        onClick={onLook}
      >
        {cell.text.replaceAll('\n', '↵')}
      </button>
      {Array.from({ length: lines }, (_, index) => (
        <br key={index} />
      ))}
    </>
  )
}

function HeatChoice() {
  const { heat, legend, legendLabel } = text.value.insight.tokens
  return (
    <div class="heat-choice">
      <label>
        <input
          type="checkbox"
          checked={settings.value.heat}
          onChange={event => change({ heat: event.currentTarget.checked })}
        />
        {heat}
      </label>
      {settings.value.heat ? (
        <ul class="heat legend" aria-label={legendLabel}>
          {(['sure', 'wavering', 'unsure', 'guessing'] as const).map(level => (
            <li key={level}>
              <span class={`token ${level}`}>{legend[level]}</span>
            </li>
          ))}
        </ul>
      ) : null}
    </div>
  )
}
