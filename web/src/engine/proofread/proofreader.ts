/**
 * Proofreading as the page sees it: sentence by sentence through the model, the answers as edits of the text. An answer is
 * kept by its sentence, so that of a text that is being written only what changed is asked about again.
 */
import type { EngineInfo, Stats, TokenCount } from '../api.ts'
import { aborted } from '../link.ts'
import type { TextSource } from '../openai-text.ts'
import type { CountArgs, ScoreArgs } from '../protocol.ts'
import { wrong } from '../wrong.ts'
import { type Change, changesBetween } from './align.ts'
import { straightened } from './circle.ts'
import { classify } from './classify.ts'
import { asItem, capitalsOf, changeGuard, type Lexicon, namesAmong, silence, wholeGuard } from './guard.ts'
import { applied, editOf } from './place.ts'
import { lockQuotations } from './quotations.ts'
import { type Sentence, sentencesOf } from './segment.ts'
import type { GuardReason, ProofreadOptions, ProofreadResult, ProofreadSentence, SentenceCorrection } from './types.ts'
import { shownPlaces, shownText, type Word, wordsOf } from './words.ts'

export interface ProofreaderParts {
  readonly info: EngineInfo
  source: TextSource
  count: (args: CountArgs) => Promise<TokenCount>
  score: (args: ScoreArgs, signal: AbortSignal | undefined) => Promise<number[]>
}

interface Parsed {
  sentence: Sentence
  words: readonly Word[]
}

/** What the model said of one sentence. */
interface Verdict {
  changes: readonly Change[]
  /** Of each change. */
  gains: readonly number[]
  guardedBecause: GuardReason | null
  /** Of the answer; null where none was asked for. */
  stats: Stats | null
}

/** The task's name in manifests. */
const TASK = 'grammar'
const MOST_KEPT = 4000
/** Tokens of an answer: the sentence's, and what corrections may add. */
const ANSWER = { perToken: 1.3, more: 10 }
/** Room for what a chat template puts around a sentence. */
const TEMPLATE_TOKENS = 128
/** A page that waits longer for its own turn is felt. */
const LONGEST_TASK_MS = 8

export class Proofreader {
  readonly #parts: ProofreaderParts
  /** By what the model is shown, used longest ago first. */
  readonly #verdicts = new Map<string, Verdict>()

  constructor(parts: ProofreaderParts) {
    this.#parts = parts
  }

  /** @throws EngineError as the engine's own runs, 'bad-request' for wrong options; an AbortError */
  async proofread(text: string, options: ProofreadOptions = {}): Promise<ProofreadResult> {
    const { threshold: usual, margins } = this.#parts.info.proofreading
    const threshold = checked(text, options) ?? usual
    const { signal, onSentence, keep = [], startAt = 0 } = options
    if (signal?.aborted) throw aborted(signal.reason)
    const breathe = breather()
    const parsed: Parsed[] = []
    for (const sentence of sentencesOf(text)) {
      const { start, end, visible } = sentence
      parsed.push({ sentence, words: lockQuotations(wordsOf(text.slice(start, end), start, visible)) })
      await breathe()
    }
    const lowered = (words: Iterable<string>) => new Set(Array.from(words, word => word.toLowerCase()))
    const names = namesAmong(parsed.flatMap(({ words }) => capitalsOf(words)))
    const lexicon: Lexicon = { names: lowered(names), keep: lowered(keep) }
    const found = new Map<number, SentenceCorrection[]>()
    const behind = parsed.filter(({ sentence }) => sentence.end > startAt)
    for (const part of [...behind, ...parsed.filter(({ sentence }) => sentence.end <= startAt)]) {
      await breathe()
      if (signal?.aborted) throw aborted(signal.reason)
      const reason = silence(part.words)
      if (reason === 'no-words') continue
      const known = this.#known(part)
      const verdict = reason ? refused(reason) : (known ?? (await this.#ask(part, options)))
      const result = sentenceOf(text, part, { verdict, lexicon, threshold, margins, cached: known !== null })
      found.set(
        part.sentence.start,
        result.corrections.filter(({ guardedBecause }) => !guardedBecause),
      )
      onSentence?.(result)
    }
    const corrections = [...found].sort(([a], [b]) => a - b).flatMap(([, some]) => some.map(publicPart))
    const edits = corrections.map(({ startIndex: start, endIndex: end, correction }) => ({
      start,
      end,
      text: correction,
    }))
    return { correctedInput: applied(text, edits), corrections }
  }

  #known(part: Parsed): Verdict | null {
    const key = keyOf(part)
    const verdict = this.#verdicts.get(key)
    if (!verdict) return null
    this.#verdicts.delete(key)
    this.#verdicts.set(key, verdict)
    return verdict
  }

  async #ask(part: Parsed, options: ProofreadOptions): Promise<Verdict> {
    const verdict = await this.#judge(part, options)
    if (this.#verdicts.size >= MOST_KEPT) this.#verdicts.delete(this.#verdicts.keys().next().value ?? '')
    this.#verdicts.set(keyOf(part), verdict)
    return verdict
  }

  async #judge({ sentence: { opensItem }, words: sentence }: Parsed, options: ProofreadOptions): Promise<Verdict> {
    const text = shownText(sentence)
    const { tokens, contextLength } = await this.#parts.count({
      prompt: { kind: 'text', text },
      ...{ maxTokens: null, constraint: null },
    })
    const maxTokens = Math.ceil(ANSWER.perToken * tokens) + ANSWER.more
    if (tokens + maxTokens + TEMPLATE_TOKENS > contextLength) return refused('too-long')
    const { said, cutOff, stats } = await this.#answer(text, maxTokens, options)
    const heard = opensItem ? asItem(sentence, wordsOf(said)) : wordsOf(said)
    const straight = cutOff ? straightened(sentence, heard) : null
    const answer = straight ?? heard
    const changes = changesBetween(sentence, answer)
    const guarded = wholeGuard({ sentence, answer, changes, cutOff: cutOff && straight === null })
    if (guarded || !changes || changes.length === 0) return { changes: [], gains: [], guardedBecause: guarded, stats }
    return { changes, gains: await this.#gains(sentence, changes, options), guardedBecause: null, stats }
  }

  /** The model's answer: greedy, with the sentence itself as the guess. */
  async #answer(text: string, maxTokens: number, { signal, priority = 'background' }: ProofreadOptions) {
    const run = this.#parts.source(
      {
        prompt: { kind: 'task', task: TASK, text },
        sampling: { ...GREEDY, max_tokens: maxTokens },
        ...{ stop: ['\n'], priority, contextPolicy: 'error', topLogprobs: null, constraint: null, resume: [] },
        speculation: { draft: text },
      },
      signal ? { signal } : {},
    )
    run.result.catch(() => {}) // awaited below
    let said = ''
    for await (const event of run.events) said += event.text
    const { finishReason, stats } = await run.result
    if (signal?.aborted) throw aborted(signal.reason)
    return { said, cutOff: finishReason === 'length', stats }
  }

  /**
   * What each change gains: the answer against the answer without it. Where changes hang together, none of them is worth
   * more than all are against the sentence as it was; those that lose are not counted there.
   */
  async #gains(sentence: readonly Word[], changes: readonly Change[], options: ProofreadOptions): Promise<number[]> {
    const { signal, priority = 'background' } = options
    const text = shownText(sentence)
    const places = shownPlaces(sentence)
    const edits = changes.map(change => editOf(text, places, change))
    const without =
      changes.length > 1
        ? edits.map(left =>
            applied(
              text,
              edits.filter(edit => edit !== left),
            ),
          )
        : []
    const continuations = [applied(text, edits), text, ...without]
    const prompt = { kind: 'task', task: TASK, text } as const
    const [whole = 0, copy = 0, ...others] = await this.#parts.score(
      { prompt, continuations, withEnd: true, differences: true, priority },
      signal,
    )
    const all = whole - copy
    if (changes.length === 1) return [all]
    const alone = others.map(other => whole - other)
    const lost = alone.reduce((sum, gain) => sum + Math.min(0, gain), 0)
    return alone.map(gain => Math.min(gain, all - lost + Math.min(0, gain)))
  }
}

const GREEDY = {
  ...{ temperature: 0, top_p: 1, top_k: 0, min_p: 0, repetition_penalty: 1, seed: 0 },
} as const

function refused(guardedBecause: GuardReason): Verdict {
  return { changes: [], gains: [], guardedBecause, stats: null }
}

function keyOf({ sentence: { opensItem }, words }: Parsed): string {
  const said = words.map(({ shown, spaced }) => (spaced ? ` ${shown}` : shown)).join('\u0001')
  return opensItem ? `- ${said}` : said
}

interface Judged {
  verdict: Verdict
  lexicon: Lexicon
  threshold: number
  /** Nats beyond the threshold, by kind of edit. */
  margins: Readonly<Record<string, number>>
  cached: boolean
}

function sentenceOf(
  text: string,
  { sentence: { start, end, complete }, words }: Parsed,
  { verdict, lexicon, threshold, margins, cached }: Judged,
): ProofreadSentence {
  const isCurly = text.slice(start, end).includes('’')
  const corrections = verdict.changes.map((change, index): SentenceCorrection => {
    const edit = editOf(text, words, change)
    const before = words.slice(change.from, change.to).map(({ shown }) => shown)
    const after = change.words.map(({ shown }) => shown)
    const confidence = verdict.gains[index] ?? 0
    const finding = classify(before, after, words[change.from - 1]?.shown ?? '')
    const least = threshold + Math.max(...finding.types.map(type => margins[type] ?? 0))
    const guard = changeGuard(words, change, lexicon) ?? (confidence >= least ? null : 'low-confidence')
    return {
      startIndex: edit.start,
      endIndex: edit.end,
      correction: isCurly ? edit.text.replaceAll("'", '’') : edit.text,
      ...finding,
      confidence,
      ...(guard ? { guardedBecause: guard } : {}),
    }
  })
  const guarded = verdict.guardedBecause ? { guardedBecause: verdict.guardedBecause } : {}
  return {
    startIndex: start,
    endIndex: end,
    text: text.slice(start, end),
    complete,
    corrections,
    ...guarded,
    cached,
    stats: cached ? null : verdict.stats,
  }
}

function publicPart({ startIndex, endIndex, correction, types, explanation }: SentenceCorrection) {
  return { startIndex, endIndex, correction, types, explanation }
}

/** Lets the page have its turn where much was done without a pause. */
function breather(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < LONGEST_TASK_MS) return
    await new Promise(resolve => setTimeout(resolve))
    last = performance.now()
  }
}

/** @throws EngineError 'bad-request', naming the field */
function checked(text: unknown, options: ProofreadOptions): number | undefined {
  if (typeof text !== 'string') throw wrong('text', 'a text', text)
  const { threshold, keep, startAt } = options
  if (threshold !== undefined && (typeof threshold !== 'number' || Number.isNaN(threshold)))
    throw wrong('threshold', 'a number', threshold)
  if (keep !== undefined && !(Array.isArray(keep) && keep.every(word => typeof word === 'string')))
    throw wrong('keep', 'a list of words', keep)
  if (startAt !== undefined && !(Number.isInteger(startAt) && startAt >= 0))
    throw wrong('startAt', 'a whole number of at least 0', startAt)
  return threshold
}
