/**
 * The first run of a freshly loaded model, compared with what PyTorch gave at export: a wrong driver, a wrong kernel or
 * damaged weights must not answer anybody. Leaves the backend empty.
 */
import type { SelfTest } from './api.ts'
import type { Backend } from './backend.ts'
import type { EncoderBackend } from './backend-encoder.ts'
import type { Reason } from './errors.ts'
import type { Manifest, Variant } from './manifest.ts'
import { pooled } from './readings.ts'
import { argmax } from './sampler.ts'

/**
 * What counts as rounding, as a share of the largest reference logit: float32 sums of some ten thousand terms in another
 * order differ by about 1e-4; float16 has 11 bits, 5e-4 per operation, and errors add up over the layers.
 */
const FLOOR = { float32: 1e-3, float16: 2e-2 }
/**
 * A bundle that states only PyTorch's logits, not the variant's own: its error was measured at export on another machine.
 * Four times that is generous for rounding and far below what a real fault gives (whole logits).
 */
const MARGIN = 4

export interface SelfTestResult extends SelfTest {
  /** What went wrong, for people; null where it passed. */
  fault: Reason | null
}

/** How far the first logits may be from `expectedLogits`. */
export function allowedError(reference: Manifest['reference'], variant: Variant): number {
  const floor = rounding(reference, variant)
  if (variant.reference_logits !== null) return floor
  return Math.max(MARGIN * variant.fidelity.max_reference_logit_error, floor)
}

/** The variant's own logits at the tokens of `reference.logits`, where the bundle states them; else PyTorch's. */
export function expectedLogits(reference: Manifest['reference'], { reference_logits: own }: Variant): number[] {
  return reference.logits.map(({ logit }, index) => own?.[index] ?? logit)
}

function rounding(reference: Manifest['reference'], { kv_dtype }: Variant): number {
  return FLOOR[kv_dtype] * Math.max(1, ...reference.logits.map(({ logit }) => Math.abs(logit)))
}

/**
 * @param deep also checks that a longer prompt computed at once equals the same prompt in short pieces: GPU kernels for
 * many tokens are other ones than for few, and the reference prompt may be too short to reach them
 */
export async function selfTest(
  backend: Backend,
  { manifest, variant, deep }: { manifest: Manifest; variant: Variant; deep: boolean },
): Promise<SelfTestResult> {
  const { reference } = manifest
  const started = performance.now()
  const allowedLogitError = allowedError(reference, variant)
  let logits = await backend.prefill(reference.prompt_tokens, 0)
  const own = expectedLogits(reference, variant)
  const errors = reference.logits.map(({ token }, index) =>
    Math.abs((logits[token] ?? Number.NaN) - (own[index] ?? Number.NaN)),
  )
  const maxLogitError = Math.max(0, ...errors)
  const tokens: number[] = []
  for (const expected of reference.tokens) {
    tokens.push(argmax(logits))
    if (tokens.length < reference.tokens.length) logits = await backend.decode(expected)
  }
  const wrong = tokens.findIndex((token, index) => token !== reference.tokens[index])
  let fault: Reason | null = null
  // Where nobody stated an answer, the model can only be held against itself.
  const largest = reference.logits.length > 0 ? 0 : logits.reduce((so, logit) => larger(so, Math.abs(logit)), 0)
  // `!(a <= b)` rather than `a > b`: NaN must fail.
  if (!(largest < Number.POSITIVE_INFINITY)) {
    fault = { kind: 'no-numbers' }
  } else if (!(maxLogitError <= allowedLogitError)) {
    fault = { kind: 'numbers-off', by: maxLogitError, allowed: allowedLogitError }
  } else if (wrong >= 0) {
    fault = { kind: 'token-wrong', place: wrong + 1 }
  } else if (deep) {
    const difference = await piecesDifference(backend, reference.prompt_tokens)
    if (!(difference <= Math.max(rounding(reference, variant), FLOOR[variant.kv_dtype] * largest))) {
      fault = { kind: 'pieces-differ', by: difference }
    }
  }
  backend.truncate(0)
  return { passed: fault === null, maxLogitError, allowedLogitError, ms: performance.now() - started, fault }
}

/** More than the rows that a GPU's kernels for a few tokens take; a bundle's own prompt is as long where its context allows. */
const LONG_TOKENS = 64
const PIECE_TOKENS = 16

/** Largest difference between the logits after a long prompt in one run and in several. */
async function piecesDifference(backend: Backend, tokens: readonly number[]): Promise<number> {
  const length = Math.min(LONG_TOKENS, backend.contextLength)
  const prompt = Array.from({ length }, (_, index) => tokens[index % tokens.length] ?? 0)
  const whole = (await backend.prefill(prompt, 0)).slice()
  let pieces: Float32Array = whole
  for (let from = 0; from < length; from += PIECE_TOKENS) {
    pieces = await backend.prefill(prompt.slice(from, from + PIECE_TOKENS), from)
  }
  return whole.reduce((largest, logit, token) => larger(largest, Math.abs(logit - (pieces[token] ?? Number.NaN))), 0)
}

/** Like Math.max, without a call per logit; NaN wins. */
function larger(a: number, b: number): number {
  return a >= b ? a : b
}

/** The same for an encoder: its outputs for the reference text. A vector's numbers are below 1, and so is its error. */
export async function encoderSelfTest(
  backend: EncoderBackend,
  { manifest, variant }: { manifest: Manifest; variant: Variant },
): Promise<SelfTestResult> {
  const { reference } = manifest
  const started = performance.now()
  const { encoder } = backend
  const values = await backend.run(reference.prompt_tokens)
  const outputs = encoder.task === 'embeddings' ? pooled(values, encoder) : values
  const expected = reference.outputs ?? []
  const allowedLogitError = allowedError(reference, variant)
  const errors = expected.map((value, index) => Math.abs((outputs[index] ?? Number.NaN) - value))
  const maxLogitError = errors.reduce(larger, 0)
  let fault: Reason | null = null
  // Of a model that states no outputs, only that they are numbers.
  if (reference.outputs === null) fault = outputs.every(Number.isFinite) ? null : { kind: 'no-numbers' }
  else if (outputs.length !== expected.length)
    fault = { kind: 'numbers-count', found: outputs.length, expected: expected.length }
  else if (!(maxLogitError <= allowedLogitError)) {
    fault = { kind: 'numbers-off', by: maxLogitError, allowed: allowedLogitError }
  }
  return { passed: fault === null, maxLogitError, allowedLogitError, ms: performance.now() - started, fault }
}
