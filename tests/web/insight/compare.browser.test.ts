/** Lanes that are asked: one after the other, stopped and gone on with, at once; blind rounds. Over scripted engines. */
import { beforeEach, expect, test } from 'vitest'
import { MemoryBudget } from '../../../web/src/engine/client.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import {
  ask,
  changeLane,
  clearAnswers,
  currentComparison,
  hasOpen,
  isRunning,
  type Lane,
  laneOf,
  lanes,
  newColumn,
  openComparison,
  openEncoded,
  partingOf,
  prompts,
  round,
  run,
  stop,
  together,
} from '../../../web/src/state/compare.ts'
import { EnginePool } from '../../../web/src/state/engines.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { endBlind, isHidden, scores, startRound, vote, votes } from '../../../web/src/state/votes.ts'
import { encodeComparison } from '../../../web/src/tasks/comparison.ts'
import { fakeEngine, type Script } from '../engine/fake.ts'
import { gate, MODEL } from '../ui/page.ts'

const poolOf = (script: Script = {}) =>
  new EnginePool(async () => fakeEngine(script), { memory: new MemoryBudget(1e9) })
const column = { ...newColumn(MODEL.id), settings: { ...newColumn(MODEL.id).settings, max_tokens: 6 } }
/** Six of an answer, and the step at which it ends. */
const WORDS = 7
const texts = (lane: Lane | undefined) => lane?.answers.value.map(({ value }) => value.text) ?? []
const states = () => lanes.value.map(({ answers }) => answers.value.map(({ value }) => value.state).join())
const until = async (isTrue: () => boolean) => {
  while (!isTrue()) await new Promise(requestAnimationFrame)
}

beforeEach(() => {
  stop()
  endBlind()
  votes.value = []
  prompts.value = []
  together.value = false
  lanes.value = [column, column].map(laneOf)
  modelList.value = { models_dir: '', models: [MODEL], errors: [], problem: null, isOffline: false }
})

test('lanes share the seed that is drawn, and so the text; a follow-up adds to each', async () => {
  const pool = poolOf()
  await ask('Hi', pool)
  const [first, second] = lanes.value
  expect(first?.column.value.settings.seed).toBe(second?.column.value.settings.seed)
  expect(texts(first)).toEqual(texts(second))
  expect(texts(first)[0]?.trim().split(' ')).toHaveLength(6)
  await ask('And then?', pool)
  expect(states()).toEqual(['done,done', 'done,done'])
  expect(currentComparison().prompts).toEqual(['Hi', 'And then?'])
})

test('another column forgets its answers and is asked again; the others keep theirs', async () => {
  const pool = poolOf()
  await ask('Hi', pool)
  const [first, second] = lanes.value
  if (!first || !second) throw new Error('There are no lanes.')
  const kept = first.answers.value[0]
  changeLane(second, { settings: { ...second.column.value.settings, seed: 1 } })
  expect(hasOpen.value).toBe(true)
  await run(pool)
  expect(hasOpen.value).toBe(false)
  expect(first.answers.value[0]).toBe(kept)
  expect(texts(second)).not.toEqual(texts(first))
  expect(partingOf(first, second, 0)).toBeNull() // the scripted engine tells no tokens
})

test('one after the other; stopping keeps what was written, going on begins there', async () => {
  const { beforeWord, open } = gate()
  const pool = poolOf({ beforeWord })
  const asked = ask('Hi', pool)
  open(3)
  await until(() => (lanes.value[0]?.answers.value[0]?.value.text.split(' ').length ?? 0) > 3)
  expect(lanes.value[1]?.answers.value).toHaveLength(0)
  stop()
  open(1)
  await asked
  expect(states()).toEqual(['stopped', ''])
  expect(texts(lanes.value[0])[0]).not.toBe('')
  expect(isRunning.value).toBe(false)
  const again = run(pool)
  open(2 * WORDS)
  await again
  expect(states()).toEqual(['done', 'done'])
})

test('all at once where that is wanted', async () => {
  const { beforeWord, open } = gate()
  together.value = true
  const asked = ask('Hi', poolOf({ beforeWord }))
  await until(() => states().every(state => state === 'writing'))
  open(2 * WORDS)
  await asked
  expect(states()).toEqual(['done', 'done'])
})

test('a model that is not here says so in its lane, and the next lane runs', async () => {
  lanes.value = [{ ...column, model: 'gone' }, column].map(laneOf)
  await ask('Hi', poolOf())
  expect(states()).toEqual(['failed', 'done'])
  expect(lanes.value[0]?.answers.value[0]?.value.error).toContain('The model gone is not here')
})

// “It cannot run in this browser” was all, though the next way in the list can.
test('a way that is none here fails alone, and its column says what to do', async () => {
  let made = 0
  const pool = new EnginePool(
    async () => {
      made += 1
      if (made === 1) throw new EngineError('unsupported', { kind: 'cannot-run', model: 'Fake model' })
      return fakeEngine()
    },
    { memory: new MemoryBudget(1e9) },
  )
  await ask('Hi', pool)
  expect(states()).toEqual(['failed', 'done'])
  expect(lanes.value[0]?.answers.value[0]?.value.error).toContain('Choose another way to run it')
})

test('a link opens as it was, and runs nothing by itself; clearing can be undone', async () => {
  await ask('Hi', poolOf())
  const before = currentComparison()
  const undo = clearAnswers()
  expect([prompts.value, states()]).toEqual([[], ['', '']])
  undo()
  expect(states()).toEqual(['done', 'done'])
  openComparison(before)
  expect(currentComparison()).toEqual(before)
  expect([states(), isRunning.value, hasOpen.value]).toEqual([['', ''], false, true])
})

test('a blind round shuffles the lanes, hides them until the vote, and counts it', () => {
  const [first, second] = lanes.value
  if (first) changeLane(first, { settings: { ...column.settings, temperature: 0 } })
  startRound(() => 0)
  expect(lanes.value).toEqual([second, first])
  expect(isHidden.value).toBe(true)
  vote(1, new Date(0))
  vote(0, new Date(0)) // only once a round
  expect(round.value).toEqual({ result: 1 })
  expect(isHidden.value).toBe(false)
  expect(scores.value.map(({ contestant, wins }) => [contestant, wins])).toEqual([
    ['fake · temperature 0 · max_tokens 6', 1],
    ['fake · max_tokens 6', 0],
  ])
})

test('the address of what is here already, as on the way back from another page, takes no answer away', async () => {
  await ask('Hi', poolOf())
  const answered = lanes.value
  const address = await encodeComparison(currentComparison())
  expect(await openEncoded(address, () => true)).toBe(true)
  expect(lanes.value).toBe(answered)
  changeLane(lanes.value[0] ?? laneOf(column), { device: 'cpu' })
  expect(await openEncoded(address, () => true)).toBe(true)
  expect(currentComparison()).toMatchObject({ columns: [{ device: 'auto' }, { device: 'auto' }], prompts: ['Hi'] })
  expect(await openEncoded('1.spoilt', () => true)).toBe(false)
})

test('a link that comes too late opens nothing; one that is opened ends a blind round', async () => {
  const address = await encodeComparison({ columns: [column], prompts: ['Hi'], before: [], expected: null })
  startRound()
  expect(await openEncoded(address, () => false)).toBe(true)
  expect(lanes.value).toHaveLength(2)
  expect(isHidden.value).toBe(true)
  expect(await openEncoded(address, () => true)).toBe(true)
  expect(lanes.value).toHaveLength(1)
  expect(isHidden.value).toBe(false)
  expect(round.value).toBeNull()
})
