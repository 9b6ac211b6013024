/** One call of `engine.complete` as the worker performs it, over any backend that continues its prompt. */
import type { Context } from '../context.ts'
import { EngineError } from '../errors.ts'
import type { LoadedModel } from '../load.ts'
import type { CompleteArgs } from '../protocol.ts'
import { cannotWrite } from '../read.ts'
import { type Calibration, calibrated, calibrationOf } from './calibration.ts'
import { type TextFrame, textFrame } from './frame.ts'
import { type Ending, type Growth, grow } from './grow.ts'
import { type Opening, openings } from './healing.ts'
import { fitted } from './join.ts'
import { partialWord, runsTogether, wordsOf } from './letters.ts'
import { type Prompt, promptFor } from './prompt.ts'
import { Reader, type Turn, type Work } from './reader.ts'
import { caretSilence, leastInFirstWord, repeatsItself, textSilence } from './silence.ts'
import { TokenTable, utf8 } from './tokens.ts'
import type { CompleteResult, CompletionAlternative, SilenceReason } from './types.ts'

const MOST_TOKENS = { words: 24, sentence: 48 }
/** Words of a sentence, at most. */
const SENTENCE_WORDS = 40
/** In front of what stands already a guess has less to go on: so much of the way from the threshold to certainty. */
const STRICTER_IN_LINE = 0.4
/** An opening less likely than this is no alternative. */
const LEAST_ALTERNATIVE = 0.01

/** What completion keeps of a model from one call to the next. */
export interface Completion {
  table: TokenTable
  frame: TextFrame
  reader: Reader
  calibration: Calibration | null
}

/** What completion needs of a model: `context` is null for one that only reads. */
export interface CompletionModel extends Pick<LoadedModel, 'manifest' | 'codec'> {
  context: Context | null
}

/** @throws EngineError 'unsupported' for a model that does not continue text */
export function openCompletion({ manifest, codec, context }: CompletionModel): Completion {
  if (!context) throw cannotWrite(manifest)
  if (!context.backend.continuesPrompt) {
    throw new EngineError('unsupported', { kind: 'no-continuing', model: manifest.name })
  }
  const table = new TokenTable(codec.spelling(), context.backend.vocabularySize)
  const frame = textFrame({ encode: codec.encodeContinuation, addedToken: codec.addedToken }, manifest)
  return { table, frame, reader: new Reader(context, table), calibration: calibrationOf(manifest.id) }
}

interface Job {
  args: CompleteArgs
  turn: Turn
  contextLength: number
}

/** @throws an AbortError where the job is cancelled */
export async function complete(parts: Completion, job: Job): Promise<CompleteResult> {
  const { args } = job
  const started = performance.now()
  const call = new Call(parts, job)
  const silence = caretSilence(args, parts.frame.fillIn !== null)
  const found = silence === null ? await call.suggest() : { ...NOTHING, silentBecause: silence }
  return { ...found, lettersTyped: call.lettersTyped, stats: { ...call.stats(), totalMs: performance.now() - started } }
}

type Found = Omit<CompleteResult, 'stats' | 'lettersTyped'>

const NOTHING: Found = { text: '', confidence: 0, probability: 0, tokens: [], alternatives: [], withheld: '' }

class Call {
  readonly lettersTyped: number
  readonly #parts: Completion
  readonly #job: Job
  readonly #started = performance.now()
  readonly #work: Work
  #prompt: Prompt | null = null
  #prefillMs = 0
  #promptRun = 0

  constructor(parts: Completion, job: Job) {
    this.#parts = parts
    this.#job = job
    this.lettersTyped = [...partialWord(job.args.before)].length
    this.#work = { ...job.turn, runs: 0, computedTokens: 0 }
  }

  async suggest(): Promise<Found> {
    const { table, frame, reader } = this.#parts
    const { args, contextLength } = this.#job
    const maxTokens = contextLength - MOST_TOKENS.sentence
    const prompt = promptFor(args, { frame, table, maxTokens })
    this.#prompt = prompt
    const found = await openings(prompt, { reader, table, work: this.#work })
    const all = found.filter(({ bytes }) => !this.#runsTogether('', utf8(bytes)))
    this.#promptRun = this.#work.computedTokens
    this.#prefillMs = performance.now() - this.#started
    const [best, ...others] = all
    if (!best || endsHere(best)) return { ...NOTHING, silentBecause: 'empty' }
    const judged = this.#judged(await this.#grow(best))
    return { ...judged, alternatives: await this.#alternatives(others, judged) }
  }

  stats(): Omit<CompleteResult['stats'], 'totalMs'> {
    const { runs, computedTokens } = this.#work
    const promptTokens = this.#prompt?.tokens.length ?? 0
    return {
      promptTokens,
      cachedTokens: Math.max(0, promptTokens - this.#promptRun),
      outputTokens: computedTokens - this.#promptRun,
      runs,
      prefillMs: this.#prefillMs,
    }
  }

  /** @param words of an alternative, which is less likely and as long as the suggestion; null for the suggestion itself */
  #grow(opening: Opening, words: number | null = null): Promise<Growth> {
    const { args } = this.#job
    const isSentence = args.maxWords === 'sentence'
    const limits = {
      maxWords: words ?? (args.maxWords === 'sentence' ? SENTENCE_WORDS : args.maxWords),
      maxTokens: isSentence ? MOST_TOKENS.sentence : MOST_TOKENS.words,
      isTooUnlikely: (probability: number, ending: number) =>
        words === null && this.#confidence(probability) < this.#threshold(ending),
      runsTogether: (text: string, next: string) => this.#runsTogether(text, next),
    }
    return grow(opening, { reader: this.#parts.reader, table: this.#parts.table, work: this.#work, limits })
  }

  /** The longest ending that is likely enough and says something new, or silence. */
  #judged({ endings, ...growth }: Growth): Found {
    const { args } = this.#job
    const likely = endings.filter(
      ({ probability, text }, ending) =>
        this.#confidence(probability) >= this.#threshold(ending) && !repeatsItself(args.before, text),
    )
    const ending = likely.at(-1) ?? endings[0] ?? growth
    const { text: said, probability, tokens } = ending
    const text = fitted(said, args.after)
    const reason = this.#reason({ ...ending, text }, likely.length > 0)
    const known = { confidence: this.#confidence(probability), probability, tokens, alternatives: [] }
    if (reason === null) return { ...known, text, withheld: '' }
    return { ...known, text: '', withheld: said, silentBecause: reason }
  }

  #reason({ text, tokens }: Ending, isLikely: boolean): SilenceReason | null {
    const { args } = this.#job
    if (text === '') return 'repeats-following'
    const { table } = this.#parts
    const isWord = (word: string) => table.isWord(word)
    const reason = textSilence(args, { text, leastInFirstWord: leastInFirstWord(tokens), isWord })
    return reason ?? (isLikely ? null : 'low-confidence')
  }

  async #alternatives(others: readonly Opening[], { text, withheld }: Found): Promise<CompletionAlternative[]> {
    const { args } = this.#job
    const found: CompletionAlternative[] = []
    const firstWords = new Set([firstWord(text || withheld)])
    for (const opening of others) {
      if (found.length >= args.alternatives || opening.probability < LEAST_ALTERNATIVE) break
      if (endsHere(opening)) continue
      const { endings } = await this.#grow(opening, wordsOf(text || withheld).length)
      const ending = endings.at(-1)
      const other = ending && fitted(ending.text, args.after)
      if (!ending || !other || firstWords.has(firstWord(other)) || this.#reason({ ...ending, text: other }, true))
        continue
      firstWords.add(firstWord(other))
      found.push({ text: other, confidence: this.#confidence(ending.probability) })
    }
    return found.sort((a, b) => b.confidence - a.confidence)
  }

  /** Models of code write names like `getName`. */
  #runsTogether(text: string, next: string): boolean {
    return this.#parts.frame.fillIn === null && runsTogether(this.#job.args.before + text, next)
  }

  #confidence(probability: number): number {
    return calibrated(probability, this.lettersTyped, this.#parts.calibration)
  }

  /** @param ending the first, 0, or a later one: who asks for anything at all gets a word, in a line no unlikely tail */
  #threshold(ending: number): number {
    const { minConfidence, after } = this.#job.args
    const line = /^[^\n\r]*/.exec(after)?.[0] ?? ''
    if (this.#parts.frame.fillIn || line.trim() === '') return minConfidence
    if (minConfidence === 0 && ending === 0) return 0
    return minConfidence + STRICTER_IN_LINE * (1 - minConfidence)
  }
}

function endsHere({ bytes }: Opening): boolean {
  return bytes === '' || /^\s*[\n\r]/.test(utf8(bytes))
}

function firstWord(text: string): string {
  return (wordsOf(text)[0] ?? text.trim()).toLowerCase()
}
