/**
 * A comparison: lanes side by side, each with a model, a way to run it, settings and its own answers to the same prompts.
 * Lanes run one after the other, so that only one model needs memory at a time, or all at once where the user says so.
 */
import { batch, computed, type Signal, signal, untracked } from '@preact/signals'
import type { ChatMessageParam, EngineInfo, LoadProgress, Stats } from '../engine/api.ts'
import { EngineError } from '../engine/errors.ts'
import { chatRequest, MODEL_DEFAULTS } from '../tasks/chat.ts'
import {
  asked,
  type Column,
  type Comparison,
  decodeComparison,
  encodeComparison,
  MOST_COLUMNS,
} from '../tasks/comparison.ts'
import type { Vote } from '../tasks/scores.ts'
import { type Parting, parting } from '../tasks/tokens.ts'
import { ALTERNATIVES, type TracedStep, Tracer } from '../tasks/trace.ts'
import { text } from '../text/index.ts'
import { Pen } from './chats/pen.ts'
import { type EnginePool, type EngineWish, engines } from './engines.ts'
import { inWords } from './in-words.ts'
import { chatModels } from './models.ts'

export interface LaneAnswer {
  state: 'waiting' | 'loading' | 'writing' | 'done' | 'stopped' | 'failed'
  text: string
  /** Its tokens, once it has ended. */
  steps: readonly TracedStep[]
  stats: Stats | null
  /** What it ran on. */
  ran: Pick<EngineInfo, 'variant' | 'device' | 'backend' | 'adapter' | 'threads'> | null
  progress: LoadProgress | null
  error: string
}

export interface Lane {
  readonly id: number
  readonly column: Signal<Column>
  /** By prompt; shorter than the prompts where some were not asked yet. */
  readonly answers: Signal<readonly Signal<LaneAnswer>[]>
}

/** A round of blind comparing: columns stand in an order that nobody knows. */
export interface Round {
  /** Null until the vote; then names may be seen. */
  result: Vote['result'] | null
}

export const lanes = signal<readonly Lane[]>([])
/** Null while it is known which lane is which. */
export const round = signal<Round | null>(null)
export const prompts = signal<readonly string[]>([])
export const together = signal(false)
export const isRunning = signal(false)
/** What was said before the prompts, and what an answer that is made again has to come to. */
export const origin = signal<Pick<Comparison, 'before' | 'expected'>>({ before: [], expected: null })

/** True where some lane lacks an answer. */
export const hasOpen = computed(() => lanes.value.some(lane => firstOpen(lane) < prompts.value.length))

const EMPTY: LaneAnswer = {
  state: 'waiting',
  text: '',
  steps: [],
  stats: null,
  ran: null,
  progress: null,
  error: '',
}

let laneId = 0
let running: AbortController | null = null
/** The last run, which ends without an error: each answer keeps its own. */
let work: Promise<void> = Promise.resolve()

export function laneOf(column: Column): Lane {
  return { id: ++laneId, column: signal(column), answers: signal([]) }
}

export function addLane(column: Column): void {
  if (lanes.value.length < MOST_COLUMNS) lanes.value = [...lanes.value, laneOf(column)]
}

export function removeLane(id: number): void {
  lanes.value = lanes.value.filter(lane => lane.id !== id)
}

/** Another column in a lane: what it answered before is no longer its answer. */
export function changeLane(lane: Lane, part: Partial<Column>): void {
  batch(() => {
    lane.column.value = { ...lane.column.value, ...part }
    lane.answers.value = []
    origin.value = { ...origin.value, expected: null }
  })
}

/** Takes everything from a link or a file, which says what each lane is; nothing runs by itself. */
export function openComparison({ columns, prompts: asked, before, expected }: Comparison): void {
  stop()
  batch(() => {
    round.value = null
    lanes.value = columns.map(laneOf)
    prompts.value = asked
    origin.value = { before, expected }
  })
}

/**
 * Opens what an address says. Where that is here already, as after a way back from another page, it stays, with its answers.
 * @returns false for what is no comparison
 */
export async function openEncoded(encoded: string, isStillWanted: () => boolean): Promise<boolean> {
  if (lanes.peek().length > 0 && (await encodeComparison(untracked(currentComparison))) === encoded) return true
  const found = await decodeComparison(encoded)
  if (found && isStillWanted()) openComparison(found)
  return found !== null
}

export function currentComparison(): Comparison {
  return { columns: lanes.value.map(({ column }) => column.value), prompts: [...prompts.value], ...origin.value }
}

/** All answers and prompts away; the lanes stay. The returned function undoes it. */
export function clearAnswers(): () => void {
  stop()
  const before = { prompts: prompts.value, origin: origin.value, lanes: lanes.value }
  batch(() => {
    prompts.value = []
    origin.value = { before: [], expected: null }
    lanes.value = before.lanes.map(({ column }) => laneOf(column.value))
  })
  return () => {
    stop()
    batch(() => {
      prompts.value = before.prompts
      origin.value = before.origin
      lanes.value = before.lanes
    })
  }
}

/** Asks all lanes. */
export async function ask(prompt: string, pool: EnginePool = engines): Promise<void> {
  prompts.value = [...prompts.value, prompt]
  await run(pool)
}

/** Answers that are missing, stopped or failed, lane by lane. */
export async function run(pool: EnginePool = engines): Promise<void> {
  stop()
  work = runAll(pool)
  await work
}

/** Stops, and gives back the memory of models that only the comparison used. */
export async function leave(): Promise<void> {
  stop()
  await work
  await engines.trim()
}

async function runAll(pool: EnginePool): Promise<void> {
  const abort = new AbortController()
  running = abort
  isRunning.value = true
  shareSeed()
  try {
    const runs = lanes.value.map(lane => () => runLane(lane, abort.signal, pool))
    if (together.value) await Promise.all(runs.map(begin => begin()))
    else for (const begin of runs) await begin()
  } finally {
    if (running === abort) {
      running = null
      isRunning.value = false
    }
  }
}

export function stop(): void {
  running?.abort()
  running = null
  isRunning.value = false
}

/** Lanes that set no seed draw the same one, so that a link makes the same texts again and settings are what differs. */
function shareSeed(): void {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
  for (const { column } of lanes.value) {
    const { settings } = column.value
    if (settings.seed === null) column.value = { ...column.value, settings: { ...settings, seed } }
  }
}

async function runLane(lane: Lane, signal: AbortSignal, pool: EnginePool): Promise<void> {
  const first = firstOpen(lane)
  lane.answers.value = lane.answers.value.slice(0, first)
  for (let turn = first; turn < prompts.value.length && !signal.aborted; turn++) {
    const said = lane.answers.value.map(({ value }) => value.text)
    const answer = newAnswer()
    lane.answers.value = [...lane.answers.value, answer]
    await write(lane.column.value, asked(currentComparison(), turn, said), { answer, signal, pool })
    if (answer.value.state !== 'done') return
  }
}

function newAnswer(): Signal<LaneAnswer> {
  return signal(EMPTY)
}

interface Writing {
  answer: Signal<LaneAnswer>
  signal: AbortSignal
  pool: EnginePool
}

async function write(column: Column, messages: ChatMessageParam[], { answer, signal, pool }: Writing): Promise<void> {
  const update = (part: Partial<LaneAnswer>) => {
    answer.value = { ...answer.value, ...part }
  }
  const pen = new Pen('', text => update({ text }))
  const tracer = new Tracer()
  const ended = () => ({ text: pen.end(), steps: [...tracer.steps], progress: null })
  update({ state: 'loading' })
  try {
    const engine = await pool.acquire(wishOf(column), { signal, onProgress: progress => update({ progress }) })
    try {
      const { variant, device, backend, adapter, threads } = engine.info
      update({ state: 'writing', progress: null, ran: { variant, device, backend, adapter, threads } })
      const extras = { logprobs: true, top_logprobs: ALTERNATIVES }
      const request = chatRequest(messages, column.settings, signal, extras)
      for await (const chunk of engine.chat.completions.create(request)) {
        tracer.take(chunk.choices[0].logprobs)
        pen.write(chunk.choices[0].delta.content ?? '')
      }
      update({ ...ended(), state: 'done', stats: engine.stats() })
    } finally {
      pool.release(engine)
    }
  } catch (error) {
    if (signal.aborted) update({ ...ended(), state: 'stopped' })
    else update({ ...ended(), state: 'failed', error: failureInWords(error) })
  }
}

/** A way that is none here was chosen by hand, or by who made the link: there are others. */
function failureInWords(error: unknown): string {
  const said = inWords(error)
  return error instanceof EngineError && error.code === 'unsupported' ? `${said} ${text.value.compare.otherWay}` : said
}

/** @throws Error with a sentence for people where the model is not here */
function wishOf({ model, variant, device, backend }: Column): EngineWish {
  const found = chatModels.value.find(({ id }) => id === model)
  if (!found) throw new Error(text.value.compare.modelGone(model))
  return {
    bundle: found.url,
    device,
    ...(variant === null ? {} : { variant }),
    ...(backend === null ? {} : { backend }),
  }
}

function firstOpen({ answers }: Lane): number {
  const open = answers.value.findIndex(({ value }) => value.state !== 'done')
  return open < 0 ? answers.value.length : open
}

/** Where the answers of two lanes to one prompt part; null where they are the same or not both there. */
export function partingOf(first: Lane, second: Lane, turn: number): Parting | null {
  const [a, b] = [first, second].map(({ answers }) => answers.value[turn]?.value)
  if (a?.state !== 'done' || b?.state !== 'done' || a.steps.length === 0 || b.steps.length === 0) return null
  const hadTheSame = first.answers.value
    .slice(0, turn)
    .every((answer, index) => answer.value.text === second.answers.value[index]?.value.text)
  return hadTheSame ? parting(a.steps, b.steps) : null
}

export function newColumn(model: string): Column {
  return { model, variant: null, device: 'auto', backend: null, settings: MODEL_DEFAULTS }
}
