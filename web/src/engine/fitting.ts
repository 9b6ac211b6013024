/**
 * Makes a conversation fit the model: leaves out its oldest turns, whole ones, and keeps its system message and its last
 * turn. How many are left out depends on the conversation's beginning in steps, not on its exact length, so that the next
 * turns leave out the same ones and find their prompt in the cache.
 */
import type { ChatMessage } from './api.ts'

/** Of the context: an answer that may be longer gets at least so much, and turns are left out in blocks of it. */
const SHARE = 1 / 4

export interface Fit {
  tokens: number[]
  droppedMessages: number
}

export interface FitRules {
  encode: (messages: readonly ChatMessage[]) => number[]
  contextLength: number
  /** Most tokens that the answer may have. */
  maxTokens: number
}

/**
 * The prompt of as many of the last turns as leave room for the answer: for `maxTokens`, as far as that is at most a
 * quarter of the context. Of the last turn alone, whether it fits or not.
 */
export function dropOldest(messages: readonly ChatMessage[], { encode, contextLength, maxTokens }: FitRules): Fit {
  const most = contextLength - Math.min(maxTokens, Math.floor(contextLength * SHARE))
  const whole = encode(messages)
  if (whole.length <= most) return { tokens: whole, droppedMessages: 0 }
  const { system, turns } = split(messages)
  const without = (dropped: number) => encode([...system, ...turns.slice(dropped).flat()])
  // Longer and longer prefixes left out: the first that fits, by bisection.
  let [low, high] = [1, Math.max(0, turns.length - 1)]
  while (low < high) {
    const middle = (low + high) >> 1
    if (without(middle).length <= most) high = middle
    else low = middle + 1
  }
  const dropped = wholeBlock(high, whole.length, { size: contextLength * SHARE, without, turns: turns.length })
  return { tokens: without(dropped), droppedMessages: turns.slice(0, dropped).flat().length }
}

/** At least `dropped` turns, up to where what is left out fills a block: the same for some turns to come. */
function wholeBlock(
  dropped: number,
  all: number,
  { size, without, turns }: { size: number; without: (dropped: number) => number[]; turns: number },
): number {
  const blocks = Math.ceil((all - without(dropped).length) / size)
  let more = dropped
  while (more < turns - 1 && all - without(more + 1).length <= blocks * size) more++
  return more
}

/** A turn is a user's message and what follows it, up to the next one. */
function split(messages: readonly ChatMessage[]): { system: ChatMessage[]; turns: ChatMessage[][] } {
  const begin = messages.findIndex(({ role }) => role !== 'system')
  const system = messages.slice(0, Math.max(0, begin))
  const turns: ChatMessage[][] = []
  for (const message of messages.slice(system.length)) {
    if (message.role === 'user' || turns.length === 0) turns.push([message])
    else turns.at(-1)?.push(message)
  }
  return { system, turns }
}
