/** The tokens of an answer, one by one: where the model was unsure, what else could have come, and a branch from there. */
import { useSignal } from '@preact/signals'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { change, settings } from '../../state/settings.ts'
import { type Cell, cellsOf } from '../../tasks/tokens.ts'
import type { TracedStep, TracedToken } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { Alternatives } from './alternatives.tsx'
import { BLOCK_CELLS, blocksOf, TokenBlock, useNearBlocks } from './token-blocks.tsx'
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
  const blocks = useMemo(() => blocksOf(cells), [cells])
  const near = useNearBlocks()
  /** The cell that gets the focus once it is drawn. */
  const goesTo = useRef<number | null>(null)
  const looks = useSignal(0)
  /** The token that is looked at, null before the first look. */
  const active = useSignal<number | null>(null)
  const at = Math.min(active.value ?? 0, steps.length - 1)
  const cell = cells.findIndex(({ from, to }) => at >= from && at < to)
  const look = (token: number) => {
    const next = cells.findIndex(({ from, to }) => token >= from && token < to)
    near.reveal(Math.floor(next / BLOCK_CELLS))
    goesTo.current = cells[next]?.from ?? null
    active.value = token
    looks.value += 1
  }
  useLayoutEffect(() => {
    // Drawn by now, in the same turn.
    if (goesTo.current !== null) box.current?.querySelector<HTMLElement>(`[data-from="${goesTo.current}"]`)?.focus()
    goesTo.current = null
  }, [looks.value])
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
        {blocks.map((block, index) => {
          const isReached = cell >= block.from && cell < block.from + block.cells.length
          return (
            <TokenBlock
              key={block.from}
              {...{ block, index, near, steps, marked }}
              isDrawn={near.drawn.value.has(index)}
              reached={isReached ? cell : null}
              isActive={isReached && active.value !== null}
              onLook={look}
            />
          )
        })}
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
