/** What a conversation and its settings ask of the model, and settings out of files. */
import { describe, expect, it } from 'vitest'
import {
  type ChatSettings,
  chatRequest,
  MODEL_DEFAULTS,
  NUMBERS,
  overriding,
  RANGES,
  readChatSettings,
  sameSettings,
  seeded,
} from '../../../web/src/tasks/chat.ts'

const { signal } = new AbortController()
const said = [{ role: 'user' as const, content: 'Hi', id: 'x', state: 'done' }]

describe('the request of a conversation', () => {
  it('leaves what the user did not choose to the model, and hands on role and content only', () => {
    expect(chatRequest(said, MODEL_DEFAULTS, signal)).toEqual({
      messages: [{ role: 'user', content: 'Hi' }],
      stream: true,
      context_policy: 'drop-oldest',
      signal,
    })
  })

  it('puts the system prompt first and keeps zeros', () => {
    const settings = { ...MODEL_DEFAULTS, system: ' Be brief. ', temperature: 0, min_p: 0, max_tokens: 5, seed: 0 }
    expect(chatRequest(said, { ...settings, stop: ['END'] }, signal, { logprobs: true, top_logprobs: 5 })).toEqual({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
      stream: true,
      context_policy: 'drop-oldest',
      signal,
      ...{ temperature: 0, min_p: 0, max_tokens: 5, seed: 0, stop: ['END'], logprobs: true, top_logprobs: 5 },
    })
  })

  it('a blank system prompt is none', () => {
    expect(chatRequest(said, { ...MODEL_DEFAULTS, system: ' \n' }, signal).messages).toHaveLength(1)
  })

  it('asks for the shape of the answer, and names a schema that is no JSON', () => {
    const withSchema = (schema: string) =>
      chatRequest(said, { ...MODEL_DEFAULTS, format: { type: 'json_schema', schema } }, signal).response_format
    expect(withSchema('{"type":"object"}')).toEqual({
      type: 'json_schema',
      json_schema: { schema: { type: 'object' } },
    })
    expect(() => withSchema('{"type":')).toThrow(/^The JSON schema is not JSON: /)
  })
})

describe('settings out of anything', () => {
  const full: ChatSettings = {
    system: 'Be brief.',
    ...{ temperature: 0.4, top_p: 0.9, top_k: 40, min_p: 0.05, repetition_penalty: 1.1 },
    ...{ presence_penalty: -0.5, frequency_penalty: 0.5, max_tokens: 64, seed: 0 },
    stop: ['\n\n', 'END'],
    format: { type: 'regex', pattern: 'yes|no' },
  }

  it('come back as they were', () => {
    expect(readChatSettings(JSON.parse(JSON.stringify(full)))).toEqual({ settings: full, wrong: [] })
    expect(sameSettings(full, JSON.parse(JSON.stringify(full)))).toBe(true)
    expect(sameSettings(full, { ...full, seed: null })).toBe(false)
  })

  it('what is missing is the model’s own, what is impossible is named', () => {
    for (const nothing of [null, undefined, 7, 'text', []])
      expect(readChatSettings(nothing)).toEqual({ settings: MODEL_DEFAULTS, wrong: [] })
    const damaged = { temperature: '1', top_p: 0, top_k: 1.5, stop: ['a', ''], format: { type: 'regex' }, system: 3 }
    expect(readChatSettings({ ...damaged, seed: 5, more: 1 })).toEqual({
      settings: { ...MODEL_DEFAULTS, seed: 5 },
      wrong: ['temperature', 'top_p', 'top_k', 'system', 'stop', 'format'],
    })
  })

  it.each(NUMBERS)('%s takes both ends of its range and nothing beyond', name => {
    const { least, most } = RANGES[name]
    for (const value of [least, most]) expect(readChatSettings({ [name]: value }).settings[name]).toBe(value)
    for (const value of [least - 1, most + 1, Number.NaN, Number.POSITIVE_INFINITY])
      expect(readChatSettings({ [name]: value })).toEqual({ settings: MODEL_DEFAULTS, wrong: [name] })
  })

  it('a seed is drawn where there is none, and kept where there is', () => {
    expect(seeded({ ...MODEL_DEFAULTS, seed: 0 }).seed).toBe(0)
    const drawn = new Set(Array.from({ length: 20 }, () => seeded(MODEL_DEFAULTS).seed))
    expect(drawn.size).toBeGreaterThan(15)
    for (const seed of drawn) expect(readChatSettings({ seed }).wrong).toEqual([])
  })
})

describe('settings of one chat', () => {
  const base: ChatSettings = { ...MODEL_DEFAULTS, temperature: 0.3, stop: ['END'] }

  it('are those that differ from what all chats have, and stay when all chats come to have the same', () => {
    expect(overriding({}, { temperature: 0.9 }, base)).toEqual({ temperature: 0.9 })
    const own = overriding({ temperature: 0.9 }, { stop: [] }, base)
    expect(own).toEqual({ temperature: 0.9, stop: [] })
    expect(overriding(own, { top_k: 5 }, { ...base, temperature: 0.9 })).toEqual({ ...own, top_k: 5 })
  })

  it('are given up where they are set to what lies beneath; the model’s own can be set against it', () => {
    expect(overriding({ temperature: 0.9, stop: [] }, { temperature: 0.3, stop: ['END'] }, base)).toEqual({})
    expect(overriding({}, { temperature: null }, base)).toEqual({ temperature: null })
  })
})
