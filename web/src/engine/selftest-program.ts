/**
 * The self-test of the engine's own CPU kernels: the reference answer's logits, position by position, beside those of the
 * exact graph, and a token alone beside the same among others. Leaves the backend empty.
 *
 * The kernels of relaxed SIMD round activations and values to 8 bits (activations to twice 8 where one stands out) and keys
 * to 12; how far that moves this model's logits differs from model to model, so a PyTorch pass at export did the same and
 * measured it (`program.activation_error`, root mean square over the same logits). Rounding here falls otherwise than there,
 * but is as large: 0.87 to 1.30 times over all families and SmolLM2-135M (measured); plain SIMD keeps 16 bits of activations
 * and is off by less. Three times as much is allowed. A root mean square
 * over some 64 logits is steady where the largest of a few is not, so a fault of one layer shows: heads of one layer of
 * SmolLM2 that are not turned, say.
 */
import type { Backend } from './backend.ts'
import type { Reason } from './errors.ts'
import type { Manifest, Variant } from './manifest.ts'
import { argmax } from './sampler.ts'
import type { SelfTestResult } from './selftest.ts'

const MARGIN = 3
/** Sums in another order, as a share of the largest logit: for a model that rounding hardly moves. */
const FLOOR = 1e-3
/** Rounding may take the other one of two tokens that are nearly as likely: so many times the error apart. */
const TIE = 2

/** `maxLogitError` and `allowedLogitError` of the result are root mean squares. */
export async function programSelfTest(
  backend: Backend,
  { reference }: Pick<Manifest, 'reference'>,
  { answer_logits, activation_error }: NonNullable<Variant['program']>,
): Promise<SelfTestResult> {
  const started = performance.now()
  const largest = Math.max(1, ...answer_logits.flat().map(Math.abs))
  const allowedLogitError = MARGIN * activation_error + FLOOR * largest
  const rows = await answerRows(backend, reference)
  let squares = 0
  let wrong = -1
  for (const [index, expected] of reference.tokens.entries()) {
    const [logits, row] = [rows[index] ?? new Float32Array(), answer_logits[index] ?? []]
    reference.logits.forEach(({ token }, column) => {
      squares += ((logits[token] ?? Number.NaN) - (row[column] ?? Number.NaN)) ** 2
    })
    const best = argmax(logits)
    const lead = (logits[best] ?? Number.NaN) - (logits[expected] ?? Number.NaN)
    if (wrong < 0 && !(lead <= TIE * allowedLogitError)) wrong = index
  }
  const isSameAlone = await computesTheSameAlone(backend, reference.tokens, rows)
  backend.truncate(0)
  const maxLogitError = Math.sqrt(squares / (reference.tokens.length * reference.logits.length))
  let fault: Reason | null = null
  // `!(a <= b)` rather than `a > b`: NaN must fail.
  if (!(maxLogitError <= allowedLogitError)) {
    fault = { kind: 'numbers-off', by: maxLogitError, allowed: allowedLogitError }
  } else if (wrong >= 0) fault = { kind: 'token-wrong', place: wrong + 1 }
  else if (!isSameAlone) fault = { kind: 'token-alone' }
  return { passed: fault === null, maxLogitError, allowedLogitError, ms: performance.now() - started, fault }
}

/** The logits after the prompt and after each token of the answer but the last, the answer at once. */
async function answerRows(backend: Backend, { prompt_tokens, tokens }: Manifest['reference']): Promise<Float32Array[]> {
  const first = (await backend.prefill(prompt_tokens, 0)).slice()
  return [first, ...(await backend.verify(tokens.slice(0, -1)))]
}

/** Whether the last token but one of the answer, run again, gives the row that it gave among the others, to the last bit. */
async function computesTheSameAlone(
  backend: Backend,
  tokens: readonly number[],
  rows: readonly Float32Array[],
): Promise<boolean> {
  const [token, expected] = [tokens.at(-2), rows.at(-1)]
  if (token === undefined || !expected) return true
  backend.truncate(backend.length - 1)
  const row = await backend.decode(token)
  return row.every((logit, index) => logit === expected[index])
}
