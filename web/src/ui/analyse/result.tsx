/** What came out, as marks in the text itself and as a list with shares; never by colour alone. */
import { type Result, source } from '../../state/analyse.ts'
import type { EntityKind, NamedEntity } from '../../tasks/analyse/entities.ts'
import type { Classes, Tagged } from '../../tasks/analyse/made-for.ts'
import type { Answer } from '../../tasks/analyse/question.ts'
import type { Span } from '../../tasks/analyse/sentences.ts'
import type { Feeling, Sentiment } from '../../tasks/analyse/sentiment.ts'
import type { CheckedSentence } from '../../tasks/analyse/summary.ts'
import { language, text } from '../../text/index.ts'
import { CopyButton } from '../parts/copy.tsx'

const SENTIMENTS: readonly Sentiment[] = ['positive', 'neutral', 'negative']
const SHOWN_EVIDENCE = 3
/** A quotation with less than this is not marked in the text. */
const LEAST_SHARE = 0.05

export function ResultView({ result }: { result: Result }) {
  const words = text.value.analyse
  return (
    <div class="analyse-result">
      {result.text === source.value ? null : <p class="small">{words.stale}</p>}
      <Body result={result} />
      <p class="small">{words.by(result.model)}</p>
      <CopyButton text={JSON.stringify(result, null, 2)} label={words.copy} />
    </div>
  )
}

function Body({ result }: { result: Result }) {
  switch (result.kind) {
    case 'sentiment':
      if ('classes' in result) return <Classed classes={result.classes} of={result.text} />
      return <Felt feeling={result.feeling} of={result.text} />
    case 'names':
      if ('tagged' in result) return <TaggedText tagged={result.tagged} of={result.text} />
      return <Names entities={result.entities} of={result.text} />
    case 'question':
      return <Answered answer={result.answer} of={result.text} />
    case 'summary':
      return <Checked checked={result.checked} />
    case 'translation':
      return <p class="analyse-written">{result.translation}</p>
  }
}

function Felt({ feeling, of }: { feeling: Feeling; of: string }) {
  const words = text.value.analyse
  if (feeling.sentences.length === 0) return <p>{words.none}</p>
  const marks = feeling.sentences.map(({ start, end, sentiment, shares }) => ({
    ...{ start, end, kind: sentiment },
    label: `${words.sentiments[sentiment]}, ${words.sure(percent(shares[sentiment]))}`,
  }))
  return (
    <>
      <h3>
        {words.whole}: {words.sentiments[feeling.sentiment]}
      </h3>
      <table class="shares">
        <tbody>
          {SENTIMENTS.map(name => (
            <Share key={name} kind={name} name={words.sentiments[name]} share={feeling.shares[name]} />
          ))}
        </tbody>
      </table>
      <Marked of={of} marks={marks} />
    </>
  )
}

/** With the labels as the model has them: what they mean is its own affair. */
function Classed({ classes: { sentences, labels }, of }: { classes: Classes; of: string }) {
  const words = text.value.analyse
  const [best] = labels
  if (!best) return <p>{words.none}</p>
  const marks = sentences.flatMap(({ start, end, labels: [first] }) =>
    first
      ? [{ start, end, kind: shadeOf(first.label), label: `${first.label}, ${words.sure(percent(first.score))}` }]
      : [],
  )
  return (
    <>
      <h3>
        {words.whole}: {best.label}
      </h3>
      <table class="shares">
        <tbody>
          {labels.map(({ label, score }) => (
            <Share key={label} kind={shadeOf(label)} name={label} share={score} />
          ))}
        </tbody>
      </table>
      <Marked of={of} marks={marks} />
    </>
  )
}

function TaggedText({ tagged, of }: { tagged: readonly Tagged[]; of: string }) {
  const words = text.value.analyse
  if (tagged.length === 0) return <p>{words.none}</p>
  const marks = tagged.map(({ start, end, label, score }) => ({
    ...{ start, end, kind: shadeOf(label) },
    label: `${label}, ${words.sure(percent(score))}`,
  }))
  return <Marked of={of} marks={marks} />
}

/** Usual names of labels, for their colours; others have the common one. */
const SHADES: readonly (readonly [RegExp, Sentiment | EntityKind])[] = [
  [/^pos/i, 'positive'],
  [/^neg/i, 'negative'],
  [/^neu/i, 'neutral'],
  [/^per/i, 'person'],
  [/^org/i, 'organisation'],
  [/^(loc|gpe|place)/i, 'place'],
  [/^(date|time)/i, 'date'],
]

function shadeOf(label: string): string {
  return SHADES.find(([pattern]) => pattern.test(label))?.[1] ?? 'other'
}

function Names({ entities, of }: { entities: readonly NamedEntity[]; of: string }) {
  const words = text.value.analyse
  if (entities.length === 0) return <p>{words.none}</p>
  const marks = entities.map(({ start, end, kind, share }) => ({
    ...{ start, end, kind },
    label: share < 1 ? `${words.entityKinds[kind]}, ${words.sure(percent(share))}` : words.entityKinds[kind],
  }))
  return <Marked of={of} marks={marks} />
}

function Answered({ answer, of }: { answer: Answer; of: string }) {
  const words = text.value.analyse
  const [first] = answer.quotations
  if (!first) return <p>{words.none}</p>
  const marks = answer.quotations
    .filter(({ share }, index) => index === 0 || share >= LEAST_SHARE)
    .map(({ start, end, share }, index) => ({
      ...{ start, end, kind: index === 0 ? 'answer' : 'other' },
      label: percent(share),
    }))
    .sort((a, b) => a.start - b.start)
  return (
    <>
      <p class="analyse-answer">“{first.text}”</p>
      <table class="shares">
        <caption>{words.answers}</caption>
        <tbody>
          {answer.quotations.map(({ start, text: quoted, share }) => (
            <Share key={start} kind="answer" name={quoted} share={share} />
          ))}
        </tbody>
      </table>
      <h3>{words.evidence}</h3>
      <ol class="evidence">
        {answer.evidence.slice(0, SHOWN_EVIDENCE).map(({ start, text: quoted }) => (
          <li key={start}>{quoted}</li>
        ))}
      </ol>
      <Marked of={of} marks={marks} />
    </>
  )
}

function Checked({ checked }: { checked: readonly CheckedSentence[] }) {
  const words = text.value.analyse
  if (checked.length === 0) return <p>{words.none}</p>
  return (
    <ul class="checked">
      {checked.map(sentence => (
        <li key={sentence.start}>
          <p class="analyse-written">{sentence.text}</p>
          {sentence.unknown.length > 0 ? <p class="warn">{words.unknown(sentence.unknown.join(', '))}</p> : null}
          <details>
            <summary>{words.supported(percent(sentence.support))}</summary>
            {sentence.source ? <blockquote>{sentence.source.text}</blockquote> : null}
          </details>
        </li>
      ))}
    </ul>
  )
}

function Share({ kind, name, share }: { kind: string; name: string; share: number }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <span class="share-bar" data-kind={kind} style={{ inlineSize: `${100 * share}%` }} aria-hidden="true" />
      </td>
      <td>{percent(share)}</td>
    </tr>
  )
}

interface Mark extends Omit<Span, 'text'> {
  kind: string
  /** Said behind what is marked. */
  label: string
}

/** The text with its marks, in order and without overlaps. */
function Marked({ of, marks }: { of: string; marks: readonly Mark[] }) {
  const parts = []
  let at = 0
  for (const { start, end, kind, label } of marks) {
    if (start < at) continue
    parts.push(of.slice(at, start))
    parts.push(
      <mark key={start} data-kind={kind}>
        {of.slice(start, end)}
        <small> {label}</small>
      </mark>,
    )
    at = end
  }
  return (
    <p class="marked">
      {parts}
      {of.slice(at)}
    </p>
  )
}

function percent(share: number): string {
  return share.toLocaleString(language.value, { style: 'percent', maximumFractionDigits: 0 })
}
