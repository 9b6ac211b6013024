/** Harper's rules as a checker: starts its worker with the first sentence, turns its lints into corrections. */
import type { CorrectionType } from '../../engine/api.ts'
import { whyChanged } from '../../engine/client.ts'
import type { Dialect, FromHarper, Lint, ToHarper } from './harper-words.ts'
import type { Reason, RuleChecker, RuleFinding } from './types.ts'

export type { Dialect } from './harper-words.ts'

/** Harper's kinds of lints as kinds of corrections. What is not here is about style, not about mistakes. */
const KINDS: Readonly<Record<string, CorrectionType>> = {
  Agreement: 'grammar',
  BoundaryError: 'spelling',
  Capitalization: 'capitalization',
  Eggcorn: 'grammar',
  Grammar: 'grammar',
  Malapropism: 'grammar',
  Miscellaneous: 'grammar',
  Nonstandard: 'grammar',
  Punctuation: 'punctuation',
  Repetition: 'grammar',
  Spelling: 'spelling',
  Typo: 'spelling',
  Usage: 'grammar',
  WordChoice: 'grammar',
  WordOrder: 'grammar',
}

const startWorker = () => new Worker(new URL('./harper-worker.ts', import.meta.url), { type: 'module', name: 'harper' })

interface Waiting {
  sentence: string
  resolve: (found: readonly RuleFinding[]) => void
  reject: (error: Error) => void
}

export class Harper implements RuleChecker {
  dialect: Dialect = 'American'
  readonly #makeWorker: () => Worker
  readonly #waiting = new Map<number, Waiting>()
  #worker: Worker | null = null
  #count = 0

  constructor(makeWorker: () => Worker = startWorker) {
    this.#makeWorker = makeWorker
  }

  /** @throws Error in Harper's or the browser's words where the rules cannot be loaded or break */
  check(sentence: string): Promise<readonly RuleFinding[]> {
    this.#worker ??= this.#start()
    const message: ToHarper = { id: ++this.#count, sentence, dialect: this.dialect }
    this.#worker.postMessage(message)
    return new Promise((resolve, reject) => this.#waiting.set(message.id, { sentence, resolve, reject }))
  }

  /** Gives the memory back; a later question starts anew. */
  dispose(): void {
    this.#end('The rules were switched off.')
  }

  #start(): Worker {
    const worker = this.#makeWorker()
    worker.addEventListener('message', ({ data }: MessageEvent<FromHarper>) => this.#answered(data))
    worker.addEventListener('error', event => {
      event.preventDefault() // it is told to whoever asked
      this.#end(event.message || 'The rules could not be loaded.')
    })
    return worker
  }

  #answered(answer: FromHarper): void {
    if ('failed' in answer) {
      this.#end(answer.failed) // half-loaded or broken: the next question starts a new one
      return
    }
    const asked = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    asked?.resolve(findingsOf(asked.sentence, answer.lints))
  }

  #end(why: string): void {
    this.#worker?.terminate()
    this.#worker = null
    for (const { reject } of this.#waiting.values()) reject(new Error(why))
    this.#waiting.clear()
  }
}

export function findingsOf(sentence: string, lints: readonly Lint[]): RuleFinding[] {
  return lints.flatMap((lint): RuleFinding[] => {
    const kind = KINDS[lint.kind]
    const { start, end } = lint
    const [first, ...others] = lint.suggestions
    if (!kind || !first || end < start || sentence.slice(start, end).trim() === '') return []
    const isInsertion = first.kind === 'insert-after'
    const same = [first, ...others].filter(other => (other.kind === 'insert-after') === isInsertion)
    const apostrophe = sentence.includes('’') ? '’' : "'"
    const texts = [
      ...new Set(same.map(({ kind: act, text }) => (act === 'remove' ? '' : text.replace(/['’]/g, apostrophe)))),
    ]
    const replacements = kind === 'spelling' ? likelyFirst(sentence.slice(start, end), texts) : texts
    const range = { from: isInsertion ? end : start, to: end }
    const isKept = replacements.every(text => text === sentence.slice(range.from, range.to))
    return isKept
      ? []
      : [
          {
            ...range,
            replacements,
            kind,
            ...said(sentence, lint, { range, text: replacements[0] ?? '' }),
            rule: lint.rule,
          },
        ]
  })
}

/**
 * A letter doubled or not is the commonest slip: "writting" is "writing", which Harper has behind "writhing". An apostrophe is
 * what a word lacks where all its letters are right ("womens"); else it is a guess ("high's" for "hights").
 */
function likelyFirst(word: string, replacements: readonly string[]): string[] {
  const single = (text: string) => text.toLowerCase().replace(/(\p{L})\1+/gu, '$1')
  const letters = (text: string) => text.toLowerCase().replace(/['’]/g, '')
  const rank = (text: string) => {
    if (single(text) === single(word)) return 0
    return /['’]/.test(text) && !/['’]/.test(word) && letters(text) !== letters(word) ? 2 : 1
  }
  return replacements.toSorted((one, other) => rank(one) - rank(other))
}

interface Said {
  explanation: string
  reason: Reason | null
}

/** Harper asks "Did you mean to spell `teh` this way?"; a reason says what is wrong. Its backticks are quotation marks. */
function said(sentence: string, { message }: Lint, { range, text }: Change): Said {
  const original = sentence.slice(range.from, range.to)
  if (!/^Did you mean to spell .* this way\?$/.test(message.trim())) {
    const explanation = message.trim().replace(/`([^`]+)`/g, '“$1”')
    return { explanation, reason: whyChanged(sentence, range, text)?.reason ?? null }
  }
  const reason = { code: 'not-in-dictionary', original, replacement: text } as const
  return { explanation: `“${original}” is not in the dictionary.`, reason }
}

interface Change {
  range: { from: number; to: number }
  text: string
}
