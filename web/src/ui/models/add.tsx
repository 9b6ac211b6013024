/** Adding a model: by its address or hub id, the server fetches it; or from the user's own files. */
import { type Signal, useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { lookUp, type Offer, offerBytes, type Part, startDownload } from '../../state/downloads.ts'
import { choiceOf, deviceFacts } from '../../state/fit.ts'
import { inWords } from '../../state/in-words.ts'
import { modelList } from '../../state/models.ts'
import { settings } from '../../state/settings.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'
import { Verdict } from './card.tsx'
import { OwnFiles } from './own.tsx'

export function Add() {
  const words = text.value.models
  const offer = useSignal<Offer | null>(null)
  const failed = useSignal('')
  return (
    <section class="panel" aria-label={words.add}>
      <h3>{words.add}</h3>
      <LookUp offer={offer} failed={failed} />
      {failed.value ? (
        <p class="small bad" role="alert">
          {failed.value}
        </p>
      ) : null}
      {offer.value ? <Choose key={offer.value.url} offer={offer.value} shown={offer} failed={failed} /> : null}
      <OwnFiles />
    </section>
  )
}

/** Without a server: the browser keeps what the user has. */
export function AddHere() {
  const words = text.value.models
  return (
    <section class="panel" aria-label={words.add}>
      <h3>{words.add}</h3>
      <OwnFiles />
    </section>
  )
}

function LookUp({ offer, failed }: { offer: Signal<Offer | null>; failed: Signal<string> }) {
  const words = text.value.models
  const source = useSignal('')
  const looking = useSignal(false)
  const latest = useRef<AbortController | null>(null)
  const look = async () => {
    latest.current?.abort()
    latest.current = new AbortController()
    const { signal } = latest.current
    failed.value = ''
    offer.value = null
    looking.value = true
    try {
      const found = await lookUp(source.value, signal)
      if (!signal.aborted) offer.value = found
    } catch (error) {
      if (!signal.aborted) failed.value = inWords(error)
    } finally {
      if (!signal.aborted) looking.value = false
    }
  }
  return (
    <form
      class="look-up"
      onSubmit={event => {
        event.preventDefault()
        if (source.value.trim()) void look()
      }}
    >
      <label for="model-source">{words.source}</label>
      <div class="panel-row">
        <input
          id="model-source"
          type="text"
          inputMode="url"
          autoComplete="off"
          spellcheck={false}
          placeholder="onnx-community/SmolLM2-135M-Instruct-ONNX"
          aria-describedby="model-source-hint"
          value={source.value}
          onInput={event => {
            source.value = event.currentTarget.value
          }}
        />
        <button type="submit" class="primary">
          {looking.value ? words.lookingUp : words.lookUp}
        </button>
      </div>
      <p id="model-source-hint" class="small">
        {words.sourceHint}. {words.network}
      </p>
    </form>
  )
}

interface ChooseProps {
  offer: Offer
  shown: Signal<Offer | null>
  failed: Signal<string>
}

/** Which variants to fetch; the one that this browser would take is chosen already. */
function Choose({ offer, shown, failed }: ChooseProps) {
  const words = text.value.models
  const facts = deviceFacts.peek()
  const advised = facts && choiceOf(offer.parts, facts, settings.peek().device)
  const chosen = useSignal<readonly string[]>(advised ? [advised.name] : [])
  const isThere = modelList.value?.models.some(({ id }) => id === offer.id)
  const size = offerBytes(offer, chosen.value)
  const begin = () => {
    failed.value = ''
    startDownload(offer.source, chosen.value)
      .then(() => {
        shown.value = null
      })
      .catch(error => {
        failed.value = inWords(error)
      })
  }
  return (
    <div class="offer">
      <h4>{words.offer(offer.name, offer.licence)}</h4>
      {offer.revision ? <p class="small">{words.revision(offer.revision)}</p> : null}
      <fieldset>
        <legend class="small">{words.choose}</legend>
        {offer.parts.map(part => (
          <Choice key={part.name} offer={offer} part={part} chosen={chosen} isAdvised={part === advised} />
        ))}
      </fieldset>
      {isThere ? (
        <p class="small bad">{words.already}</p>
      ) : (
        <button type="button" class="primary" disabled={chosen.value.length === 0} onClick={begin}>
          {size === null ? words.startUnknown : words.start(bytes(size))}
        </button>
      )}
    </div>
  )
}

interface ChoiceProps {
  offer: Offer
  part: Part
  chosen: Signal<readonly string[]>
  isAdvised: boolean
}

function Choice({ offer, part, chosen, isAdvised }: ChoiceProps) {
  const words = text.value.models
  const { name, top1_agreement: agreement, perplexity_ratio: ratio } = part
  const size = offerBytes(offer, [name])
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={chosen.value.includes(name)}
        onChange={event => {
          const others = chosen.value.filter(other => other !== name)
          chosen.value = event.currentTarget.checked ? [...others, name] : others
        }}
      />
      <span>
        <strong>{name}</strong> {size === null ? words.unknown : bytes(size)}{' '}
        {isAdvised ? <span class="badge good">{words.advised}</span> : null} <Verdict variant={part} needs={size} />
        {agreement !== null && ratio !== null ? <span class="small"> · {words.same(agreement, ratio)}</span> : null}
      </span>
    </label>
  )
}
