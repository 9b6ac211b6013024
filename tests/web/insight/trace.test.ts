/** Tokens of an answer: kept compactly, put together to characters, compared. */
import { describe, expect, it } from 'vitest'
import type { TokenLogprob } from '../../../web/src/engine/api.ts'
import {
  branchText,
  cellsOf,
  certainty,
  entropyBits,
  isLikeliest,
  parting,
  surpriseBits,
  withoutHeldBack,
} from '../../../web/src/tasks/tokens.ts'
import { isTrace, pack, type TracedStep, Tracer, unpack } from '../../../web/src/tasks/trace.ts'

const utf8 = (text: string) => Array.from(new TextEncoder().encode(text))
const token = (id: number, bytes: number[], probability: number) => ({
  id,
  text: new TextDecoder().decode(Uint8Array.from(bytes)),
  bytes,
  probability,
})
const step = (id: number, text: string, probability = 1, top: TracedStep['top'] = []): TracedStep => ({
  ...token(id, utf8(text), probability),
  top,
})
const GRIN = utf8('😀')
const split: TracedStep[] = [
  step(5, 'Hi', 0.5, [token(5, utf8('Hi'), 0.5), token(6, utf8('Ho'), 0.25)]),
  { ...token(7, GRIN.slice(0, 2), 0.9), top: [token(7, GRIN.slice(0, 2), 0.9), token(8, utf8('!'), 0.1)] },
  {
    ...token(9, GRIN.slice(2), 1),
    top: [token(9, GRIN.slice(2), 1), { id: 2, text: '<|end|>', bytes: [], probability: 1e-40 }],
  },
]

describe('kept beside an answer', () => {
  it('comes back out of JSON: ids, texts, bytes, special tokens; probabilities to a thousandth', () => {
    const packed = pack(split, 12)
    expect(isTrace(JSON.parse(JSON.stringify(packed)))).toBe(true)
    expect(packed.text_offset).toBe(12)
    const back = unpack(JSON.parse(JSON.stringify(packed)))
    const plain = (steps: readonly TracedStep[]) =>
      steps.map(({ id, text, bytes, top }) => ({ id, text, bytes, top: top.map(one => one.id) }))
    expect(plain(back)).toEqual(plain(split))
    for (const [index, { probability, top }] of split.entries()) {
      expect(back[index]?.probability).toBeCloseTo(probability, 3)
      for (const [place, one] of top.entries())
        expect(back[index]?.top[place]?.probability).toBeCloseTo(one.probability, 3)
    }
    expect(back[2]?.top[1]?.bytes).toEqual([])
    expect(back[2]?.top[1]?.text).toBe('<|end|>')
  })

  it('is small: below 60 bytes a token with five alternatives', () => {
    const many = Array.from({ length: 300 }, (_, index) =>
      step(
        index,
        ` word${index % 50}`,
        0.5,
        Array.from({ length: 5 }, (_, k) => token(k + (index % 40), utf8(` w${k + (index % 40)}`), 0.1)),
      ),
    )
    expect(JSON.stringify(pack(many)).length / many.length).toBeLessThan(60 + 12) // 48 of numbers, the rest spellings
  })

  it('says so where it is damaged, and nothing is taken for one that is none', () => {
    const packed = pack(split)
    expect(() => unpack({ ...packed, top: 3 })).toThrow('damaged')
    for (const other of [null, 3, {}, { ...packed, ids: 3 }, { ...packed, spell: null }])
      expect(isTrace(other)).toBe(false)
  })

  it('is collected from chunks, behind what was there before', () => {
    const told: TokenLogprob = { token: 'Hi', token_id: 5, logprob: Math.log(0.5), bytes: utf8('Hi') }
    const tracer = new Tracer(split.slice(0, 1), 4)
    tracer.take(undefined)
    tracer.take({
      content: [{ ...told, top_logprobs: [told, { ...told, token: '<|end|>', token_id: 2, bytes: null }] }],
      refusal: null,
    })
    expect(tracer.steps).toHaveLength(2)
    expect(tracer.steps[1]).toMatchObject({
      id: 5,
      text: 'Hi',
      top: [{ id: 5 }, { id: 2, text: '<|end|>', bytes: [] }],
    })
    expect(tracer.pack()?.text_offset).toBe(4)
    expect(new Tracer().pack()).toBeNull()
  })
})

describe('read', () => {
  it('tokens that hold parts of a character are shown together', () => {
    expect(cellsOf(split)).toEqual([
      { from: 0, to: 1, text: 'Hi' },
      { from: 1, to: 3, text: '😀' },
    ])
    expect(cellsOf(split.slice(0, 2)).map(({ text }) => text)).toEqual(['Hi', '\uFFFD'])
  })

  it('doubt in bits: a coin is one, the unlisted rest counts as one more', () => {
    expect(entropyBits(step(1, 'a', 1))).toBe(0)
    expect(entropyBits(step(1, 'a', 0.5, [token(1, utf8('a'), 0.5), token(2, utf8('b'), 0.5)]))).toBe(1)
    expect(entropyBits(step(3, 'c', 0.25, [token(1, utf8('a'), 0.5)]))).toBe(1.5)
    expect(surpriseBits(token(1, [], 1 / 1024))).toBe(10)
    expect(certainty(step(1, 'a', 0.99))).toBe('sure')
    const flat = Array.from({ length: 8 }, (_, id) => token(id, utf8('x'), 1 / 8))
    expect(certainty(step(0, 'x', 1 / 8, flat))).toBe('guessing')
    expect([split[0], step(6, 'Ho', 0.25, split[0]?.top)].map(one => one && isLikeliest(one))).toEqual([true, false])
  })

  it('a branch begins with whole characters only', () => {
    const dot = token(10, utf8('.'), 0.1)
    expect(branchText(split, 3, dot, 'Hi😀')).toBe('Hi😀.')
    expect(branchText(split, 1, token(11, GRIN.slice(0, 3), 0.1), 'Hi😀')).toBe('Hi')
    const spaced = [step(1, ' Hi'), step(2, ' there')]
    expect(branchText(spaced, 1, token(3, utf8(' you'), 0.1), 'Hi there')).toBe('Hi you')
    expect(branchText(spaced, 1, token(3, utf8(' you'), 0.1), ' Hi there')).toBe(' Hi you')
  })

  it('what may begin a stop text is left to the engine', () => {
    expect(withoutHeldBack('one\n', ['\n\n', 'END'])).toBe('one')
    expect(withoutHeldBack('one EN', ['\n\n', 'END'])).toBe('one ')
    expect(withoutHeldBack('one END of', ['END'])).toBe('one END of')
    expect(withoutHeldBack('one', [])).toBe('one')
  })
})

describe('two answers', () => {
  const said = (...words: string[]) => words.map((word, index) => step(index, word, 0.5))

  it('part at the first token that differs, with what each thought of the other’s', () => {
    const first = [
      ...said('The', ' sky'),
      step(3, ' is', 0.6, [token(3, utf8(' is'), 0.6), token(4, utf8(' was'), 0.3)]),
    ]
    const second = [...said('The', ' sky'), step(40, ' was', 0.7, [token(40, utf8(' was'), 0.7)])]
    expect(parting(first, second)).toMatchObject({ at: 2, secondInFirst: 0.3, firstInSecond: null })
  })

  it('that are the same do not part; one that ends earlier parts where it ends', () => {
    expect(parting(said('a', 'b'), said('a', 'b'))).toBeNull()
    expect(parting([], [])).toBeNull()
    expect(parting(said('a', 'b'), said('a'))).toMatchObject({ at: 1, second: null, secondInFirst: null })
  })
})
