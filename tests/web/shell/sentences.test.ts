/** What the engine and the server say: every kind in every language, with the same facts. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { EngineError, type Reason, SENTENCES, type Sentences, wording } from '../../../web/src/engine/errors.ts'
import { engine as german } from '../../../web/src/text/de/engine.ts'
import { server, SENTENCES as serverGerman } from '../../../web/src/text/de/server.ts'

/** Each fact spells its own name, whatever a sentence does with it; those that choose words are real. */
const FACTS = new Proxy<Record<string, unknown>>(
  { task: 'embeddings', wanted: 'embed' },
  {
    get: (real, name: string) => {
      const shown = `«${name}»`
      const itself = () => shown
      return (
        real[name] ?? Object.assign(new String(shown), { toFixed: itself, toLocaleString: itself, replace: itself })
      )
    },
  },
)

/** Trouble that people meet; `bad-request`, `internal` and `no-model` are wrong calls, too. */
const CODES = new Set(['bad-manifest', 'download', 'integrity', 'quota', 'out-of-memory', 'device-lost', 'unsupported'])

function factsIn(sentence: string): string[] {
  return [...new Set(sentence.match(/«\w+»|\{\w+\}/g))].sort()
}

describe('sentences of the engine', () => {
  const kinds = Object.keys(SENTENCES) as (keyof Sentences)[] // its keys are exactly the kinds
  it.each(kinds)('%s', kind => {
    const say = (sentences: Sentences) => (sentences[kind] as (facts: unknown) => string)(FACTS)
    const [english, words] = [say(SENTENCES), say(german)]
    expect(`${english}${words}`).not.toMatch(/undefined|NaN|\[object/)
    expect(factsIn(words)).toEqual(factsIn(english))
    if (kind !== 'plain') expect(words).not.toBe(english)
  })

  it('are what errors are made of, but for what only programmers read', () => {
    const root = new URL('../../../web/src/', import.meta.url)
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ts'))
    const plain = files.flatMap(name => {
      const code = readFileSync(new URL(name, root), 'utf8')
      const made = code.matchAll(/new \w*Error\(\s*'([\w-]+)',\s*(?:[`'"]|message\s*[,)])/g)
      return [...made].flatMap(([whole, kind = '']) => (CODES.has(kind) ? [`${name}: ${whole}`] : []))
    })
    expect(plain).toEqual([])
  })

  it('join in their order, survive a message to another thread, and leave out what a language does not know', () => {
    const reasons: Reason[] = [{ kind: 'cannot-run', model: 'M' }, { kind: 'no-adapter' }]
    const error = new EngineError('unsupported', reasons)
    expect(error.message).toBe(
      'M cannot run in this browser. The browser has WebGPU but found no graphics adapter for it.',
    )
    const there = structuredClone([...error.reasons])
    expect(wording(there, german)).toBe(
      'M läuft in diesem Browser nicht. Der Browser kennt WebGPU, fand dafür aber keinen Grafikprozessor.',
    )
    const { 'no-adapter': _, ...older } = german
    expect(wording(there, older as Sentences)).toBe('M läuft in diesem Browser nicht.')
  })
})

describe('sentences of the server', () => {
  const sources = ['library', 'data', 'desktop'].map(
    part => new URL(`../../../playground/slm_playground/${part}/sentences.py`, import.meta.url),
  )
  const all = sources.map(source => readFileSync(source, 'utf8')).join('')
  const entries = all.matchAll(/^ {4}"([\w-]+)": ((?:"[^"]*"\s*)+),/gm)
  const english = Object.fromEntries([...entries].map(([, kind = '', sentence = '']) => [kind, sentence]))

  it('are all there in German, with the same facts', () => {
    expect(Object.keys(english).length).toBeGreaterThan(30)
    expect(Object.keys(serverGerman).sort()).toEqual(Object.keys(english).sort())
    for (const [kind, sentence] of Object.entries(serverGerman)) {
      expect(factsIn(sentence), kind).toEqual(factsIn(english[kind] ?? ''))
    }
  })

  it('are filled with their facts; those of an unknown kind stay as the server says them', () => {
    const facts = { id: 'tiny' }
    expect(server({ message: 'x', kind: 'model-exists', facts })).toMatch(/^Ein Modell namens tiny gibt es schon/)
    expect(server({ message: 'As it is.', kind: 'toString', facts })).toBe('As it is.')
    expect(server({ message: 'As it is.', kind: null, facts: {} })).toBe('As it is.')
  })
})
