/** The command palette (Ctrl+K): everything that can be done here, found by typing. A combobox over a listbox (ARIA APG). */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { type Command, commands } from '../../state/commands.ts'
import { settingsOpen } from '../../state/controls.ts'
import { go } from '../../state/route.ts'
import { change } from '../../state/settings.ts'
import { LANGUAGES, type Language, text } from '../../text/index.ts'
import { lettered } from '../parts/keys.ts'
import { pages as shown } from './pages.ts'

export function Commands({ open }: { open: Signal<boolean> }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const query = useSignal('')
  // At once, not when signals' effects come round: keys may follow within the frame.
  const show = () => {
    if (!dialog.current?.open) dialog.current?.showModal()
    open.value = true
  }
  const close = () => {
    dialog.current?.close()
    open.value = false
    query.value = ''
  }
  useShortcut(show, close)
  useSignalEffect(() => {
    if (open.value) show()
    else close()
  })
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      class="commands"
      aria-label={text.value.shell.commands.open}
      onClose={event => {
        if (!event.currentTarget.open) close() // the event comes late: it may have been opened again
      }}
      onClick={event => {
        if (event.target === dialog.current) close() // on the backdrop
      }}
    >
      {/* Always there, so that opening gives its box the focus at once and no letter is lost. */}
      <Palette query={query} onDone={close} />
    </dialog>
  )
}

function useShortcut(show: () => void, close: () => void): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return
      const opened = document.querySelector('dialog[open]')
      if (opened && !opened.classList.contains('commands')) return
      event.preventDefault()
      if (opened) close()
      else show()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
}

function Palette({ query, onDone }: { query: Signal<string>; onDone: () => void }) {
  const chosen = useSignal(0)
  const found = matching([...commands.value, ...always()], query.value)
  const at = Math.min(chosen.value, found.length - 1)
  const run = (command: Command | undefined) => {
    if (!command) return
    onDone()
    void command.act()
  }
  const move = (by: number) => {
    chosen.value = found.length ? (at + by + found.length) % found.length : 0
    document.getElementById(`command-${chosen.value}`)?.scrollIntoView({ block: 'nearest' })
  }
  const words = text.value.shell.commands
  return (
    <>
      <input
        role="combobox"
        aria-label={words.search}
        aria-expanded="true"
        aria-controls="commands-found"
        aria-activedescendant={found.length ? `command-${at}` : undefined}
        autocomplete="off"
        spellcheck={false}
        placeholder={words.search}
        value={query}
        onInput={event => {
          query.value = event.currentTarget.value
          chosen.value = 0
        }}
        onKeyDown={event => {
          if (event.isComposing) return
          if (event.key === 'ArrowDown') move(1)
          else if (event.key === 'ArrowUp') move(-1)
          else if (event.key === 'Enter') run(found[at])
          else return
          event.preventDefault()
        }}
      />
      <div id="commands-found" role="listbox" aria-label={words.open}>
        {found.map((command, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the combobox above moves and chooses by keyboard
          // biome-ignore lint/a11y/useFocusableInteractive: focus stays in the combobox (aria-activedescendant)
          <div
            key={command.id}
            id={`command-${index}`}
            role="option"
            aria-selected={index === at}
            onClick={() => run(command)}
          >
            <span>{command.name()}</span>
            {command.keys ? <kbd>{lettered(command.keys)}</kbd> : null}
          </div>
        ))}
      </div>
      {found.length ? null : <p class="small">{words.none}</p>}
    </>
  )
}

/** Commands of every page: where to go, how it looks, which language. */
function always(): Command[] {
  const { commands: words, pages, settings } = text.value.shell
  return [
    ...shown.value.map(({ name }) => ({ id: `go-${name}`, name: () => words.go(pages[name]), act: () => go(name) })),
    {
      id: 'settings',
      name: () => settings,
      act: () => {
        settingsOpen.value = true
      },
    },
    ...(['system', 'light', 'dark'] as const).map(theme => ({
      id: `theme-${theme}`,
      name: () => words.theme[theme],
      act: () => change({ theme }),
    })),
    ...(Object.keys(LANGUAGES) as Language[]) // its keys are exactly the languages
      .map(language => ({
        id: `language-${language}`,
        name: () => words.language(LANGUAGES[language]),
        act: () => change({ language }),
      })),
  ]
}

/** Those whose name has every word of the query, in any order. */
function matching(all: readonly Command[], query: string): Command[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  return all.filter(({ name }) => words.every(word => name().toLowerCase().includes(word)))
}
