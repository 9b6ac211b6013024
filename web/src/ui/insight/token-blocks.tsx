/** Tokens of a long answer in blocks: drawn one block a frame where they are near what is seen, elsewhere bare text. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { type Cell, certainty } from '../../tasks/tokens.ts'
import type { TracedStep } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { memo } from '../parts/memo.ts'
import { percent } from './numbers.ts'
import { visible } from './visible.ts'

/** Few enough that drawing them takes a few milliseconds on a slow device. */
export const BLOCK_CELLS = 64
const MARGIN = '600px 0px'

export interface Block {
  /** Of its first cell, among all. */
  from: number
  cells: readonly Cell[]
}

export function blocksOf(cells: readonly Cell[]): Block[] {
  return Array.from({ length: Math.ceil(cells.length / BLOCK_CELLS) }, (_, index) => {
    const from = index * BLOCK_CELLS
    return { from, cells: cells.slice(from, from + BLOCK_CELLS) }
  })
}

export interface NearBlocks {
  drawn: Signal<ReadonlySet<number>>
  /** For the element of a block; the returned function ends it. */
  watch: (element: Element, index: number) => () => void
  /** Draws a block at once: it is about to have the focus. */
  reveal: (index: number) => void
}

export function useNearBlocks(): NearBlocks {
  const drawn = useSignal<ReadonlySet<number>>(new Set())
  const near = useMemo(() => nearBlocks(drawn), [])
  useEffect(() => near.stop, [])
  return near
}

function nearBlocks(drawn: Signal<ReadonlySet<number>>): NearBlocks & { stop: () => void } {
  const indexes = new Map<Element, number>()
  let waiting: number[] = []
  let frame = 0
  const draw = () => {
    const [next] = waiting
    waiting = waiting.slice(1)
    frame = waiting.length > 0 ? requestAnimationFrame(draw) : 0
    if (next !== undefined) drawn.value = new Set([...drawn.value, next])
  }
  const observer = new IntersectionObserver(
    entries => {
      const gone = new Set<number>()
      for (const { target, isIntersecting } of entries) {
        const index = indexes.get(target)
        if (index === undefined) continue
        waiting = waiting.filter(other => other !== index)
        if (!isIntersecting && !target.contains(document.activeElement)) gone.add(index)
        else if (isIntersecting && !drawn.value.has(index)) waiting.push(index)
      }
      if ([...gone].some(index => drawn.value.has(index)))
        drawn.value = new Set([...drawn.value].filter(index => !gone.has(index)))
      if (waiting.length > 0 && frame === 0) frame = requestAnimationFrame(draw)
    },
    { rootMargin: MARGIN },
  )
  return {
    drawn,
    watch(element, index) {
      indexes.set(element, index)
      observer.observe(element)
      return () => {
        indexes.delete(element)
        observer.unobserve(element)
      }
    },
    reveal(index) {
      if (!drawn.value.has(index)) drawn.value = new Set([...drawn.value, index])
    },
    stop() {
      cancelAnimationFrame(frame)
      observer.disconnect()
    },
  }
}

interface BlockProps {
  block: Block
  index: number
  near: NearBlocks
  steps: readonly TracedStep[]
  isDrawn: boolean
  /** Cell of this block that Tab reaches, null where it is in another. */
  reached: number | null
  isActive: boolean
  /** Places in the answer, of all blocks. */
  marked: ReadonlySet<number> | undefined
  onLook: (token: number) => void
}

/** Of dozens of blocks, a step changes two. */
export const TokenBlock = memo<BlockProps>(
  props => <Watched {...props} />,
  (before, after) =>
    sameCells(before.block.cells, after.block.cells) &&
    before.isDrawn === after.isDrawn &&
    before.reached === after.reached &&
    before.isActive === after.isActive &&
    sameMarks(before.marked, after.marked),
)

/** An answer that is being written has new cells with every token, and all but the last as they were. */
function sameCells(before: readonly Cell[], after: readonly Cell[]): boolean {
  const same = ({ from, to, text: own }: Cell, at: number) =>
    from === after[at]?.from && to === after[at]?.to && own === after[at]?.text
  return before === after || (before.length === after.length && before.every(same))
}

function sameMarks(before: ReadonlySet<number> = new Set(), after: ReadonlySet<number> = new Set()): boolean {
  return before.size === after.size && [...before].every(place => after.has(place))
}

function Watched(props: BlockProps) {
  const span = useRef<HTMLSpanElement>(null)
  const { near, index } = props
  useEffect(() => (span.current ? near.watch(span.current, index) : undefined), [near, index])
  return (
    <span ref={span}>
      <Tokens {...props} />
    </span>
  )
}

function Tokens({ block, steps, isDrawn, reached, isActive, marked, onLook }: BlockProps) {
  if (!isDrawn) return <span class="token">{block.cells.map(bareText).join('')}</span>
  return (
    <>
      {block.cells.map((cell, index) => (
        <Token
          key={cell.from}
          cell={cell}
          step={steps[cell.from]}
          isReached={block.from + index === reached}
          isActive={isActive && block.from + index === reached}
          isMarked={marked?.has(cell.from) ?? false}
          onLook={onLook}
        />
      ))}
    </>
  )
}

/** As wide and as high as its buttons. */
function bareText({ text: own }: Cell): string {
  return own.replaceAll('\n', '↵') + '\n'.repeat(own.split('\n').length - 1)
}

interface TokenProps {
  cell: Cell
  step: TracedStep | undefined
  /** The one that Tab reaches. */
  isReached: boolean
  isActive: boolean
  isMarked: boolean
  onLook: (token: number) => void
}

const Token = memo<TokenProps>(
  props => <TokenButton {...props} />,
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
        data-from={cell.from}
        tabIndex={isReached ? 0 : -1}
        aria-pressed={isActive}
        aria-label={`${visible(cell.text)}, ${probability(percent(step.probability))}, ${legend[level]}`}
        onClick={() => onLook(cell.from)}
      >
        {cell.text.replaceAll('\n', '↵')}
      </button>
      {Array.from({ length: lines }, (_, index) => (
        <br key={index} />
      ))}
    </>
  )
}
