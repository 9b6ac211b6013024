/** Files beside the message box: chosen, dropped or pasted, read on this device, taken off again; and what an answer read of them. */
import { computed, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { accepted, attachmentTrouble, readAttachment } from '../../state/attachments.ts'
import { chat } from '../../state/chat.ts'
import type { Attachment, Message } from '../../state/chats/types.ts'
import { text } from '../../text/index.ts'
import { restFocus } from '../parts/focus.ts'
import { bytes } from '../parts/format.ts'
import { Icon } from '../parts/icons.tsx'

/** Files for the next message. */
export const attached = signal<readonly Attachment[]>([])
/** Name and progress of what is being read, and what could not be. */
const reading = signal<readonly { name: string; pages: string }[]>([])
const trouble = signal('')
/** Until files are read they cannot go along: the message waits for them. */
export const isReadingFiles = computed(() => reading.value.length > 0)

/** Once they are sent. */
export function clearAttached(): void {
  attached.value = []
  trouble.value = ''
}

async function attach(files: Iterable<File>): Promise<void> {
  trouble.value = ''
  for (const file of files) {
    const entry = { name: file.name, pages: '' }
    reading.value = [...reading.value, entry]
    const tell = (done: number, all: number) => {
      entry.pages = text.value.attachments.pages(done, all)
      reading.value = [...reading.value]
    }
    try {
      attached.value = [...attached.value, await readAttachment(file, tell)]
    } catch (error) {
      trouble.value = attachmentTrouble(error)
    } finally {
      reading.value = reading.value.filter(other => other !== entry)
    }
  }
}

export function AttachButton() {
  const input = useRef<HTMLInputElement>(null)
  const { add } = text.value.attachments
  return (
    <>
      <button type="button" class="tool" aria-label={add} title={add} onClick={() => input.current?.click()}>
        <Icon name="attach" />
      </button>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={accepted()}
        aria-label={add}
        onChange={event => {
          const files = [...(event.currentTarget.files ?? [])]
          event.currentTarget.value = '' // the same file may be chosen again
          void attach(files).then(restFocus)
        }}
      />
    </>
  )
}

/** What goes along with the next message; also takes files that are dropped on the page or pasted. */
export function AttachedFiles() {
  useFiles()
  const { list, remove, reading: busy } = text.value.attachments
  const shown = attached.value.length + reading.value.length > 0
  return (
    <>
      {shown ? (
        <ul class="attached-files" aria-label={list}>
          {attached.value.map(({ id, name, size_bytes }) => (
            <li key={id}>
              <Icon name="attach" />
              <span>{name}</span>
              <small>{bytes(size_bytes)}</small>
              <button
                type="button"
                aria-label={remove(name)}
                onClick={() => {
                  attached.value = attached.value.filter(entry => entry.id !== id)
                  restFocus()
                }}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
          {reading.value.map(({ name, pages }) => (
            <li key={name} aria-busy="true">
              {busy(name)} <small>{pages}</small>
            </li>
          ))}
        </ul>
      ) : null}
      {trouble.value ? (
        <p class="inline-error" role="alert">
          <Icon name="alert" />
          {trouble.value}
        </p>
      ) : null}
    </>
  )
}

function useFiles(): void {
  useEffect(() => {
    const holdsFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false
    const onDrag = (event: DragEvent) => {
      if (holdsFiles(event)) event.preventDefault() // without it the browser opens the file
    }
    const onDrop = (event: DragEvent) => {
      if (!holdsFiles(event)) return
      event.preventDefault()
      announcement.value = text.value.attachments.list
      void attach(event.dataTransfer?.files ?? [])
    }
    const onPaste = (event: ClipboardEvent) => {
      const files = event.clipboardData?.files ?? []
      if (files.length === 0) return
      event.preventDefault()
      void attach(files)
    }
    document.addEventListener('dragover', onDrag)
    document.addEventListener('drop', onDrop)
    document.addEventListener('paste', onPaste)
    return () => {
      document.removeEventListener('dragover', onDrag)
      document.removeEventListener('drop', onDrop)
      document.removeEventListener('paste', onPaste)
    }
  }, [])
}

/** The passages that an answer was given, folded away. */
export function SourcesRead({ message: { sources } }: { message: Message }) {
  if (!sources) return null
  const words = text.value.attachments
  const files = new Map(
    [...chat.value.messages.values()].flatMap(({ attachments = [] }) => attachments.map(entry => [entry.id, entry])),
  )
  return (
    <details class="sources">
      <summary>
        {words.sources(sources.passages.length)}, {words.by[sources.by]}
      </summary>
      <p class="small">{words.tooLongLead}</p>
      <ol>
        {sources.passages.map(({ attachment, start, end }) => {
          const file = files.get(attachment)
          return (
            <li key={`${attachment} ${start}`}>
              <strong>{file?.name}</strong>
              <blockquote>{file?.text.slice(start, end)}</blockquote>
            </li>
          )
        })}
      </ol>
    </details>
  )
}
