/** Before sending: how much of the model's context the conversation takes, and what will be left out where it is full. */
import { type ReadonlySignal, useSignal, useSignalEffect } from '@preact/signals'
import type { TokenCount } from '../../engine/api.ts'
import { chat, isBusy, messages } from '../../state/chat.ts'
import { spokenSoFar } from '../../state/chats/spoken.ts'
import { modelDefaults, settingsOf } from '../../state/controls.ts'
import { engine } from '../../state/engine.ts'
import { spoken } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { count } from './numbers.ts'
import '../css/insight.css'

/** A pause in typing, after which it is worth counting again. */
const PAUSE_MS = 250

/** @param draft what is about to be sent; counted while nothing is being written */
export function ContextMeter({ draft }: { draft: ReadonlySignal<string> }) {
  const counted = useSignal<TokenCount | null>(null)
  useSignalEffect(() => {
    const ready = engine.value
    if (isBusy.value) return
    const conversation = spokenSoFar(messages.value)
    const question = draft.value.trim()
    if (!ready || (conversation.length === 0 && question === '')) {
      counted.value = null
      return
    }
    const settings = settingsOf(chat.value.head)
    const all = question === '' ? conversation : [...conversation, { role: 'user' as const, content: question }]
    let isCurrent = true
    const timer = setTimeout(async () => {
      const options = settings.max_tokens === null ? {} : { max_tokens: settings.max_tokens }
      // Where it cannot be counted, sending says why: the meter is no place for errors.
      const found = await ready.countTokens(spoken(all, settings), options).catch(() => null)
      if (isCurrent) counted.value = found
    }, PAUSE_MS)
    return () => {
      isCurrent = false
      clearTimeout(timer)
    }
  })
  const longest = settingsOf(chat.value.head).max_tokens ?? modelDefaults.value?.max_tokens ?? 0
  return <div class="meter">{counted.value ? <Picture {...counted.value} longest={longest} /> : null}</div>
}

function Picture({ tokens, contextLength, dropped, longest }: TokenCount & { longest: number }) {
  const words = text.value.insight.meter
  const answer = Math.min(longest, dropped.room)
  const all = Math.max(contextLength, tokens + answer)
  const share = (part: number) => Math.round((part / all) * 100)
  const kept = tokens - dropped.tokens
  const isTooLong = dropped.room === 0
  return (
    <>
      <div class="meter-bar" role="img" aria-label={words.picture(share(kept), share(answer), share(dropped.tokens))}>
        <Part kind="dropped" share={dropped.tokens / all} />
        <Part kind="kept" share={kept / all} />
        <Part kind="answer" share={answer / all} />
      </div>
      <p class={isTooLong ? 'small bad' : 'small'}>
        {words.used(count(kept), count(contextLength))} · {isTooLong ? words.tooLong : words.room(count(answer))}
        {!isTooLong && dropped.messages > 0 ? ` · ${words.dropped(dropped.messages, count(dropped.tokens))}` : null}
      </p>
    </>
  )
}

function Part({ kind, share }: { kind: 'kept' | 'answer' | 'dropped'; share: number }) {
  return <span class={`meter-${kind}`} style={{ width: `${share * 100}%` }} />
}
