/**
 * Corrects a text that is being written, sentence by sentence: what is known is told at once, what the reader sees is asked
 * about first, and a sentence that has not changed is never asked about again. One question at a time; one that the text
 * has no sentence for any more is taken back.
 */
import type { Engine, ProofreadSentence } from '../../engine/api.ts'
import { factsOf, namesAmong, ProseReader, type Sentence, type SentenceFacts } from '../../engine/client.ts'
import { breather } from './breather.ts'
import { judged } from './judge.ts'
import { allowed, fitted, fromModel } from './merge.ts'
import { repaired, repairsOf, traced } from './repair.ts'
import type { Finding, RuleChecker, RuleFinding, Source } from './types.ts'

/** A sentence of the text, [start, end), with all that was found in it. */
export interface Checked {
  start: number
  end: number
  text: string
  findings: readonly Finding[]
  /** The beginning of a list's item. */
  opensItem: boolean
}

export interface AboutText {
  names: ReadonlySet<string>
  /** How many sentences nobody is asked about, because they are too long. */
  tooLong: number
}

export interface Run {
  source: Source
  signal: AbortSignal
  /** What the reader sees now, half-open. */
  view: () => { from: number; to: number }
  /** Whether a sentence is still being written: it is left alone. */
  isOpen: (sentence: Sentence) => boolean
  /** Waits until a sentence may be asked about. */
  turn: (sentence: Sentence) => Promise<void>
  /** First of all: what is known, and the sentences whose findings are still to come. */
  onKnown: (known: readonly Checked[], waiting: readonly Sentence[], about: AboutText) => void
  onChecked: (checked: Checked) => void
  /** Sentences answered, of those that had to be asked about. */
  onProgress: (done: number, total: number) => void
}

/** Who could not answer, and why. */
export type OnTrouble = (who: 'model' | 'rules', error: unknown) => void

interface Entry {
  facts: SentenceFacts
  rules: RuleFinding[] | null
  /** By who was asked. */
  findings: Map<string, readonly Finding[]>
}

interface Ways {
  model: boolean
  rules: boolean
}

interface Asking {
  key: string
  ways: string
  stop: AbortController
  answer: Promise<readonly Finding[]>
}

const MOST_ENTRIES = 8000

export class Corrector {
  engine: Engine | null = null
  rules: RuleChecker | null = null
  readonly #onTrouble: OnTrouble
  readonly #reader = new ProseReader()
  /** Used longest ago first. */
  readonly #entries = new Map<string, Entry>()
  #asking: Asking | null = null

  constructor(onTrouble: OnTrouble) {
    this.#onTrouble = onTrouble
  }

  /** Ends with the last sentence, or when the signal aborts. Trouble is told, and who makes it is not asked again. */
  async run(text: string, run: Run): Promise<void> {
    const breathe = breather()
    const ways: Ways = {
      model: run.source !== 'rules' && this.engine !== null,
      rules: run.source !== 'model' && this.rules !== null,
    }
    const sentences = this.#reader.sentences(text)
    const isAnyone = ways.model || ways.rules
    const known: Checked[] = []
    const waiting: Sentence[] = []
    const capitals = []
    let tooLong = 0
    for (const sentence of sentences) {
      await breathe()
      if (run.signal.aborted) return
      const entry = this.#entryOf(text, sentence)
      capitals.push(...entry.facts.capitals)
      if (entry.facts.silence === 'too-long') tooLong++
      if (entry.facts.silence !== null) continue
      const findings = entry.findings.get(nameOf(ways))
      if (findings) known.push(checked(text, sentence, findings))
      else if (isAnyone && !run.isOpen(sentence)) waiting.push(sentence)
    }
    this.#forgetUnless(new Set(sentences.map(sentence => keyOf(text, sentence))))
    run.onKnown(known, waiting, { names: namesAmong(capitals), tooLong })
    await this.#askAll(text, waiting, { run, ways })
  }

  /** A sentence that is known without asking: what is left of an answered one when a correction was accepted. */
  adopt({ text, findings, opensItem }: Omit<Checked, 'start' | 'end'>, source: Source): void {
    const ways = { model: source !== 'rules' && this.engine !== null, rules: source !== 'model' && this.rules !== null }
    const parsed = this.#reader.sentences(text)
    const [only] = parsed
    if (parsed.length !== 1 || !only || only.start !== 0 || only.end !== text.length) return
    this.#entryOf(text, { ...only, opensItem }).findings.set(nameOf(ways), findings)
  }

  /** Takes the question back that is under way. */
  stop(): void {
    this.#asking?.stop.abort()
    this.#asking = null
  }

  #forgetUnless(keys: ReadonlySet<string>): void {
    if (this.#asking && !keys.has(this.#asking.key)) this.stop()
  }

  #entryOf(text: string, sentence: Sentence): Entry {
    const key = keyOf(text, sentence)
    const entry = this.#entries.get(key) ?? {
      facts: factsOf(sentence.visible, sentence.opensItem),
      ...{ rules: null, findings: new Map() },
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if (this.#entries.size > MOST_ENTRIES) this.#entries.delete(this.#entries.keys().next().value ?? '')
    return entry
  }

  async #askAll(text: string, waiting: Sentence[], { run, ways }: { run: Run; ways: Ways }): Promise<void> {
    const total = waiting.length
    const left = [...waiting]
    while (left.length > 0 && (ways.model || ways.rules)) {
      run.onProgress(total - left.length, total)
      const sentence = nextOf(left, run.view())
      await run.turn(sentence)
      if (run.signal.aborted) return
      const findings = await this.#find(text, sentence, ways)
      if (findings === 'failed')
        left.push(sentence) // those who are left may answer
      else if (findings !== 'stopped' && !run.signal.aborted) run.onChecked(checked(text, sentence, findings))
      if (run.signal.aborted) return
    }
    run.onProgress(total, total)
  }

  async #find(text: string, sentence: Sentence, ways: Ways): Promise<readonly Finding[] | 'failed' | 'stopped'> {
    const key = keyOf(text, sentence)
    const entry = this.#entryOf(text, sentence)
    const name = nameOf(ways)
    const known = entry.findings.get(name)
    if (known) return known
    if (this.#asking?.key !== key || this.#asking.ways !== name) {
      this.stop()
      const stop = new AbortController()
      const raw = text.slice(sentence.start, sentence.end)
      this.#asking = { key, ways: name, stop, answer: this.#ask({ raw, sentence, entry }, { ...ways }, stop.signal) }
    }
    const asking = this.#asking
    try {
      const findings = await asking.answer
      entry.findings.set(name, findings)
      return findings
    } catch (error) {
      if (asking.stop.signal.aborted) return 'stopped'
      if (!(error instanceof Failure)) throw error
      if (ways[error.who]) this.#onTrouble(error.who, error.cause)
      ways[error.who] = false
      return 'failed'
    } finally {
      if (this.#asking === asking) this.#asking = null
    }
  }

  async #ask(
    { raw, sentence: { visible, opensItem }, entry }: { raw: string; sentence: Sentence; entry: Entry },
    ways: Ways,
    signal: AbortSignal,
  ): Promise<readonly Finding[]> {
    const { engine, rules } = this
    const judge = ways.model ? engine : null
    const found = ways.rules && rules ? await told('rules', this.#fromRules(rules, { visible, entry })) : []
    const weighed = await told('model', judged(judge, { visible, findings: found }, signal))
    const said = judge ? await told('model', fromReader(judge, { visible, weighed, opensItem }, signal)) : []
    return [...said, ...weighed].flatMap(finding => fitted(raw, visible, finding) ?? [])
  }

  async #fromRules(rules: RuleChecker, { visible, entry }: Place): Promise<readonly RuleFinding[]> {
    entry.rules ??= allowed(visible, await rules.check(visible), entry.facts)
    return entry.rules
  }
}

interface Place {
  visible: string
  entry: Entry
}

/** What the model finds in the sentence as the rules have repaired it. */
async function fromReader(
  engine: Engine,
  { visible, weighed, opensItem }: { visible: string; weighed: readonly Finding[]; opensItem: boolean },
  signal: AbortSignal,
): Promise<Finding[]> {
  const repairs = repairsOf(weighed)
  const heard: ProofreadSentence[] = []
  const sign = opensItem ? '- ' : ''
  await engine.proofread(sign + repaired(visible, repairs), { signal, onSentence: sentence => heard.push(sentence) })
  const found = fromModel(heard.flatMap(({ corrections }) => corrections))
  return found.flatMap(({ from, to, ...finding }) => {
    const placed = { ...finding, from: from - sign.length, to: to - sign.length }
    return traced(visible, repairs, placed) ?? []
  })
}

class Failure extends Error {
  readonly who: 'model' | 'rules'

  constructor(who: 'model' | 'rules', cause: unknown) {
    super(`The ${who} could not answer.`, { cause })
    this.who = who
  }
}

async function told<T>(who: 'model' | 'rules', answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw new Failure(who, cause)
  }
}

/** Of what is left: the first that is in view, the first behind it, the first of all. */
function nextOf(left: Sentence[], { from, to }: { from: number; to: number }): Sentence {
  const inView = left.findIndex(({ start, end }) => end > from && start < to)
  const behind = inView >= 0 ? inView : left.findIndex(({ start }) => start >= to)
  const [next] = left.splice(Math.max(0, behind), 1)
  if (!next) throw new RangeError('There is no sentence left.')
  return next
}

function checked(text: string, { start, end, opensItem }: Sentence, findings: readonly Finding[]): Checked {
  return { start, end, text: text.slice(start, end), findings, opensItem }
}

function nameOf({ model, rules }: Ways): string {
  return `${model ? 'model' : ''}+${rules ? 'rules' : ''}`
}

function keyOf(text: string, { start, end, visible, opensItem }: Sentence): string {
  const raw = text.slice(start, end)
  return [raw, raw === visible ? '' : visible, opensItem ? '-' : ''].join('\u0000')
}
