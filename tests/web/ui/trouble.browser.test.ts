/** What goes wrong in the middle: an engine that breaks, another one chosen, no model, damaged storage. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { EngineInfo } from '../../../web/src/engine/api.ts'
import { EngineError, type ErrorCode } from '../../../web/src/engine/errors.ts'
import { messages } from '../../../web/src/state/chat.ts'
import { takeOver } from '../../../web/src/state/chats/desk.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { go } from '../../../web/src/state/route.ts'
import { change, settings } from '../../../web/src/state/settings.ts'
import { OFFERS, troubleOf } from '../../../web/src/ui/parts/errors.ts'
import { fakeEngine, type Script } from '../engine/fake.ts'
import { gate, MODEL, openPage } from './page.ts'

const box = () => page.getByLabelText('Message')
const lastAnswer = () => messages.value.findLast(({ role }) => role === 'assistant')

async function ask(text: string) {
  await userEvent.fill(box(), text)
  await userEvent.keyboard('{Enter}')
}

beforeEach(() => {
  sessionStorage.clear()
  localStorage.clear()
})

/** Breaks after the first word. */
function breaking(code: ErrorCode, info: Partial<EngineInfo> = {}): Script {
  return {
    answer: () => ['half', ' done'],
    beforeWord: async index => {
      if (index === 1) throw new EngineError(code, 'It went away.')
    },
    info,
  }
}

describe('an engine that breaks in the middle of an answer', () => {
  it('starts itself again: the page does not, and the question can be answered by it', async () => {
    let [made, asked] = [0, 0]
    const { load } = openPage(async () => {
      made += 1
      return fakeEngine({
        answer: () => ['half', ' done'],
        beforeWord: async index => {
          asked += 1
          if (index === 1 && asked === 2) throw new EngineError('device-lost', 'It went away.')
        },
      })
    })
    await load()
    await ask('x')
    await expect.element(page.getByRole('alert')).toHaveTextContent('The graphics processor went away. It went away.')
    expect(lastAnswer()).toMatchObject({ content: 'half', state: 'failed', code: 'device-lost' })
    expect(loadState.value.status).toBe('ready')
    await userEvent.click(page.getByRole('button', { name: 'Try again' }))
    await expect.element(page.getByText('half done', { exact: true })).toBeVisible()
    await expect.element(page.getByText('2/2')).toBeVisible()
    expect(made).toBe(1)
  })

  it('on the GPU: the CPU is offered, and answers', async () => {
    const asked: (string | undefined)[] = []
    const { load } = openPage(async ({ device }) => {
      asked.push(device)
      return device === 'cpu'
        ? fakeEngine({ answer: () => ['slow but sure'] })
        : fakeEngine(breaking('out-of-memory', { device: 'webgpu', variant: 'webgpu-q8f16' }))
    })
    await load()
    await ask('x')
    await userEvent.click(page.getByRole('button', { name: 'Use the CPU' }))
    await expect.element(page.getByText('slow but sure', { exact: true })).toBeVisible()
    expect(asked).toEqual(['auto', 'cpu'])
    expect(settings.value.device).toBe('cpu')
  })

  it('a refused request leaves the engine alone', async () => {
    let made = 0
    const { load } = openPage(async () => {
      made += 1
      return fakeEngine(breaking('bad-request'))
    })
    await load()
    await ask('x')
    await expect.element(page.getByRole('alert')).toHaveTextContent('The model cannot do that. It went away.')
    expect(page.getByRole('button', { name: 'Use the CPU' }).query()).toBeNull()
    expect(made).toBe(1)
  })
})

it('another device chosen in the middle of an answer stops it without an error', async () => {
  const door = gate()
  const { load, loader } = openPage(async () =>
    fakeEngine({ answer: () => ['one', ' two'], beforeWord: door.beforeWord }),
  )
  await load()
  await ask('count')
  door.open(1)
  await vi.waitFor(() => expect(lastAnswer()?.content).toBe('one'))
  change({ device: 'cpu' })
  await loader.retry()
  door.open(9)
  await expect.element(page.getByText('Stopped here.')).toBeVisible()
  expect(lastAnswer()).toMatchObject({ content: 'one', state: 'stopped' })
  expect(page.getByRole('alert').query()).toBeNull()
})

describe('without a model', () => {
  // They said that there was none, and not where to get one.
  it.each(['chat', 'compare', 'analyse', 'device'] as const)('%s leads to the models', async name => {
    openPage(async () => fakeEngine())
    modelList.value = { models_dir: '', models: [], errors: [], problem: 'No model in /models.', isOffline: false }
    loadState.value = { status: 'no-model' }
    go(name)
    const link = page.getByRole('main').getByRole('link', { name: /^Add a model$|^Choose a model$/ })
    await expect.element(link).toBeVisible()
    await expect.element(link).toHaveAttribute('href', '#/models')
  })

  it('a message waits, says why, and is answered once there is one', async () => {
    let broken = true
    const { load } = openPage(async () => {
      if (broken) throw new EngineError('download', 'The server did not answer. Check that it runs, then try again.')
      return fakeEngine({ answer: () => ['Here I am.'] })
    })
    await load()
    await ask('hello?')
    await expect.element(page.getByText(/Not sent yet: the model is not running/)).toBeVisible()
    broken = false
    await userEvent.click(page.getByRole('button', { name: 'Try again' }))
    await expect.element(page.getByText('Here I am.', { exact: true })).toBeVisible()
  })

  it('a message that waits can be taken back', async () => {
    openPage(async () => fakeEngine())
    await ask('hello?')
    await userEvent.click(page.getByRole('button', { name: 'Stop' }))
    await expect.element(page.getByText('Stopped before the first word.')).toBeVisible()
  })

  it.each([
    ['have chosen it', 'cpu', 'out-of-memory'],
    ['have seen it fail', 'auto', 'unsupported'],
  ] as const)('the CPU is not offered to those who %s', async (_, device, code) => {
    const { load } = openPage(async () => {
      throw new EngineError(code, 'It does not run.')
    })
    change({ device })
    await load()
    await expect.element(page.getByRole('button', { name: 'Try again' })).toBeVisible()
    expect(page.getByRole('button', { name: 'Use the CPU' }).query()).toBeNull()
  })
})

const CODES = Object.keys(OFFERS) as (keyof typeof OFFERS)[] // its keys are the codes
it.each(CODES)('%s has a title and a way on', code => {
  const { title, offers } = troubleOf(code)
  expect(title).toMatch(/^[A-Z].*[^.]$/)
  expect(offers.length).toBeGreaterThan(0)
})

it.each([
  ['not JSON', '{'],
  ['another shape', '{"a":1}'],
  ['foreign entries', '[null, 7, {"id":"x"}, {"id":"y","role":"system","content":"c","state":"done"}]'],
])('a conversation of an older version that is %s is left out', (_, stored) => {
  sessionStorage.setItem('slm-playground.chat', stored)
  expect(takeOver('new', 1)).toBeNull()
})

it.each([
  { backend: 'simd-relaxed', threads: 2, says: 'CPU · int8 · own kernels, 2 threads' },
  { backend: 'ort-wasm', threads: 1, says: 'CPU · int8 · ONNX Runtime, 1 thread' },
])(
  'a model that is loading says so in the page’s bar, a ready one what it runs on: $says',
  async ({ says, ...info }) => {
    let ready: (engine: ReturnType<typeof fakeEngine>) => void = () => {}
    const { load } = openPage(() => new Promise(resolve => (ready = resolve)))
    const loading = load()
    const bar = page.getByRole('banner')
    await expect.element(bar).toHaveTextContent(MODEL.name)
    await expect.element(bar).toHaveTextContent('Loading…')
    ready(fakeEngine({ info: { device: 'cpu', variant: 'cpu-int8', ...info } }))
    await loading
    await expect.element(bar).toHaveTextContent(says)
  },
)
