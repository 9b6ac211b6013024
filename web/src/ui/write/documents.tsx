/** The list of documents: search, open, rename, delete with a way back. */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { DocumentEntry } from '../../state/documents/store.ts'
import { href } from '../../state/route.ts'
import { language, text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { titleOf, type Workplace } from './workplace.ts'

const SEARCH_AFTER_MS = 200

export function Documents({ work, onChosen }: { work: Workplace; onChosen: () => void }) {
  const query = useSignal('')
  const found = useSignal<ReadonlySet<string> | null>(null)
  const renaming = useSignal<string | null>(null)
  const wanted = query.value.trim()
  useEffect(() => {
    if (!wanted) {
      found.value = null
      return
    }
    const timer = setTimeout(async () => {
      const ids = await work.desk.find(wanted)
      if (query.peek().trim() === wanted) found.value = ids
    }, SEARCH_AFTER_MS)
    return () => clearTimeout(timer)
  }, [wanted])
  const words = text.value.write
  const entries = work.desk.entries.value.filter(({ id }) => !found.value || found.value.has(id))
  return (
    <>
      <div class="write-list-top">
        <input
          type="search"
          aria-label={words.find}
          placeholder={words.findShort}
          value={query}
          onInput={event => {
            query.value = event.currentTarget.value
          }}
        />
        <button
          type="button"
          class="tool"
          aria-label={words.newDocument}
          title={words.newDocument}
          onClick={() => work.newDocument()}
        >
          <Icon name="plus" />
        </button>
      </div>
      {entries.length === 0 && found.value ? <p class="small write-list-none">{words.nothingFound}</p> : null}
      <ul class="write-documents" aria-label={words.documents}>
        {entries.map(entry => (
          <li key={entry.id}>
            {renaming.value === entry.id ? (
              <Rename
                work={work}
                entry={entry}
                onDone={() => {
                  renaming.value = null
                }}
              />
            ) : (
              <Row
                work={work}
                entry={entry}
                onChosen={onChosen}
                onRename={() => {
                  renaming.value = entry.id
                }}
              />
            )}
          </li>
        ))}
      </ul>
    </>
  )
}

interface RowProps {
  work: Workplace
  entry: DocumentEntry
  onChosen: () => void
  onRename: () => void
}

function Row({ work, entry, onChosen, onRename }: RowProps) {
  const words = text.value.write
  const title = titleOf(entry)
  const isOpen = work.desk.opened.value?.id === entry.id
  const count = words.words(entry.words.toLocaleString(language.value), entry.words === 1)
  return (
    <>
      <a href={href('write', entry.id)} aria-current={isOpen ? 'page' : undefined} onClick={onChosen}>
        <span class="write-title">{title}</span>
        <span class="small">{words.facts(when(entry.changedAt), count)}</span>
      </a>
      <button
        type="button"
        class="tool"
        aria-label={words.rename(title)}
        title={words.rename(title)}
        onClick={onRename}
      >
        <Icon name="edit" />
      </button>
      <button
        type="button"
        class="tool"
        aria-label={words.remove(title)}
        title={words.remove(title)}
        onClick={() => work.remove(entry)}
      >
        <Icon name="trash" />
      </button>
    </>
  )
}

function Rename({ work, entry, onDone }: { work: Workplace; entry: DocumentEntry; onDone: () => void }) {
  const input = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => input.current?.select(), [])
  const words = text.value.write
  const save = () => {
    void work.desk.rename(entry.id, input.current?.value ?? entry.title)
    onDone()
  }
  return (
    <form
      class="write-rename"
      onSubmit={event => {
        event.preventDefault()
        save()
      }}
    >
      <input
        ref={input}
        aria-label={words.title}
        defaultValue={entry.title}
        placeholder={titleOf(entry)}
        onKeyDown={event => {
          if (event.key !== 'Escape' || event.isComposing) return
          event.preventDefault()
          onDone()
        }}
      />
      <button type="submit" class="tool" aria-label={words.renameDone} title={words.renameDone}>
        <Icon name="check" />
      </button>
    </form>
  )
}

/** Today the time, else the date. */
function when(at: number): string {
  const date = new Date(at)
  const isToday = date.toDateString() === new Date().toDateString()
  const parts: Intl.DateTimeFormatOptions = isToday ? { timeStyle: 'short' } : { dateStyle: 'medium' }
  return new Intl.DateTimeFormat(language.value, parts).format(date)
}
