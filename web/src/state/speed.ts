/** Speed measurements: the one that runs, and the last of each way to run a model, kept in localStorage. */
import { signal } from '@preact/signals'
import type { Engine } from '../engine/api.ts'
import { measureSpeed, type SpeedReport } from '../tasks/speed.ts'

export type SpeedState =
  | { status: 'idle' }
  | { status: 'running'; done: number; of: number }
  | { status: 'failed'; message: string }

const KEY = 'slm-playground.speed'
const MOST = 12

export const speedState = signal<SpeedState>({ status: 'idle' })
/** Newest first. */
export const speedReports = signal<readonly SpeedReport[]>(read())

let running: AbortController | null = null

export async function startSpeed(engine: Engine): Promise<void> {
  running?.abort()
  const controller = new AbortController()
  running = controller
  speedState.value = { status: 'running', done: 0, of: 1 }
  try {
    const report = await measureSpeed(engine, {
      signal: controller.signal,
      onStep: (done, of) => {
        if (running === controller) speedState.value = { status: 'running', done, of }
      },
    })
    keep([report, ...speedReports.value.filter(other => keyOf(other) !== keyOf(report))].slice(0, MOST))
    if (running === controller) speedState.value = { status: 'idle' }
  } catch (error) {
    if (running !== controller) return
    const message = error instanceof Error ? error.message : String(error)
    speedState.value = controller.signal.aborted ? { status: 'idle' } : { status: 'failed', message }
  }
}

export function stopSpeed(): void {
  running?.abort()
}

export function forgetSpeed(): void {
  keep([])
}

/** What makes two measurements the same experiment. */
export function keyOf({ model, variant, backend, adapter, threads }: SpeedReport): string {
  return [model, variant, backend, adapter, threads].join('\n')
}

function keep(reports: readonly SpeedReport[]): void {
  speedReports.value = reports
  try {
    localStorage.setItem(KEY, JSON.stringify(reports))
  } catch {
    // Storage is full or forbidden: the figures hold for this page only.
  }
}

/** Only whole entries: an older or damaged one must not break the page. */
function read(): SpeedReport[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isReport) : []
  } catch {
    return []
  }
}

function isReport(value: unknown): value is SpeedReport {
  const { model, variant, backend, device, threads, rows, measuredAt } = Object(value)
  const texts = [model, variant, backend, measuredAt].every(text => typeof text === 'string')
  const known = (device === 'webgpu' || device === 'cpu') && typeof threads === 'number'
  return texts && known && Array.isArray(rows) && rows.every(isRow)
}

function isRow(row: unknown): boolean {
  const { promptTokens, prefillTokensPerSecond, decodeTokensPerSecond, timeToFirstTokenMs } = Object(row)
  const numbers = [promptTokens, prefillTokensPerSecond, decodeTokensPerSecond ?? 0, timeToFirstTokenMs]
  return numbers.every(number => typeof number === 'number' && Number.isFinite(number))
}
