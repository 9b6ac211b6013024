/**
 * The typing trial's arithmetic: what sentences typed with and without suggestions say about this person, with the doubt
 * that so few of them leave. Pure; times are milliseconds.
 */
import { siteName } from '../../engine/names.ts'

export type TrialKind = 'copy' | 'compose'

export interface Attempt {
  assisted: boolean
  /** What was to be typed; the topic where the sentence is the writer's own. */
  target: string
  typed: string
  /** From the first key to Enter. */
  ms: number
  /** Keys that wrote, deleted or accepted. */
  keystrokes: number
  /** Characters that came from suggestions. */
  takenCharacters: number
}

export interface Trial {
  kind: TrialKind
  model: string
  /** ISO 8601. */
  at: string
  attempts: Attempt[]
}

export interface Side {
  sentences: number
  /** Geometric mean over sentences; null where there are none. */
  msPerCharacter: number | null
  keysPer100: number | null
  /** Edit distance to the target; null for own sentences. */
  errorsPer100: number | null
  takenCharacters: number
}

/** Time for each character with suggestions over that without: 0.9 is a tenth less. */
export interface Ratio {
  value: number
  /** 95 % confidence interval. */
  low: number
  high: number
}

export interface TrialResult {
  assisted: Side
  unassisted: Side
  ratio: Ratio | null
  verdict: 'faster' | 'slower' | 'unclear' | 'too-few'
}

const LEAST_SENTENCES = 3
/** 97.5 % points of Student's t by degrees of freedom 1 to 30; beyond, the normal one is close enough. */
const T_975 = [
  ...[12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131],
  ...[2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042],
]
const NORMAL_975 = 1.96

export function judge({ kind, attempts }: Pick<Trial, 'kind' | 'attempts'>): TrialResult {
  const finished = attempts.filter(({ typed, ms }) => typed.trim() && ms > 0)
  const [withThem, without] = [
    finished.filter(({ assisted }) => assisted),
    finished.filter(({ assisted }) => !assisted),
  ]
  const [assisted, unassisted] = [sideOf(withThem, kind), sideOf(without, kind)]
  if (Math.min(withThem.length, without.length) < LEAST_SENTENCES) {
    return { assisted, unassisted, ratio: null, verdict: 'too-few' }
  }
  const ratio = compare(withThem.map(logPace), without.map(logPace))
  const verdict = ratio.high < 1 ? 'faster' : ratio.low > 1 ? 'slower' : 'unclear'
  return { assisted, unassisted, ratio, verdict }
}

function logPace({ ms, typed }: Attempt): number {
  return Math.log(ms / [...typed].length)
}

/** Welch's interval for the difference of two means of logarithms, as a ratio. */
export function compare(a: readonly number[], b: readonly number[]): Ratio {
  const difference = mean(a) - mean(b)
  const [va, vb] = [variance(a) / a.length, variance(b) / b.length]
  const freedom = va + vb === 0 ? 1 : (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1))
  const reach = studentT(freedom) * Math.sqrt(va + vb)
  return { value: Math.exp(difference), low: Math.exp(difference - reach), high: Math.exp(difference + reach) }
}

function studentT(freedom: number): number {
  return T_975[Math.max(1, Math.floor(freedom)) - 1] ?? NORMAL_975
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function variance(values: readonly number[]): number {
  const centre = mean(values)
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
}

function sideOf(attempts: readonly Attempt[], kind: TrialKind): Side {
  const total = (of: (attempt: Attempt) => number) => attempts.reduce((sum, attempt) => sum + of(attempt), 0)
  const characters = total(({ typed }) => [...typed].length)
  const per100 = (count: number) => (characters ? (100 * count) / characters : null)
  return {
    sentences: attempts.length,
    msPerCharacter: attempts.length ? Math.exp(mean(attempts.map(logPace))) : null,
    keysPer100: per100(total(({ keystrokes }) => keystrokes)),
    errorsPer100: kind === 'copy' ? per100(total(({ typed, target }) => distance(typed.trim(), target))) : null,
    takenCharacters: total(({ takenCharacters }) => takenCharacters),
  }
}

/** Levenshtein's edit distance, in code points. */
export function distance(a: string, b: string): number {
  const [from, to] = [[...a], [...b]]
  let row = Array.from({ length: to.length + 1 }, (_, at) => at)
  for (const [done, character] of from.entries()) {
    const next = [done + 1]
    for (const [at, wanted] of to.entries()) {
      const [above = 0, beside = 0, before = 0] = [row[at + 1], next[at], row[at]]
      next.push(Math.min(above + 1, beside + 1, before + (character === wanted ? 0 : 1)))
    }
    row = next
  }
  return row.at(-1) ?? 0
}

/** Tasks in turn with and without, by lot which comes first; the first one warms up and is not counted. */
export function plan<T>(tasks: readonly T[], random: () => number = Math.random): { task: T; assisted: boolean }[] {
  const shuffled = tasks.map(task => ({ task, lot: random() })).sort((a, b) => a.lot - b.lot)
  const first = random() < 0.5
  return shuffled.map(({ task }, index) => ({ task, assisted: index % 2 === 0 ? first : !first }))
}

const KEY = siteName('slm-playground.trials')
const MOST_KEPT = 20

/** Newest first. */
export function readTrials(): Trial[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isTrial) : []
  } catch {
    return []
  }
}

export function saveTrials(trials: readonly Trial[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(trials.slice(0, MOST_KEPT)))
  } catch {
    // Storage is full or forbidden: the result is shown, and gone with the page.
  }
}

function isTrial(value: unknown): value is Trial {
  const { kind, model, at, attempts } = Object(value)
  return (
    (kind === 'copy' || kind === 'compose') &&
    typeof model === 'string' &&
    typeof at === 'string' &&
    Array.isArray(attempts)
  )
}

/** For a file. */
export function trialsJson(trials: readonly Trial[]): string {
  const rows = trials.map(trial => {
    const { ratio, verdict } = judge(trial)
    const attempts = trial.attempts.map(({ takenCharacters, ...attempt }) => ({
      ...attempt,
      taken_characters: takenCharacters,
    }))
    return { kind: trial.kind, model: trial.model, at: trial.at, verdict, time_ratio: ratio, attempts }
  })
  return `${JSON.stringify({ format: 1, trials: rows }, null, 2)}\n`
}
