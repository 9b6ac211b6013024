/** Compares models, ways to run them and settings on the same prompt; with one column it makes an answer again. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import {
  ask,
  currentComparison,
  hasOpen,
  isRunning,
  laneOf,
  lanes,
  leave,
  newColumn,
  openEncoded,
  origin,
  prompts,
  round,
  run,
  stop,
} from '../../state/compare.ts'
import { chatSettings, controlledModel } from '../../state/controls.ts'
import { chatModels } from '../../state/models.ts'
import { go, route } from '../../state/route.ts'
import { site } from '../../state/site.ts'
import { isHidden, keepVotes } from '../../state/votes.ts'
import { findOut, modelFacts, wayOf } from '../../state/ways.ts'
import { linkOf } from '../../tasks/comparison.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { LoadPanel, needsUser } from '../parts/loading.tsx'
import { Ballot } from './ballot.tsx'
import { LaneView } from './lane.tsx'
import { letterOf } from './names.ts'
import { saveComparison } from './report.ts'
import { Toolbar } from './toolbar.tsx'
import '../css/compare.css'

export function ComparePage() {
  const words = text.value.compare
  const badLink = useSignal(false)
  const tooLong = useSignal(false)
  const wide = useSignal<number | null>(null)
  useEffect(keepVotes, [])
  useEffect(() => () => void leave(), [])
  useAddress(badLink, tooLong)
  useSignalEffect(() => {
    for (const model of chatModels.value) void findOut(model)
    const model = controlledModel.value || chatModels.value[0]?.id
    const facts = model ? modelFacts.value.get(model) : undefined
    if (lanes.peek().length > 0 || !model || !facts || route.value.rest !== '') return
    const column = { ...newColumn(model), settings: chatSettings.peek() }
    const usable = facts.ways.filter(({ obstacle, isEmulated }) => obstacle === null && !isEmulated)
    // Who puts several models into a site wants them side by side.
    const other = site.value ? chatModels.value.find(({ id }) => id !== model) : undefined
    const way = other ? { model: other.id } : usable[1] && wayOf(usable[1])
    lanes.value = [column, { ...column, ...way }].map(laneOf)
  })
  const isAlone = lanes.value.length === 1
  return (
    <div class="compare page" data-rest-focus tabIndex={-1}>
      <header class="compare-head">
        <div>
          <h2>{isAlone ? words.reproduceTitle : words.title}</h2>
          <p class="small">{isAlone ? words.reproduceLead : words.lead}</p>
        </div>
        <Toolbar />
        {tooLong.value && !isHidden.value ? (
          <p class="compare-long small">
            {words.tooLong}{' '}
            <button type="button" class="quiet" onClick={saveComparison}>
              {words.exportJson}
            </button>
          </p>
        ) : null}
      </header>
      {badLink.value ? (
        <p class="inline-error" role="alert">
          <Icon name="alert" />
          {words.badLink}
        </p>
      ) : null}
      {lanes.value.length > 0 ? <Lanes wide={wide} /> : needsUser.value ? <LoadPanel /> : null}
      <div class="compare-dock">
        {round.value && !isRunning.value && !hasOpen.value && prompts.value.length > 0 ? <Ballot /> : null}
        {hasOpen.value && !isRunning.value ? (
          <button type="button" class="primary" onClick={() => void announced(run())}>
            {words.rerun}
          </button>
        ) : null}
        <PromptBox />
      </div>
    </div>
  )
}

/** Opens what the address says, and keeps the address saying what is on the page. */
function useAddress(badLink: Signal<boolean>, tooLong: Signal<boolean>): void {
  const written = useRef('')
  const latest = useRef(0)
  useSignalEffect(() => {
    const { page, rest } = route.value
    if (page !== 'compare' || rest === written.current) return
    written.current = rest
    if (rest === '') return
    const turn = ++latest.current
    void openEncoded(rest, () => turn === latest.current).then(isKnown => {
      if (turn !== latest.current) return // another one was asked for meanwhile
      badLink.value = !isKnown
      if (!isKnown && route.peek().page === 'compare') go('compare', '', { replace: true })
    })
  })
  useSignalEffect(() => {
    const comparison = currentComparison()
    if (lanes.value.length === 0 || isHidden.value) return // an address would tell which column is which
    let isCurrent = true
    void linkOf(comparison).then(link => {
      if (!isCurrent || route.peek().page !== 'compare') return
      const rest = link ?? ''
      tooLong.value = link === null
      written.current = rest
      if (rest !== route.peek().rest) go('compare', rest, { replace: true })
    })
    return () => {
      isCurrent = false
    }
  })
}

function Lanes({ wide }: { wide: Signal<number | null> }) {
  const words = text.value.compare
  const { before } = origin.value
  return (
    <>
      <nav class="lane-tabs" aria-label={words.lanes}>
        {lanes.value.map(lane => (
          <a
            key={lane.id}
            href={`#lane-${lane.id}`}
            onClick={event => {
              event.preventDefault() // the address is the comparison's
              document.getElementById(`lane-${lane.id}`)?.scrollIntoView({ inline: 'start', block: 'nearest' })
            }}
          >
            {letterOf(lane)}
          </a>
        ))}
      </nav>
      {before.length > 0 ? (
        <details class="before">
          <summary>{words.before(before.length)}</summary>
          <ol>
            {before.map(({ role, content }, index) => (
              <li key={index}>
                <strong>{role === 'user' ? words.you : words.answer}</strong> {content}
              </li>
            ))}
          </ol>
        </details>
      ) : null}
      <div class="lanes" data-count={lanes.value.length}>
        {lanes.value.map(lane => (
          <LaneView key={lane.id} lane={lane} wide={wide} />
        ))}
      </div>
    </>
  )
}

/** Tells screen readers when all have answered. */
async function announced(work: Promise<void>): Promise<void> {
  await work
  if (!hasOpen.peek()) announcement.value = text.peek().compare.finished
}

function PromptBox() {
  const words = text.value.compare
  const draft = useSignal('')
  const label = prompts.value.length === 0 ? words.prompt : words.followUp
  const send = () => {
    const prompt = draft.value.trim()
    if (prompt === '' || isRunning.value || lanes.value.length === 0) return
    draft.value = ''
    void announced(ask(prompt))
  }
  return (
    <form
      class="composer"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
    >
      <label for="compare-prompt" class="visually-hidden">
        {label}
      </label>
      <textarea
        id="compare-prompt"
        rows={2}
        placeholder={label}
        value={draft.value}
        onInput={event => {
          draft.value = event.currentTarget.value
        }}
        onKeyDown={event => {
          if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return
          event.preventDefault()
          send()
        }}
      />
      {isRunning.value ? (
        <button type="button" class="round stop" aria-label={words.stop} title={words.stop} onClick={stop}>
          <Icon name="stop" />
        </button>
      ) : (
        <button
          type="submit"
          class="round"
          aria-label={words.send}
          title={words.send}
          disabled={draft.value.trim() === '' || lanes.value.length === 0}
        >
          <Icon name="send" />
        </button>
      )}
    </form>
  )
}
