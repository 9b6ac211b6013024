/**
 * Which rows of a long list are near enough to what is seen to be drawn. All others stay in the document as plain text of
 * a known height, so that the list keeps its length, and finding in the page and screen readers still reach them.
 */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'

/** Drawn beyond both edges of what is seen. */
const MARGIN_PX = 1200
/** Lists of up to so many rows and characters are drawn as a whole. */
const SHORT = 24
const SHORT_CHARACTERS = 20_000
const LINE_CHARACTERS = 80
const LINE_PX = 26
const FRAME_PX = 64
const NONE: ReadonlySet<string> = new Set()

export interface Near {
  /** Ids of rows that are to be drawn. */
  ids: Signal<ReadonlySet<string>>
  /** The height that a row is given while it is not drawn: as it was last, else about as much as its text takes. */
  heightOf(id: string, text: string): number
  /** Watches a row from the time that it is in the document. */
  watch(row: HTMLElement | null): void
}

interface Entry {
  id: string
  content: string
}

/** @param root the element that scrolls; rows carry their id in `data-message` */
export function useNear(root: { current: HTMLElement | null }, rows: readonly Entry[]): Near {
  const drawn = useSignal<ReadonlySet<string>>(NONE)
  const watcher = useMemo(() => {
    const made = new Watcher(drawn)
    drawn.value = new Set(screenful(rows, made))
    return made
  }, [])
  useEffect(() => {
    if (root.current) watcher.start(root.current)
    return () => watcher.stop()
  }, [])
  watcher.isShort = isShort(rows)
  const atOnce = watcher.isShort ? rows : rows.slice(-2) // a new question and its answer
  const missing = atOnce.map(({ id }) => id).filter(id => !drawn.peek().has(id))
  if (missing.length > 0) drawn.value = new Set([...drawn.peek(), ...missing])
  return useMemo(
    () => ({ ids: drawn, heightOf: (id, text) => watcher.heightOf(id, text), watch: row => watcher.watch(row) }),
    [],
  )
}

function isShort(rows: readonly Entry[]): boolean {
  return rows.length <= SHORT && rows.reduce((sum, { content }) => sum + content.length, 0) <= SHORT_CHARACTERS
}

/** Of a list that is opened at its end: what is seen at first. All that is only near follows a frame later. */
function screenful(rows: readonly Entry[], watcher: Watcher): string[] {
  let room = innerHeight
  const first = rows.findLastIndex(({ id, content }) => {
    room -= watcher.heightOf(id, content)
    return room <= 0
  })
  return rows.slice(Math.max(0, first)).map(({ id }) => id)
}

class Watcher {
  /** Whether rows that have gone out of sight stay drawn. */
  isShort = true
  readonly #near: Signal<ReadonlySet<string>>
  readonly #heights = new Map<string, number>()
  readonly #rows = new Set<HTMLElement>()
  #seen: IntersectionObserver | null = null
  #sizes: ResizeObserver | null = null

  constructor(near: Signal<ReadonlySet<string>>) {
    this.#near = near
  }

  start(root: HTMLElement): void {
    this.#seen = new IntersectionObserver(entries => this.#see(entries), { root, rootMargin: `${MARGIN_PX}px 0px` })
    const anchors = CSS.supports('overflow-anchor', 'auto')
    this.#sizes = new ResizeObserver(entries => {
      for (const { target, borderBoxSize } of entries) {
        const [id, height] = [idOf(target), borderBoxSize[0]?.blockSize ?? 0]
        if (!this.#near.peek().has(id) || height === 0) continue
        const before = this.#heights.get(id)
        this.#heights.set(id, height)
        // Browsers without scroll anchoring would let what is read jump when a row above it grows.
        const isAbove = target.getBoundingClientRect().bottom < root.getBoundingClientRect().top
        if (!anchors && isAbove && before !== undefined) root.scrollTop += height - before
      }
    })
    for (const row of this.#rows) this.#observe(row)
  }

  stop(): void {
    this.#seen?.disconnect()
    this.#sizes?.disconnect()
  }

  watch(row: HTMLElement | null): void {
    if (!row || this.#rows.has(row)) return
    this.#rows.add(row)
    this.#observe(row)
  }

  heightOf(id: string, text: string): number {
    const known = this.#heights.get(id)
    if (known !== undefined) return known
    const lines = text.split('\n').reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / LINE_CHARACTERS)), 0)
    const guess = lines * LINE_PX + FRAME_PX
    this.#heights.set(id, guess)
    return guess
  }

  #observe(row: HTMLElement): void {
    this.#seen?.observe(row)
    this.#sizes?.observe(row)
  }

  #see(entries: readonly IntersectionObserverEntry[]): void {
    const next = new Set(this.#near.peek())
    for (const { target, isIntersecting } of entries) {
      if (!target.isConnected) this.#forget(target)
      else if (isIntersecting) next.add(idOf(target))
      else if (!this.isShort) next.delete(idOf(target))
    }
    this.#near.value = next
  }

  #forget(row: Element): void {
    for (const known of this.#rows) if (known === row) this.#rows.delete(known)
    this.#seen?.unobserve(row)
    this.#sizes?.unobserve(row)
  }
}

function idOf(row: Element): string {
  return row.getAttribute('data-message') ?? ''
}
