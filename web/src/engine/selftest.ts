/**
 * The first run of a freshly loaded model, compared with what PyTorch gave at export: a wrong driver, a wrong kernel or
 * damaged weights must not answer anybody. Leaves the backend empty.
 */
import type { SelfTest } from './api.ts'
import type { Backend } from './backend.ts'
import type { Manifest, Variant } from './manifest.ts'
import { argmax } from './sampler.ts'

/**
 * At export the variant's error was measured on another machine: other kernels add up in another order. Four times that
 * is generous for rounding and far below what a real fault gives (whole logits). A variant that was nearly exact still
 * gets a floor, as a share of the largest reference logit: float32 sums of some ten thousand terms in another order
 * differ by about 1e-4; float16 has 11 bits, 5e-4 per operation, and errors add up over the layers.
 */
const MARGIN = 4
const FLOOR = { float32: 1e-3, float16: 2e-2 }

export interface SelfTestResult extends SelfTest {
  /** What went wrong, for people; null where it passed. */
  fault: string | null
}

export function allowedError(reference: Manifest['reference'], variant: Variant): number {
  const scale = Math.max(1, ...reference.logits.map(({ logit }) => Math.abs(logit)))
  return Math.max(MARGIN * variant.fidelity.max_reference_logit_error, FLOOR[variant.kv_dtype] * scale)
}

export async function selfTest(backend: Backend, manifest: Manifest, variant: Variant): Promise<SelfTestResult> {
  const { reference } = manifest
  const started = performance.now()
  const allowedLogitError = allowedError(reference, variant)
  let logits = await backend.prefill(reference.prompt_tokens, 0)
  const errors = reference.logits.map(({ token, logit }) => Math.abs((logits[token] ?? Number.NaN) - logit))
  const maxLogitError = Math.max(0, ...errors)
  const tokens: number[] = []
  for (const expected of reference.tokens) {
    tokens.push(argmax(logits))
    if (tokens.length < reference.tokens.length) logits = await backend.decode(expected)
  }
  backend.truncate(0)
  const wrong = tokens.findIndex((token, index) => token !== reference.tokens[index])
  // `!(a <= b)` rather than `a > b`: NaN must fail.
  const inexact = !(maxLogitError <= allowedLogitError)
  const fault = inexact
    ? `its numbers are off by ${maxLogitError.toFixed(3)} where ${allowedLogitError.toFixed(3)} is allowed`
    : wrong >= 0
      ? `token ${wrong + 1} of its test answer is wrong`
      : null
  return { passed: fault === null, maxLogitError, allowedLogitError, ms: performance.now() - started, fault }
}
