/** Blind comparisons: rounds, and the votes, kept in localStorage. */
import { batch, computed, effect, signal } from '@preact/signals'
import { siteName } from '../engine/names.ts'
import { type ChatSettings, MODEL_DEFAULTS } from '../tasks/chat.ts'
import type { Column } from '../tasks/comparison.ts'
import { isVote, scoresOf, shuffled, type Vote } from '../tasks/scores.ts'
import { lanes, round } from './compare.ts'

const KEY = siteName('slm-playground.votes')
const MOST = 1000

export const votes = signal<readonly Vote[]>(read())
export const scores = computed(() => scoresOf(votes.value))

/** True while nobody may know which lane is which. */
export const isHidden = computed(() => round.value !== null && round.value.result === null)

/** Shuffles the lanes, which run in the order in which they stand: it tells nothing either. */
export function startRound(random: () => number = Math.random): void {
  const order = shuffled(lanes.value.length, random)
  batch(() => {
    lanes.value = order.map(index => lanes.value[index]).filter(lane => lane !== undefined)
    round.value = { result: null }
  })
}

export function endBlind(): void {
  round.value = null
}

/** @param result place on the page of the best, or neither */
export function vote(result: Vote['result'], now: Date): void {
  if (!round.value || round.value.result !== null) return
  const contestants = lanes.value.map(({ column }) => contestantOf(column.value))
  votes.value = [...votes.value, { contestants, result, voted_at: now.toISOString() }].slice(-MOST)
  round.value = { result }
}

/** The returned function undoes it. */
export function resetVotes(): () => void {
  const before = votes.value
  votes.value = []
  return () => {
    votes.value = [...before, ...votes.value]
  }
}

/** Saves every vote. */
export function keepVotes(): () => void {
  return effect(() => {
    try {
      localStorage.setItem(KEY, JSON.stringify(votes.value))
    } catch {
      // Storage is full or forbidden: the votes hold for this page only.
    }
  })
}

/** A column by what makes it differ: model, way to run, settings other than the model's own. The seed is not one. */
export function contestantOf({ model, variant, device, backend, settings }: Column): string {
  const way = variant ?? (device === 'auto' ? null : device)
  return [model, way, backend, ...changes(settings)].filter(part => part).join(' · ')
}

function changes(settings: ChatSettings): string[] {
  return (Object.keys(settings) as (keyof ChatSettings)[]) // its own keys
    .filter(name => name !== 'seed' && JSON.stringify(settings[name]) !== JSON.stringify(MODEL_DEFAULTS[name]))
    .map(name => `${name} ${shortened(settings[name])}`)
}

function shortened(value: unknown): string {
  const words = typeof value === 'string' ? value : JSON.stringify(value)
  return words.length > 40 ? `${words.slice(0, 40)}…` : words
}

function read(): Vote[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]')
    return Array.isArray(stored) ? stored.filter(isVote) : []
  } catch {
    return []
  }
}
