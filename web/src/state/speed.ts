/** Speed measurements: the one that runs, and those that were made, kept in localStorage to compare. */
import { signal } from '@preact/signals'
import type { Engine, EngineInfo, Roofline } from '../engine/api.ts'
import { measureRoofline } from '../engine/inspect.ts'
import { siteName } from '../engine/names.ts'
import { measureSpeed, type SpeedReport } from '../tasks/speed.ts'
import { inWords } from './in-words.ts'

export type SpeedState =
  | { status: 'idle' }
  | { status: 'running'; done: number; of: number }
  | { status: 'failed'; message: string }

const KEY = siteName('slm-playground.speed')
const MOST = 24

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
      measureRoofline,
      onStep: (done, of) => {
        if (running === controller) speedState.value = { status: 'running', done, of }
      },
    })
    keep([report, ...speedReports.value].slice(0, MOST))
    if (running === controller) speedState.value = { status: 'idle' }
  } catch (error) {
    if (running !== controller) return
    const message = inWords(error)
    speedState.value = controller.signal.aborted ? { status: 'idle' } : { status: 'failed', message }
  }
}

export function stopSpeed(): void {
  running?.abort()
}

export function forgetSpeed(forgotten?: SpeedReport): void {
  keep(forgotten ? speedReports.value.filter(report => report !== forgotten) : [])
}

/** The newest measurement of the same model run in the same way. */
export function reportOf({ bundle, variant, backend, adapter, threads }: EngineInfo): SpeedReport | null {
  const wanted = [bundle.name, variant, backend, adapter, threads].join('\n')
  const found = speedReports.value.find(
    ({ model, ...report }) =>
      [model, report.variant, report.backend, report.adapter, report.threads].join('\n') === wanted,
  )
  return found ?? null
}

function keep(reports: readonly SpeedReport[]): void {
  speedReports.value = reports
  try {
    localStorage.setItem(KEY, JSON.stringify(reports))
  } catch {
    // Storage is full or forbidden: the figures hold for this page only.
  }
}

/** Only whole entries: a damaged one must not break the page. */
function read(): SpeedReport[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isReport) : []
  } catch {
    return []
  }
}

function isReport(value: unknown): value is SpeedReport {
  const { model, variant, backend, device, threads, rows, measuredAt, roofline } = Object(value)
  const texts = [model, variant, backend, measuredAt].every(text => typeof text === 'string')
  const known = (device === 'webgpu' || device === 'cpu') && typeof threads === 'number'
  return texts && known && (roofline === null || isRoofline(roofline)) && Array.isArray(rows) && rows.every(isRow)
}

function isRoofline(value: unknown): value is Roofline {
  const { readBytesPerSecond, productsPerSecond } = Object(value)
  return [readBytesPerSecond, productsPerSecond].every(Number.isFinite)
}

function isRow(row: unknown): boolean {
  const { promptTokens, prefillTokensPerSecond, timeToFirstTokenMs, ...others } = Object(row)
  const { decodeTokensPerSecond, prefillShare, decodeShare } = others
  const mayLack = [decodeTokensPerSecond, prefillShare, decodeShare]
  return (
    [promptTokens, prefillTokensPerSecond, timeToFirstTokenMs].every(Number.isFinite) &&
    mayLack.every(number => number === null || Number.isFinite(number))
  )
}
