import { expect, test } from 'vitest'
import { EngineError, type Reason } from '../../../web/src/engine/errors.ts'
import { explain, isFatal } from '../../../web/src/engine/explain.ts'

const failed = (said: string): Reason => ({ kind: 'call-failed', said })

test.each([
  ['std::bad_alloc', 'out-of-memory', /Close other tabs/],
  ["Can't create a session. failed to allocate a buffer of size 12.", 'out-of-memory', /smaller model/],
  ['Array buffer allocation failed', 'out-of-memory', /Close other tabs/],
  ['A valid external Instance reference no longer exists.', 'device-lost', /Try again/],
  ['Device was lost', 'device-lost', /Try again/],
  ['x is not a function', 'internal', /please report it/],
])('%j is %s', (message, code, advice) => {
  const error = explain(new Error(message), said => ({ kind: 'no-start', variant: 'It', said }))
  expect(error.code).toBe(code)
  expect(error.message.startsWith(`It could not be started (${message}). `)).toBe(true)
  expect(error.message).toMatch(advice)
})

test('an EngineError stays what it is, and what was thrown need not be an Error', () => {
  const error = new EngineError('quota', 'Full.')
  expect(explain(error, failed)).toBe(error)
  expect(explain(1234, failed).message).toMatch(/^The engine could not do this \(1234\)\. /)
})

test.each<[string, boolean, unknown]>([
  ['a refusal of the engine', false, new EngineError('out-of-memory', 'Too long.')],
  [
    'one with its cause',
    false,
    new EngineError('out-of-memory', 'No.', { cause: new RangeError('Memory.grow failed') }),
  ],
  ['no memory within the runtime', true, new Error('std::bad_alloc')],
  ['the same, explained', true, explain(new Error('std::bad_alloc'), failed)],
  ['an array that could not be made', true, new RangeError('Array buffer allocation failed')],
  ['an aborted runtime', true, new Error('Aborted(OOM)')],
  ['a C++ exception', true, 5318008],
  [
    'a trap behind an explanation',
    true,
    new EngineError('internal', 'x', { cause: new WebAssembly.RuntimeError('y') }),
  ],
  ['a failed run', false, new Error('Non-zero status code returned')],
  ['a lost device', true, new Error('Device was lost')],
])('after %s the worker is done for: %s', (_, fatal, error) => {
  expect(isFatal(error)).toBe(fatal)
})
