/** Whether the settings are set for all chats or for the one on the page, and what that one has of its own. */
import { computed, signal } from '@preact/signals'
import { useLayoutEffect } from 'preact/hooks'
import { chat } from '../../state/chat.ts'
import { settingsOpen } from '../../state/controls.ts'
import { loadState } from '../../state/engine.ts'
import { route } from '../../state/route.ts'
import type { ChatSettings, NumberName } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { Segments } from './segments.tsx'

const chosen = signal<'all' | 'chat'>('all')

/** What is being set. Chats are set on their own page only. */
export const scope = computed(() => (route.value.page === 'chat' ? chosen.value : 'all'))

/** Opens at the chat where that has settings of its own, else at all chats. */
export function Scope() {
  useLayoutEffect(() => {
    chosen.value = ownNames().length > 0 ? 'chat' : 'all'
  }, [])
  const state = loadState.value
  const model = 'model' in state ? state.model?.name : undefined
  const words = text.value.controls
  if (route.value.page !== 'chat') return model ? <p class="small">{words.forModel(model)}</p> : null
  const own = ownNames()
  const does = scope.value === 'chat' ? words.scope.chatDoes : model ? words.scope.allDoes(model) : null
  return (
    <fieldset class="field">
      <legend>{words.scope.title}</legend>
      <Segments
        name="controls-scope"
        choices={{ all: words.scope.all, chat: words.scope.chat }}
        chosen={scope.value}
        onChoose={choice => {
          chosen.value = choice
        }}
      />
      {does ? <p class="small">{does}</p> : null}
      {own.length > 0 ? <p class="small own-settings">{words.scope.own(own.join(', '))}</p> : null}
    </fieldset>
  )
}

/** By the message box: what this chat sets otherwise than all chats; leads to its settings. */
export function OwnSettings() {
  const own = ownNames()
  if (own.length === 0) return null
  return (
    <button
      type="button"
      class="quiet own-settings"
      aria-haspopup="dialog"
      onClick={() => {
        chosen.value = 'chat'
        settingsOpen.value = true
      }}
    >
      <Icon name="sliders" />
      {text.value.controls.scope.own(own.join(', '))}
    </button>
  )
}

function ownNames(): string[] {
  const { numbers, system, stop, format } = text.value.controls
  const names: Readonly<Record<Exclude<keyof ChatSettings, NumberName>, string>> = {
    system,
    stop,
    format: format.title,
  }
  const { overrides } = chat.value.head
  const all = Object.keys(overrides) as (keyof ChatSettings)[] // the keys of its type, which Object.keys forgets
  return all.map(name => (name in numbers ? numbers[name as NumberName].name : names[name as keyof typeof names]))
}
