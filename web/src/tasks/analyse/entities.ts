/**
 * Names, dates and amounts in a text. A rule finds what may be one (capitals, figures), the model says which kind it is:
 * a small model is poor at finding spans and fair at naming them. Pure but for the engine passed in.
 */
import type { Engine } from '../../engine/api.ts'
import { type LabelTask, labelled } from './labels.ts'
import { type Span, sentencesOf, wordsOf } from './sentences.ts'

export type EntityKind = 'person' | 'organisation' | 'place' | 'date' | 'amount' | 'other'

export interface NamedEntity extends Span {
  kind: EntityKind
  /** 0 to 1; 1 where a rule alone decides. */
  share: number
}

type Judged = Exclude<EntityKind, 'date' | 'amount'>

const EXAMPLES =
  'Text: Maria Lopez joined Siemens in Madrid.\nMaria Lopez is a person.\nSiemens is an organisation.\nMadrid is a place.\n\n' +
  'Text: The Bank of England met near the Thames to talk about the Titanic.\nBank of England is an organisation.\nThames is a place.\nTitanic is a thing.\n\n' +
  'Text: Professor Chen read Hamlet to her class at Yale.\nHamlet is a thing.\nChen is a person.\nYale is an organisation.\n\n'

const MONTH = 'January|February|March|April|May|June|July|August|September|October|November|December'
const DAY = 'Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday'
const DATE = new RegExp(
  `\\b(?:(?:${DAY}),? )?(?:\\d{1,2}(?:st|nd|rd|th)? )?(?:of )?(?:${MONTH})(?: \\d{1,2}(?:st|nd|rd|th)?)?(?:,? \\d{4})?\\b` +
    `|\\b(?:${DAY})\\b|\\b\\d{4}-\\d{2}-\\d{2}\\b|\\b\\d{1,2}[./]\\d{1,2}[./]\\d{2,4}\\b|\\b(?:1[5-9]|20)\\d{2}s?\\b`,
  'g',
)
const AMOUNT =
  /(?:[$€£¥]\s?\d(?:[\d.,]*\d)?(?:\s?(?:million|billion|m|bn|k))?)|\b\d(?:[\d.,]*\d)?\s?(?:%|percent|per cent|dollars|euros|pounds|kg|km|m|cm|mm|miles|tonnes|million|billion|GB|MB|°C)(?!\w)/g
/** Capitalised at a sentence's start, and yet no name. */
const COMMON = new Set(
  (
    'the a an this that these those it he she they we you i his her their our your its my in on at by for from with to of as if ' +
    'but and or so not no yes all some many most few when where who what why how there here then after before while since ' +
    'although however because both each every one two three another other first last next new old please thank thanks dear'
  ).split(' '),
)
/** Between the words of one name. */
const JOINING = /^(?: |-|’s |'s | of | of the | and | & | de | van | von | la | le |\. )$/
const TITLES = /^(?:Mr|Mrs|Ms|Dr|Prof|Sir|Lady|President|Professor|King|Queen)$/

/** @throws as `Engine.score` */
export async function entitiesOf(
  engine: Pick<Engine, 'score'>,
  text: string,
  { signal, onProgress }: { signal?: AbortSignal; onProgress?: (done: number, all: number) => void } = {},
): Promise<NamedEntity[]> {
  const sure = [...matches(text, DATE, 'date'), ...matches(text, AMOUNT, 'amount')]
  const names = candidatesOf(text).filter(({ start, end }) => !sure.some(one => one.start < end && start < one.end))
  const found = [...sure]
  const judged = new Map<string, Promise<{ kind: Judged; share: number }>>()
  for (const [index, { sentence, ...span }] of names.entries()) {
    // The same name in one text is the same thing.
    const verdict = judged.get(span.text) ?? judge(engine, { name: span.text, sentence, ...(signal ? { signal } : {}) })
    judged.set(span.text, verdict)
    found.push({ ...span, ...(await verdict) })
    onProgress?.(index + 1, names.length)
  }
  return found.sort((a, b) => a.start - b.start)
}

async function judge(
  engine: Pick<Engine, 'score'>,
  { name, sentence, signal }: { name: string; sentence: string; signal?: AbortSignal },
): Promise<{ kind: Judged; share: number }> {
  const shares = await labelled(engine, { task: taskFor(sentence), text: name, ...(signal ? { signal } : {}) })
  const kinds = Object.keys(shares) as Judged[] // exactly the kinds, by its type
  const kind = kinds.reduce((best, one) => (shares[one] > shares[best] ? one : best))
  return { kind, share: shares[kind] }
}

/** One for each sentence: what is taken off depends on it as little as a label can. */
const tasks = new Map<string, LabelTask<Judged>>()

function taskFor(sentence: string): LabelTask<Judged> {
  const known = tasks.get(sentence)
  if (known) return known
  if (tasks.size > 200) tasks.clear()
  const task: LabelTask<Judged> = {
    prompt: name => `${EXAMPLES}Text: ${sentence}\n${name} is`,
    written: { person: ' a person.', organisation: ' an organisation.', place: ' a place.', other: ' a thing.' },
    empty: ['It'],
  }
  tasks.set(sentence, task)
  return task
}

function matches(text: string, pattern: RegExp, kind: 'date' | 'amount'): NamedEntity[] {
  return [...text.matchAll(pattern)].map(match => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0],
    kind,
    share: 1,
  }))
}

/** Runs of capitalised words, joined as names are; at a sentence's start only what is no common word. */
export function candidatesOf(text: string): (Span & { sentence: string })[] {
  return sentencesOf(text).flatMap(sentence => {
    const words = wordsOf(sentence.text)
    const names: Span[] = []
    for (const [index, word] of words.entries()) {
      if (!/^\p{Lu}/u.test(word.text) || isCommon(words, index)) continue
      const last = names.at(-1)
      const between = last ? sentence.text.slice(last.end, word.start) : ''
      const joins = last && JOINING.test(between) && (between !== '. ' || TITLES.test(last.text))
      if (last && joins && !/ and | & /.test(between))
        names[names.length - 1] = spanIn(sentence.text, last.start, word.end)
      else names.push(word)
    }
    return names
      .filter(({ text: name }) => !TITLES.test(name))
      .map(({ start, end, text: name }) => ({
        start: sentence.start + start,
        end: sentence.start + end,
        text: name,
        sentence: sentence.text,
      }))
  })
}

/** The first word of a sentence has its capital anyway: it counts where the next word has one, or where it comes again. */
function isCommon(words: readonly Span[], index: number): boolean {
  const word = words[index]?.text.toLowerCase() ?? ''
  if (index > 0) return word === 'i' || /^i[’']/.test(word)
  if (COMMON.has(word)) return true
  const [first, next] = words
  if (!first || !next || /^\p{Lu}/u.test(next.text)) return false
  const again = words.slice(1).some(({ text }) => text === first.text)
  return !again && /(?:ing|ed|ly|tion|ment|ness)$/.test(first.text)
}

function spanIn(text: string, start: number, end: number): Span {
  return { start, end, text: text.slice(start, end) }
}
