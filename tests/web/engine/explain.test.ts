import { expect, test } from 'vitest'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { explain } from '../../../web/src/engine/explain.ts'

test.each([
  ['std::bad_alloc', 'out-of-memory', /Close other tabs/],
  ["Can't create a session. failed to allocate a buffer of size 12.", 'out-of-memory', /smaller model/],
  ['Array buffer allocation failed', 'out-of-memory', /Close other tabs/],
  ['A valid external Instance reference no longer exists.', 'device-lost', /Try again/],
  ['Device was lost', 'device-lost', /Try again/],
  ['x is not a function', 'internal', /please report it/],
])('%j is %s', (message, code, advice) => {
  const error = explain(new Error(message), 'It could not start')
  expect(error.code).toBe(code)
  expect(error.message.startsWith(`It could not start (${message}). `)).toBe(true)
  expect(error.message).toMatch(advice)
})

test('an EngineError stays what it is, and what was thrown need not be an Error', () => {
  const error = new EngineError('quota', 'Full.')
  expect(explain(error, 'It failed')).toBe(error)
  expect(explain(1234, 'It failed').message).toMatch(/^It failed \(1234\)\. /)
})
