/**
 * A vocabulary laid out for masks: a tree of its tokens' bytes, and those tokens that go into any JSON string as they
 * are, which are most of them. Made once per model; independent of grammars.
 */
import { type Automaton, DEAD, type State, UNKNOWN } from './automaton.ts'
import type { Spelling } from './spelling.ts'

/** Tokens by their bytes: nodes in depth-first order, so that a walk is one loop that leaps over what cannot match. */
interface Tree {
  readonly byte: Uint8Array
  readonly depth: Uint16Array
  /** The first node behind everything below this one. */
  readonly end: Int32Array
  /** Where the tokens that end here stand in `tokens`: from `first[node]` up to `first[node + 1]`. */
  readonly first: Int32Array
  readonly tokens: Int32Array
  readonly deepest: number
}

/** What a walk finds: the mask grows, and the largest cost of a state that an allowed token leads to. */
export interface Walk {
  mask: Uint32Array
  /** Only tokens after which at most so many more are needed. */
  costLimit: number
  highestCost: number
}

export class Vocabulary {
  readonly dropsFirstSpace: boolean
  readonly words: number
  readonly #bytes: readonly (string | null)[]
  readonly #all: Tree
  /** Tokens that are not plain. */
  readonly #others: Tree
  /** All tokens as they are shown at the beginning of an answer. */
  readonly #first: Tree
  /** By token: code points of a plain one, 0 for others. */
  readonly #plainLength: Uint16Array
  readonly #longestPlain: number
  readonly #plainMasks = new Map<number, Uint32Array>()
  readonly #ids = new Map<string, number>()
  #longest = 0
  /** @param size tokens that the model has logits for */
  constructor({ bytes, dropsFirstSpace }: Spelling, size: number) {
    this.dropsFirstSpace = dropsFirstSpace
    this.#bytes = bytes
    this.words = Math.ceil(size / 32)
    this.#plainLength = new Uint16Array(size)
    const sorted: [string, number][] = []
    for (const [token, text] of bytes.slice(0, size).entries()) {
      if (text === null) continue
      sorted.push([text, token])
      this.#plainLength[token] = plainLength(text)
      this.#ids.set(text, token)
      this.#longest = Math.max(this.#longest, text.length)
    }
    sorted.sort(byText)
    this.#all = buildTree(sorted)
    this.#first = dropsFirstSpace ? firstTree(sorted) : this.#all
    this.#longestPlain = this.#plainLength.reduce((most, length) => Math.max(most, length), 0)
    this.#others = buildTree(sorted.filter(([, token]) => this.#plainLength[token] === 0))
  }

  /** What a token spells, null for one that spells nothing. */
  spelling(token: number): string | null {
    return this.#bytes[token] ?? null
  }

  /** How many tokens a text takes when the longest that fits is taken each time: a bound of what is needed. */
  count(text: string): number {
    let tokens = 0
    for (let at = 0; at < text.length; tokens++) {
      let length = Math.min(this.#longest, text.length - at)
      while (length > 1 && !this.#ids.has(text.slice(at, at + length))) length--
      at += length
    }
    return tokens
  }

  /** The bytes of a token, as the walk over `automaton` from `state` reads them. */
  walk(automaton: Automaton, state: State, walk: Walk): void {
    follow(this.#all, { automaton, state }, walk)
  }

  /** The same for tokens that are not plain. */
  walkOthers(automaton: Automaton, state: State, walk: Walk): void {
    follow(this.#others, { automaton, state }, walk)
  }

  /** The same for all tokens at the beginning of an answer, where a space in front is not shown. */
  walkFirst(automaton: Automaton, state: State, walk: Walk): void {
    follow(this.#first, { automaton, state }, walk)
    const space = this.#ids.get(' ') // shows nothing itself, and lets the next token's space be seen
    if (space !== undefined && automaton.step(state, 0x20) !== DEAD) allow(walk.mask, space)
  }

  /** Plain tokens of at most so many code points. */
  plain(most: number): Uint32Array {
    const length = Math.min(most, this.#longestPlain)
    let mask = this.#plainMasks.get(length)
    if (!mask) {
      mask = new Uint32Array(this.words)
      for (const [token, own] of this.#plainLength.entries()) if (own > 0 && own <= length) allow(mask, token)
      this.#plainMasks.set(length, mask)
    }
    return mask
  }
}

export function allow(mask: Uint32Array, token: number): void {
  mask[token >>> 5] = (mask[token >>> 5] ?? 0) | (1 << (token & 31))
}

export function isAllowed(mask: Uint32Array, token: number): boolean {
  return ((mask[token >>> 5] ?? 0) & (1 << (token & 31))) !== 0
}

const byText = ([a]: readonly [string, number], [b]: readonly [string, number]) => (a < b ? -1 : a > b ? 1 : 0)

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function plainLength(text: string): number {
  let isAscii = true
  for (let at = 0; at < text.length; at++) {
    const byte = text.charCodeAt(at)
    if (byte < 0x20 || byte === 0x22 || byte === 0x5c) return 0
    if (byte > 0x7f) isAscii = false
  }
  if (isAscii) return text.length
  try {
    return [...strict.decode(Uint8Array.from(text, letter => letter.charCodeAt(0)))].length
  } catch {
    return 0 // part of a character
  }
}

function firstTree(sorted: readonly (readonly [string, number])[]): Tree {
  const shown = sorted.map(([text, token]) => [text.startsWith(' ') ? text.slice(1) : text, token] as const)
  return buildTree(shown.filter(([text]) => text !== '').sort(byText))
}

/** @param sorted by text */
function buildTree(sorted: readonly (readonly [string, number])[]): Tree {
  const most = sorted.reduce((total, [text]) => total + text.length, 0)
  const byte = new Uint8Array(most)
  const depth = new Uint16Array(most)
  const end = new Int32Array(most)
  const first = new Int32Array(most + 1)
  const tokens = new Int32Array(sorted.length)
  let nodes = 0
  let before = ''
  const deepest = sorted.reduce((longest, [text]) => Math.max(longest, text.length), 0)
  const path = new Int32Array(deepest)
  for (const [index, [text, token]] of sorted.entries()) {
    let shared = 0
    while (shared < before.length && before.charCodeAt(shared) === text.charCodeAt(shared)) shared++
    for (let at = shared; at < before.length; at++) end[path[at] ?? 0] = nodes
    for (let at = shared; at < text.length; at++) {
      byte[nodes] = text.charCodeAt(at)
      depth[nodes] = at + 1
      first[nodes] = index
      path[at] = nodes++
    }
    first[nodes] = index + 1
    tokens[index] = token
    before = text
  }
  for (let at = 0; at < before.length; at++) end[path[at] ?? 0] = nodes
  const cut = { byte: byte.slice(0, nodes), depth: depth.slice(0, nodes), end: end.slice(0, nodes) }
  return { ...cut, first: first.slice(0, nodes + 1), tokens, deepest }
}

function follow(tree: Tree, from: { automaton: Automaton; state: State }, walk: Walk): void {
  const { byte, depth, end, first, tokens } = tree
  const { automaton } = from
  const { mask, costLimit } = walk
  const states = new Int32Array(tree.deepest + 1)
  states[0] = from.state
  let { table } = automaton
  for (let node = 0; node < byte.length; ) {
    const level = depth[node] ?? 0
    const before = states[level - 1] ?? DEAD
    let next = table[256 * before + (byte[node] ?? 0)] ?? UNKNOWN
    if (next === UNKNOWN) {
      next = automaton.step(before, byte[node] ?? 0)
      table = automaton.table
    }
    if (next === DEAD) {
      node = end[node] ?? byte.length
      continue
    }
    states[level] = next
    const start = first[node++] ?? 0
    const stop = first[node] ?? 0
    if (start === stop) continue
    const cost = automaton.cost(next)
    if (cost > costLimit) continue
    if (cost > walk.highestCost) walk.highestCost = cost
    for (let at = start; at < stop; at++) allow(mask, tokens[at] ?? 0)
  }
}
