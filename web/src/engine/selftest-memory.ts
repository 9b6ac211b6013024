/**
 * A self-test that was passed is remembered beside the model's files, so that later loads need not repeat it: they compute
 * a few tokens, and every logit must come out as it did then, to the last bit; else the whole test runs again.
 *
 * Why that is enough: the kernels compute the same bits for the same numbers, however many tokens share a run and however
 * many threads do (docs/cpu-backend.md), and these tokens go through every matrix, every op and both ways to run (several
 * tokens at once, one alone). So equal logits mean the same weights in memory and the same code as when PyTorch's answer
 * was the measure. What the tokens cannot reach (long contexts) is the same code as long as the key is the same: the engine's
 * own files (their names have their checksums), kernels, threads, browser and weights.
 */
import type { Backend } from './backend.ts'
import type { StoredFile } from './disk-file.ts'
import type { Manifest, Variant } from './manifest.ts'
import type { SelfTestResult } from './selftest.ts'
import { programSelfTest } from './selftest-program.ts'

/** Four that share a tile of the kernels, and one beside them; then one more alone. */
const TOKENS = 5

interface Note {
  key: string
  digest: string
  max_logit_error: number
  allowed_logit_error: number
}

export interface Remembering {
  manifest: Manifest
  variant: Variant
  /** Where the note is kept: with the program's file; null where nothing can be. */
  stored: StoredFile | null
  /** What the browser calls itself. */
  browser: string
}

export async function rememberedSelfTest(
  backend: Backend & { threads: number },
  { manifest, variant, stored, browser }: Remembering,
): Promise<SelfTestResult> {
  if (!variant.program) throw new Error('A variant without a program has no kernels to test.')
  const started = performance.now()
  const files = variant.files.map(({ sha256 }) => sha256)
  const key = [import.meta.url, backend.name, backend.threads, browser, ...files].join('\n')
  const note = stored ? readNote(await stored.note()) : null
  const digest = stored ? await digestOf(backend, manifest.reference.prompt_tokens) : ''
  if (note?.key === key && note.digest === digest) {
    const { max_logit_error: maxLogitError, allowed_logit_error: allowedLogitError } = note
    return { passed: true, maxLogitError, allowedLogitError, ms: performance.now() - started, fault: null }
  }
  const result = await programSelfTest(backend, manifest, variant.program)
  if (stored && result.passed) {
    const { maxLogitError: max_logit_error, allowedLogitError: allowed_logit_error } = result
    const text = JSON.stringify({ key, digest, max_logit_error, allowed_logit_error } satisfies Note)
    await stored.keepNote(text).catch(() => {}) // no room, or another tab writes: the next load tests all again
  }
  return { ...result, ms: performance.now() - started }
}

/** SHA-256 of the logits after some tokens at once and one more alone. */
async function digestOf(backend: Backend, tokens: readonly number[]): Promise<string> {
  const first = (await backend.prefill(tokens.slice(0, TOKENS), 0)).slice()
  const second = await backend.decode(tokens[TOKENS] ?? tokens[0] ?? 0)
  const both = new Float32Array(first.length + second.length)
  both.set(first)
  both.set(second, first.length)
  backend.truncate(0)
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', both))
  return Array.from(hash, byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Null for what is no note of ours, or only half of one. */
function readNote(text: string | null): Note | null {
  try {
    const { key, digest, max_logit_error, allowed_logit_error } = JSON.parse(text ?? 'null') ?? {}
    const texts = typeof key === 'string' && typeof digest === 'string'
    const numbers = typeof max_logit_error === 'number' && typeof allowed_logit_error === 'number'
    return texts && numbers ? { key, digest, max_logit_error, allowed_logit_error } : null
  } catch {
    return null
  }
}
