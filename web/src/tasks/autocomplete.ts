/**
 * Suggestions for an editor: told of every change, it says what to show, asks the engine when a pause makes it worth
 * while, and never lets an answer appear that was asked for another text. At most one request is under way. No DOM.
 */
import type { CompleteResult, Engine, SilenceReason } from '../engine/api.ts'
import { type Answer, Answers, answerOf } from './autocomplete-answers.ts'
import { Figures } from './autocomplete-figures.ts'
import type { PhraseMemory } from './autocomplete-memory.ts'
import { type Caret, DEFAULT_SETTINGS, debounceMs, firstWordOf, REAL_CLOCK, sameCaret } from './autocomplete-policy.ts'
import { type Ask, Requests } from './autocomplete-requests.ts'
import { Showing, sameShown } from './autocomplete-showing.ts'
import type {
  Clock,
  Shown,
  Situation,
  SuggesterOptions,
  SuggesterSettings,
  SuggesterStats,
} from './autocomplete-types.ts'

export { PhraseMemory } from './autocomplete-memory.ts'
export { DEFAULT_SETTINGS } from './autocomplete-policy.ts'
export type * from './autocomplete-types.ts'

export class Suggester {
  readonly #options: SuggesterOptions
  readonly #clock: Clock
  readonly #figures = new Figures()
  readonly #requests: Requests
  readonly #answers = new Answers()
  #settings: SuggesterSettings
  #memory: PhraseMemory | null
  #situation: Situation | null = null
  #changedAt = 0
  #showing: Showing | null = null
  #silence: Shown['silentBecause'] = null
  #cancelTimer = () => {}
  #expected: string | null = null
  /** Another suggestion was asked for, and which way. */
  #turn: 1 | -1 | 0 = 0
  #told: Shown = { suggestion: null, silentBecause: null }

  constructor(engine: Pick<Engine, 'complete'>, options: SuggesterOptions) {
    this.#options = options
    this.#clock = options.clock ?? REAL_CLOCK
    this.#settings = { ...DEFAULT_SETTINGS, ...options.settings }
    this.#memory = options.memory ?? null
    this.#requests = new Requests(engine, {
      onResult: (ask, result, isLate) => this.#receive(ask, result, isLate),
      onError: (ask, error) => this.#fail(ask, error),
      onCancel: () => this.#figures.add('cancelled'),
      isWanted: ({ caret, isPrefetch }) => (isPrefetch ? this.#showing !== null : this.#isNow(caret)),
    })
  }

  get settings(): SuggesterSettings {
    return this.#settings
  }

  /** What is to be shown now. */
  get shown(): Shown {
    const suggestion = this.#showing?.suggestion ?? null
    return { suggestion, silentBecause: suggestion ? null : this.#silence }
  }

  get stats(): SuggesterStats {
    return this.#figures.get()
  }

  resetStats(): void {
    this.#figures.reset()
  }

  /** @param memory null to forget what the user often says, as far as suggestions go; absent to leave it as it is */
  configure(settings: Partial<SuggesterSettings>, memory?: PhraseMemory | null): void {
    this.#settings = { ...this.#settings, ...settings }
    if (memory !== undefined) this.#memory = memory
    this.#answers.clear()
    this.#stop()
    this.#hide(false)
    this.#silence = null
    const situation = this.#situation
    this.#situation = null
    if (situation) this.update(situation)
    else this.#tell()
  }

  /** The document as it is now: call it in the same task as the change, so that nothing stale is seen in any frame. */
  update(situation: Situation): Shown {
    const before = this.#situation
    const isSame = before !== null && sameCaret(before, situation)
    this.#turn = 0
    if (isSame && before.hasSelection === situation.hasSelection && before.isComposing === situation.isComposing)
      return this.shown
    this.#situation = situation
    this.#changedAt = this.#clock.now()
    const reason = this.#callersSilence(situation)
    if (reason !== null) this.#fallSilent(reason)
    else if (!(this.#showing && this.#typeThrough(this.#showing, situation))) this.#look(situation)
    this.#expected = null
    return this.#tell()
  }

  /**
   * Takes the suggestion, or its next word: the text to put in at the caret. The editor puts it in and calls `update`,
   * which shows the rest.
   */
  accept(part: 'all' | 'word'): string {
    const showing = this.#showing
    if (!showing) return ''
    const text = part === 'all' ? showing.text : firstWordOf(showing.text)
    this.#figures.add('savedCharacters', text.length)
    if (!showing.isTaken) this.#settle(showing, true)
    showing.isTaken = true
    const caret = this.#situation
    if (caret) {
      this.#expected = caret.before + text
      this.#memory?.learn(caret.before, text)
    }
    return text
  }

  /** Hides the suggestion until the text changes. */
  dismiss(): void {
    this.#stop()
    this.#hide(true)
    this.#silence = 'dismissed'
    this.#figures.suppressed('dismissed')
    this.#tell()
  }

  /** Asks now and for whatever there is, however unlikely: the user wants a suggestion. */
  request(): void {
    const situation = this.#situation
    if (!situation || situation.hasSelection || situation.isComposing) return
    this.#hide(false)
    this.#silence = 'pending'
    this.#ask({ caret: situation, isPrefetch: false, isExplicit: true })
    this.#tell()
  }

  /** Shows another suggestion; where only one is known, asks for more. @param by 1 for the next, -1 for the one before */
  cycle(by: 1 | -1): void {
    const [situation, showing] = [this.#situation, this.#showing]
    if (!situation || !showing) return
    if (showing.suggestion.count > 1) showing.cycle(by)
    else {
      this.#turn = by
      this.#ask({ caret: situation, isPrefetch: false, isExplicit: true })
    }
    this.#tell()
  }

  /** Ends everything; an answer that is under way is dropped. */
  dispose(): void {
    this.#stop()
    this.#hide(false)
    this.#situation = null
    this.#silence = null
  }

  #callersSilence({ hasSelection, isComposing }: Situation): SilenceReason | null {
    if (!this.#settings.enabled) return 'switched-off'
    if (isComposing) return 'composing'
    return hasSelection ? 'selection' : null
  }

  #fallSilent(reason: SilenceReason): void {
    this.#stop()
    this.#hide(true)
    this.#silence = reason
    this.#figures.suppressed(reason)
  }

  /** Letters of the suggestion were typed: it shrinks. */
  #typeThrough(showing: Showing, now: Situation): boolean {
    const before = showing.text
    const rest = showing.follow(now)
    const wasAccepted = this.#expected === now.before
    if (!rest) {
      const isWhole = rest === ''
      if (isWhole && showing.isTaken) this.#figures.add('accepted')
      else if (showing.isTaken) this.#figures.add('partlyAccepted')
      else if (!isWhole) this.#reject(showing)
      this.#showing = null
      return false
    }
    if (!wasAccepted && rest.length < before.length) this.#figures.add('typedThrough')
    return true
  }

  /** Something that is known already, or the model after a pause. */
  #look(caret: Caret): void {
    this.#cancelTimer()
    const known = this.#recall(caret) ?? this.#remember(caret)
    if (known) {
      this.#requests.cancel()
      this.#show(known, true)
      return
    }
    this.#silence = 'pending'
    if (this.#requests.promote(caret)) return
    this.#requests.cancel()
    const ask = () => this.#ask({ caret, isPrefetch: false, isExplicit: false })
    this.#cancelTimer = this.#clock.after(debounceMs(this.#requests.latencyMs), ask)
  }

  #recall(caret: Caret): { asked: Caret; answer: Answer } | null {
    const found = this.#answers.find(caret)
    if (found) this.#figures.add(found.answer.wasPrefetched ? 'prefetchHits' : 'cacheHits')
    return found
  }

  #remember(caret: Caret): { asked: Caret; answer: Answer } | null {
    const { maxWords, minConfidence } = this.#settings
    if (caret.after.trimStart() !== '') return null
    const found = this.#memory?.suggest(caret.before, maxWords === 'sentence' ? 8 : maxWords)
    if (!found || found.confidence < minConfidence) return null
    return { asked: caret, answer: { texts: [found], silentBecause: null, wasPrefetched: false } }
  }

  #show(known: { asked: Caret; answer: Answer }, wasReady: boolean): void {
    this.#showing = this.#situation && Showing.of(known, this.#situation, { wasReady })
    if (!this.#showing) {
      this.#silence = known.answer.silentBecause ?? 'empty'
      this.#figures.suppressed(this.#silence)
      return
    }
    this.#silence = null
    this.#figures.add('shown')
    const { end } = this.#showing // what comes when all of it is accepted is worked out while it is read
    if (this.#settings.prefetch && !this.#answers.has(end))
      this.#ask({ caret: end, isPrefetch: true, isExplicit: false })
  }

  #ask(ask: Ask): void {
    this.#cancelTimer()
    this.#requests.ask(ask, this.#settings)
  }

  #receive({ caret, isPrefetch, isExplicit }: Ask, result: CompleteResult, isLate: boolean): void {
    const answer = answerOf(result, isPrefetch)
    if (!isExplicit) this.#answers.set(caret, answer) // right for that text, whatever the text is now
    if (isPrefetch) return
    if (isLate || !this.#isNow(caret)) {
      this.#figures.add('dropped')
      return
    }
    const latency = this.#clock.now() - this.#changedAt
    if (this.#turn) this.#hide(false)
    this.#show({ asked: caret, answer }, false)
    if (this.#turn) this.#showing?.cycle(this.#turn)
    this.#turn = 0
    if (this.#showing && !isExplicit) this.#figures.latency(latency)
    this.#tell()
  }

  #fail({ isPrefetch }: Ask, error: unknown): void {
    if (isPrefetch) return // what is shown stays; the next key asks again
    this.#silence = null
    this.#options.onTrouble(error)
    this.#tell()
  }

  #isNow(caret: Caret): boolean {
    const situation = this.#situation
    return situation !== null && sameCaret(situation, caret) && this.#callersSilence(situation) === null
  }

  #stop(): void {
    this.#cancelTimer()
    this.#requests.cancel()
  }

  #hide(isRejected: boolean): void {
    const showing = this.#showing
    this.#showing = null
    if (!showing) return
    if (showing.isTaken) this.#figures.add('partlyAccepted')
    else if (isRejected) this.#reject(showing)
  }

  #reject(showing: Showing): void {
    this.#figures.add('rejected')
    this.#settle(showing, false)
  }

  #settle({ confidence }: Showing, isAccepted: boolean): void {
    this.#figures.outcome(confidence, isAccepted)
  }

  #tell(): Shown {
    const shown = this.shown
    const isSame = sameShown(shown, this.#told)
    this.#told = shown
    if (!isSame) this.#options.onChange(shown)
    return shown
  }
}
