/** Moves the data folder: where to, how far it is, how it ended. */
import { type Signal, useSignal } from '@preact/signals'
import { isMoving, type Move, move, moveData, stopMove } from '../../state/data.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'
import type { Attempt } from './data.tsx'

export function MoveFolder({ step, attempt }: { step: Signal<'move' | 'reset' | null>; attempt: Attempt }) {
  const words = text.value.data
  const target = useSignal('')
  const now = move.value
  const start = () => {
    if (!target.value.trim()) return
    step.value = null
    void attempt(() => moveData(target.value.trim()))
  }
  return (
    <>
      {step.value === 'move' ? (
        <div class="field">
          <label for="data-move-to">{words.moveTo}</label>
          <input
            id="data-move-to"
            type="text"
            class="data-path"
            autocomplete="off"
            spellcheck={false}
            placeholder={words.movePlace}
            value={target}
            onInput={event => {
              target.value = event.currentTarget.value
            }}
            onKeyDown={event => {
              if (event.key !== 'Enter') return
              event.preventDefault() // it would close the dialog
              start()
            }}
          />
          <p class="small">{words.moveDoes}</p>
          <div class="panel-row start">
            <button type="button" class="primary" onClick={start}>
              {words.moveStart}
            </button>
          </div>
        </div>
      ) : null}
      {now ? <Progress now={now} attempt={attempt} /> : null}
    </>
  )
}

function Progress({ now, attempt }: { now: Move; attempt: Attempt }) {
  const words = text.value.data
  const said = sentenceOf(now)
  return (
    <div class="field" role="status">
      <p class={now.state === 'failed' ? 'small bad' : 'small note'}>{said}</p>
      {now.state === 'done' && now.message ? <p class="small">{whyOf(now)}</p> : null}
      {isMoving(now) ? (
        <div class="panel-row start">
          <progress max={Math.max(1, now.total_bytes)} value={now.done_bytes} aria-label={words.move} />
          <button type="button" class="quiet" onClick={() => void attempt(stopMove)}>
            {words.stop}
          </button>
        </div>
      ) : null}
    </div>
  )
}

function whyOf({ message, kind, facts }: Move): string {
  return text.value.server({ message: message ?? '', kind, facts })
}

function sentenceOf(now: Move): string {
  const { state, target, done_bytes: done, total_bytes: total } = now
  const words = text.value.data.moving
  if (state === 'failed') return whyOf(now)
  if (state === 'copying' || state === 'verifying') return words[state](bytes(done), bytes(total))
  return state === 'done' ? words.done(target) : words[state]
}
