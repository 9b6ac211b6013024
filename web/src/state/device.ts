/** What the device page knows: what the browser offers, how much it may store, and what the processor can do at most. */
import { signal } from '@preact/signals'
import type { EngineInfo, Roofline } from '../engine/api.ts'
import { type Inspection, inspectDevice, measureRoofline } from '../engine/inspect.ts'
import { inWords } from './in-words.ts'
import { reportOf } from './speed.ts'

export type Look = { status: 'looking' } | { status: 'failed'; message: string } | { status: 'seen'; facts: Inspection }

export interface StorageFacts {
  /** Bytes that this page uses and may use, as far as the browser says. */
  usageBytes: number | null
  quotaBytes: number | null
  /** True where the browser does not clear it by itself. */
  isPersistent: boolean
}

export const look = signal<Look>({ status: 'looking' })
/** Null while it is not known, or where the browser does not say. */
export const storageFacts = signal<StorageFacts | null>(null)
/** Of the threads that the engine has; null until it was measured. */
export const limits = signal<Roofline | null>(null)

export async function lookAtDevice(): Promise<void> {
  look.value = { status: 'looking' }
  void lookAtStorage()
  try {
    look.value = { status: 'seen', facts: await inspectDevice() }
  } catch (error) {
    look.value = { status: 'failed', message: inWords(error) }
  }
}

export async function lookAtStorage(): Promise<void> {
  if (!navigator.storage?.estimate) return
  const [{ usage, quota }, isPersistent] = await Promise.all([
    navigator.storage.estimate(),
    navigator.storage.persisted(),
  ])
  storageFacts.value = { usageBytes: usage ?? null, quotaBytes: quota ?? null, isPersistent }
}

/** Asks the browser to keep what it has stored; false where it does not want to. */
export async function keepStorage(): Promise<boolean> {
  const granted = await navigator.storage.persist()
  await lookAtStorage()
  return granted
}

/** Measures what the processor can do with the engine's threads, once; what fails is left unknown. */
export async function lookAtLimits(threads: number, signal: AbortSignal): Promise<void> {
  if (limits.value?.threads === threads) return
  limits.value = await measureRoofline(threads, signal).catch(() => limits.peek())
}

export interface Expected {
  prefillTokensPerSecond: number
  decodeTokensPerSecond: number
  /** False where it is worked out from what the device can do at most. */
  isMeasured: boolean
}

/** What SmolLM2-135M reached of what is possible behind 256 tokens with two threads: `node tests/bench/cpu_engine.mjs` measures it. */
const USUAL_SHARE = { prefill: 0.5, decode: 0.45 }
const USUAL_POSITION = 256

/** Speeds to expect of the engine that runs: as measured before, else estimated on our own CPU kernels; null if unknown. */
export function expectedSpeed(info: EngineInfo): Expected | null {
  const rows = reportOf(info)?.rows ?? []
  const row = rows.find(({ promptTokens }) => promptTokens >= USUAL_POSITION / 2) ?? rows[0]
  if (row && row.decodeTokensPerSecond !== null) {
    const { prefillTokensPerSecond, decodeTokensPerSecond } = row
    return { prefillTokensPerSecond, decodeTokensPerSecond, isMeasured: true }
  }
  const [{ work }, most] = [info, limits.value]
  if (!work || !most || most.threads !== info.threads) return null
  const bytes = work.weightBytes + USUAL_POSITION * work.positionBytes
  return {
    prefillTokensPerSecond: (USUAL_SHARE.prefill * most.productsPerSecond) / work.promptProducts,
    decodeTokensPerSecond: (USUAL_SHARE.decode * most.readBytesPerSecond) / bytes,
    isMeasured: false,
  }
}
