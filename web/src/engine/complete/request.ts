/** Checks a caller's request and puts the defaults in. */
import type { CompleteArgs } from '../protocol.ts'
import { wrong } from '../wrong.ts'
import type { CompleteRequest } from './types.ts'

const FIELDS = 'before after maxWords minConfidence alternatives note contextLength priority signal'.split(' ')
const MOST_WORDS = 8
const MOST_ALTERNATIVES = 4
/** Shorter than this a context says nothing. */
const LEAST_CONTEXT = 200
/** Of `after`: what is read of it at most. */
const MOST_AFTER = 2000

/** @throws EngineError 'bad-request', naming the field, also one that is not known */
export function completeArgs(request: CompleteRequest): CompleteArgs {
  const unknown = Object.keys(request).find(field => !FIELDS.includes(field))
  if (unknown !== undefined) throw wrong(unknown, `one of ${FIELDS.join(', ')}`, unknown)
  const { before, after = '', note = '', priority = 'interactive' } = request
  const { maxWords = 3, minConfidence = 0.6, alternatives = 0, contextLength = 3000 } = request
  for (const [field, text] of Object.entries({ before, after, note })) {
    if (typeof text !== 'string') throw wrong(field, 'a text', text)
  }
  if (maxWords !== 'sentence' && !isWhole(maxWords, 1, MOST_WORDS))
    throw wrong('maxWords', `1 to ${MOST_WORDS}, or "sentence"`, maxWords)
  if (typeof minConfidence !== 'number' || !(minConfidence >= 0 && minConfidence <= 1))
    throw wrong('minConfidence', 'a number from 0 to 1', minConfidence)
  if (!isWhole(alternatives, 0, MOST_ALTERNATIVES))
    throw wrong('alternatives', `0 to ${MOST_ALTERNATIVES}`, alternatives)
  if (!isWhole(contextLength, LEAST_CONTEXT, Number.MAX_SAFE_INTEGER))
    throw wrong('contextLength', `a whole number of at least ${LEAST_CONTEXT}`, contextLength)
  if (priority !== 'interactive' && priority !== 'background')
    throw wrong('priority', 'interactive or background', priority)
  return {
    ...{ before, note, priority, maxWords, minConfidence, alternatives, contextLength },
    after: after.slice(0, MOST_AFTER),
  }
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && Number(value) >= least && Number(value) <= most
}
