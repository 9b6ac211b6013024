/**
 * Between the editor and the corrector: when a text is looked at, which sentence is still being written, what of the findings
 * is shown, and how far the work is. Typing never waits for any of it.
 */
import { computed, effect, signal, untracked } from '@preact/signals'
import type { Sentence } from '../../engine/client.ts'
import { type Checked, Corrector } from '../../tasks/grammar/corrector.ts'
import { dismissalKey, dismissalOf, kindKey, shownOf, type Wishes } from '../../tasks/grammar/shown.ts'
import type { Finding } from '../../tasks/grammar/types.ts'
import { Helpers, type HelpersOptions } from './helpers.ts'
import { Pace } from './pace.ts'
import { addWord, changeGrammar, dismiss, grammar, neverAgain } from './settings.ts'

/** A finding where it stands in the text, half-open. */
export interface Placed {
  from: number
  to: number
  original: string
  finding: Finding
  /** The sentence that it was found in. */
  checked: Checked
}

/** A placed finding that the editor keeps in its place while the text changes. */
export interface Mark extends Placed {
  id: number
}

export interface Range {
  from: number
  to: number
}

/** The editor, as far as marks go. */
export interface MarkPlace {
  readonly text: string
  /** Of the text, in UTF-16 code units. */
  readonly length: number
  /** The last few characters before a place. */
  before(place: number): string
  /** Null while nobody writes there. */
  readonly caret: number | null
  readonly view: Range
  /** These marks, and those that stand now in `kept`. */
  setAll(found: readonly Placed[], kept: readonly Range[]): void
  /** These marks in place of those within the range. */
  setIn(range: Range, found: readonly Placed[]): void
}

export interface Progress {
  done: number
  total: number
}

export interface CheckerOptions extends HelpersOptions {
  /** Whether something that the user waits for has the processor. */
  isBusy?: () => boolean
}

export class Checker {
  readonly helpers: Helpers
  readonly marks = signal<readonly Mark[]>([])
  /** The mark that is looked at. */
  readonly active = signal<number | null>(null)
  /** Null while nothing is waited for. */
  readonly progress = signal<Progress | null>(null)
  /** Stopped by the user, until the text changes. */
  readonly isStopped = signal(false)
  readonly names = signal<readonly string[]>([])
  /** Sentences that are too long for anybody to check. */
  readonly tooLong = signal(0)
  readonly activeMark = computed(() => this.marks.value.find(({ id }) => id === this.active.value) ?? null)
  readonly #corrector: Corrector
  readonly #pace: Pace
  #place: MarkPlace | null = null
  #run: AbortController | null = null
  #version = 0

  constructor({ isBusy = () => false, ...options }: CheckerOptions = {}) {
    this.helpers = new Helpers(options)
    this.#corrector = new Corrector((who, error) => this.helpers.failed(who, error))
    this.#pace = new Pace(() => void this.#look(), isBusy)
  }

  /** Follows the helpers and the user's settings; the returned function ends that. */
  start(place: MarkPlace): () => void {
    this.#place = place
    const stops = [
      this.helpers.start(),
      effect(() => {
        const [engine, rules] = [this.helpers.engine.value, this.helpers.rules.value]
        void grammar.value // read: what is shown depends on all of it
        untracked(() => {
          if (this.#corrector.engine !== engine) this.#corrector.stop()
          Object.assign(this.#corrector, { engine, rules })
          this.#pace.soon()
        })
      }),
    ]
    return () => {
      for (const stop of stops) stop()
      this.#pace.stop()
      this.#run?.abort()
      this.#corrector.stop()
      this.#place = null
    }
  }

  /** The text has changed; `byUser`: at the caret, by a key. */
  changed({ byUser }: { byUser: boolean }): void {
    this.#version++
    this.isStopped.value = false
    const place = this.#place
    if (!place) return
    const caret = byUser ? place.caret : null
    this.#pace.changed(caret, { before: caret === null ? '' : place.before(caret), length: place.length })
  }

  /** The caret has moved, or the focus has gone, without a change. */
  moved(): void {
    this.#pace.moved(this.#place?.caret ?? null)
  }

  /** Another text: nothing of the last one holds. */
  opened(): void {
    this.#version++
    this.active.value = null
    this.isStopped.value = false
    this.#place?.setAll([], [])
    this.#pace.moved(null)
    this.#pace.soon()
  }

  /** No more work on this text until it changes. */
  cancel(): void {
    this.isStopped.value = true
    this.#run?.abort()
    this.#corrector.stop()
    this.progress.value = null
  }

  resume(): void {
    this.isStopped.value = false
    this.#pace.soon()
  }

  /** Least confidence of the model's corrections as it stands now, in nats. */
  get threshold(): number {
    return grammar.value.threshold ?? this.helpers.engine.value?.info.proofreading.threshold ?? USUAL_THRESHOLD
  }

  toggle(): void {
    changeGrammar({ enabled: !grammar.peek().enabled })
  }

  /** Before the editor puts a correction in: the sentence's other findings hold for what it becomes. */
  accepting({ finding, checked: { text, findings, opensItem } }: Placed, replacement: string): void {
    const { from, to } = finding
    const shift = replacement.length - (to - from)
    const left = findings
      .filter(other => other !== finding && (other.to <= from || other.from >= to))
      .map(other => (other.from >= to ? { ...other, from: other.from + shift, to: other.to + shift } : other))
    const sentence = text.slice(0, from) + replacement + text.slice(to)
    // With nothing left to show the sentence is asked about anew: what an error hid may be seen now.
    if (shownOf(sentence, left, this.#wishes(new Set())).length > 0)
      this.#corrector.adopt({ text: sentence, findings: left, opensItem }, grammar.peek().source)
  }

  dismiss({ finding, checked }: Placed): void {
    dismiss(dismissalOf(checked.text, finding))
  }

  addWord({ original }: Placed): boolean {
    return addWord(original.trim())
  }

  never({ finding }: Placed): void {
    neverAgain(kindKey(finding))
  }

  #wishes(names: ReadonlySet<string>): Wishes {
    const { source, dictionary, never, dismissed } = grammar.peek()
    return {
      source,
      threshold: this.threshold,
      margins: this.helpers.engine.peek()?.info.proofreading.margins ?? {},
      keep: new Set([...names, ...dictionary].map(word => word.toLowerCase())),
      never: new Set(never),
      dismissed: new Set(dismissed.map(dismissalKey)),
    }
  }

  /** Reads the text and has what is new in it checked. An older look ends. */
  async #look(): Promise<void> {
    this.#run?.abort()
    const [place, run] = [this.#place, new AbortController()]
    this.#run = run
    if (!place) return
    if (!grammar.peek().enabled) {
      place.setAll([], [])
      this.progress.value = null
      this.#corrector.stop()
      return
    }
    const { text } = place
    if (/\p{L}/u.test(text)) this.helpers.wanted.value = true
    const version = this.#version
    const isCurrent = () => !run.signal.aborted && this.#version === version
    let wishes = this.#wishes(new Set())
    this.#pace.looked()
    await this.#corrector.run(text, {
      source: grammar.peek().source,
      signal: run.signal,
      view: () => place.view,
      isOpen: sentence => this.#pace.isOpen(text, sentence),
      turn: sentence => this.#turn(sentence, run.signal),
      onKnown: (known, waiting, { names, tooLong }) => {
        wishes = this.#wishes(names)
        if (!isCurrent()) return
        this.names.value = [...names].sort()
        this.tooLong.value = tooLong
        place.setAll(
          known.flatMap(checked => placed(checked, wishes)),
          waiting.map(({ start, end }) => ({ from: start, to: end })),
        )
      },
      onChecked: checked => {
        const found = placed(checked, wishes).filter(one => !this.#pace.isUnfinished(text, one)) // known once the caret leaves
        if (isCurrent()) place.setIn({ from: checked.start, to: checked.end }, found)
        else if (this.#version !== version) this.#pace.soon()
      },
      onProgress: (done, total) => {
        if (!run.signal.aborted) this.progress.value = done < total ? { done, total } : null
      },
    })
  }

  async #turn(sentence: Sentence, signal: AbortSignal): Promise<void> {
    if (this.isStopped.peek()) {
      this.#run?.abort()
      this.progress.value = null
      return
    }
    const caret = this.#place?.caret ?? null
    const isNear = caret !== null && sentence.start - NEAR < caret && caret < sentence.end + NEAR
    if (!isNear) await this.#pace.quiet(signal)
  }
}

/** Where no model says. */
const USUAL_THRESHOLD = 2
/** Characters around the caret within which a sentence is not made to wait for a pause. */
const NEAR = 400

function placed(checked: Checked, wishes: Wishes): Placed[] {
  return shownOf(checked.text, checked.findings, wishes).map(finding => ({
    from: checked.start + finding.from,
    to: checked.start + finding.to,
    original: checked.text.slice(finding.from, finding.to),
    ...{ finding, checked },
  }))
}
