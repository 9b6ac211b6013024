/** One answer of a column: its text or its tokens, where it parts from the others, what it took. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { LoadProgress } from '../../engine/api.ts'
import { type Lane, type LaneAnswer, lanes, origin, partingOf } from '../../state/compare.ts'
import { chatModels } from '../../state/models.ts'
import { isHidden } from '../../state/votes.ts'
import { sha256 } from '../../tasks/comparison.ts'
import type { Parting } from '../../tasks/tokens.ts'
import { text } from '../../text/index.ts'
import { Figures } from '../insight/figures.tsx'
import { Microscope } from '../insight/microscope.tsx'
import { count, percent } from '../insight/numbers.ts'
import { ShapedAnswer } from '../insight/shaped.tsx'
import { spelled } from '../insight/visible.ts'
import { Icon } from '../parts/icons.tsx'
import { Markdown } from '../parts/markdown.tsx'
import { letterOf } from './names.ts'

export function AnswerView({ lane, turn }: { lane: Lane; turn: number }) {
  const words = text.value.compare
  const showsTokens = useSignal(false)
  const answer = lane.answers.value[turn]?.value
  if (!answer) return <p class="small">{words.waiting}</p>
  const { state, text: written, steps, stats, ran, error } = answer
  const partings = partingsOf(lane, turn)
  const { format } = lane.column.value.settings
  const isFinished = state === 'done' || state === 'stopped'
  return (
    <div class="lane-answer" aria-busy={state === 'loading' || state === 'writing'}>
      <Status answer={answer} />
      {written && showsTokens.value ? (
        <Microscope steps={steps} marked={new Set(partings.map(({ parting }) => parting?.at ?? -1))} onBranch={null} />
      ) : null}
      {written && !showsTokens.value && format.type === 'text' ? <Markdown text={written} /> : null}
      {written && !showsTokens.value && format.type !== 'text' ? (
        <ShapedAnswer content={written} format={format} isFinished={isFinished} />
      ) : null}
      {state === 'stopped' ? <p class="small">{words.stopped}</p> : null}
      {error ? (
        <p class="inline-error" role="alert">
          <Icon name="alert" />
          {error}
        </p>
      ) : null}
      {isHidden.value ? null : <Partings partings={partings} />}
      {lanes.value.length === 1 && turn === 0 ? <Verdict answer={answer} /> : null}
      {steps.length > 0 && isFinished && !isHidden.value ? (
        <button
          type="button"
          class="quiet"
          aria-pressed={showsTokens.value}
          onClick={() => {
            showsTokens.value = !showsTokens.value
          }}
        >
          {words.tokens}
        </button>
      ) : null}
      {stats && ran && !isHidden.value ? (
        <Figures stats={stats} origin={{ ...ran, model_name: modelName(lane), settings: lane.column.value.settings }} />
      ) : null}
    </div>
  )
}

function modelName({ column }: Lane): string {
  const { model } = column.value
  return chatModels.value.find(({ id }) => id === model)?.name ?? model
}

function Status({ answer: { state, text: written, progress } }: { answer: LaneAnswer }) {
  const words = text.value.compare
  if (state !== 'loading' && !(state === 'writing' && written === '')) return null
  return (
    <p class="pending">
      <span class="dots" aria-hidden="true" />
      {state === 'loading' ? loadingWords(progress) : words.reading}
    </p>
  )
}

function loadingWords(progress: LoadProgress | null): string {
  if (!progress) return text.value.compare.loading
  const { phase, loadedBytes, totalBytes } = progress
  const words = text.value.loading.phases[phase]
  const share = phase === 'download' && totalBytes > 0 ? loadedBytes / totalBytes : null
  return share === null ? words : text.value.compare.loadingShare(words, count(Math.round(share * 100)))
}

interface LaneParting {
  other: Lane
  /** Null where both are the same. */
  parting: Parting | null
}

/** From the first column; the first one itself from every other. Only answers that have ended are compared. */
function partingsOf(lane: Lane, turn: number): LaneParting[] {
  const [first] = lanes.value
  const others = lane === first ? lanes.value.slice(1) : first ? [first] : []
  const isDone = (one: Lane) => one.answers.value[turn]?.value.state === 'done'
  return isDone(lane) ? others.filter(isDone).map(other => ({ other, parting: partingOf(lane, other, turn) })) : []
}

function Partings({ partings }: { partings: readonly LaneParting[] }) {
  return (
    <>
      {partings.map(({ other, parting }) => (
        <p key={other.id} class="small parting">
          <PartingWords other={letterOf(other)} parting={parting} />
        </p>
      ))}
    </>
  )
}

function PartingWords({ other, parting }: { other: string; parting: Parting | null }) {
  const words = text.value.compare
  if (!parting) return <>{words.same(other)}</>
  const { first, second, secondInFirst } = parting
  const share = (of: number | null) =>
    of === null ? words.unlisted : text.value.insight.tokens.probability(percent(of))
  const here = first ? words.partHere(spelled(first.text), share(first.probability)) : words.endHere
  const there = second ? words.partThere(other, spelled(second.text), share(secondInFirst)) : words.endThere(other)
  return (
    <>
      <strong>{words.parts(other, count(parting.at + 1))}</strong> {here}; {there}.
    </>
  )
}

/** Whether an answer that was made again is the one that it was made after. */
function Verdict({ answer }: { answer: LaneAnswer }) {
  const words = text.value.compare
  const hash = useSignal<string | null>(null)
  const { expected } = origin.value
  const ended = answer.state === 'done' ? answer.text : null
  useEffect(() => {
    let isCurrent = true
    hash.value = null
    if (ended !== null)
      void sha256(ended).then(found => {
        if (isCurrent) hash.value = found
      })
    return () => {
      isCurrent = false
    }
  }, [ended])
  if (!expected || hash.value === null || !answer.ran) return null
  const isSame = hash.value === expected.text_sha256
  return (
    <p class={`small mark ${isSame ? 'good' : 'bad'}`} role="status">
      <Icon name={isSame ? 'check' : 'alert'} />
      {isSame ? words.reproduced : words.notReproduced(expected.backend, answer.ran.backend)}
    </p>
  )
}
