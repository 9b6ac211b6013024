/** A model from the user's own files: a folder dropped or chosen, sent to the server on this machine. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { type OwnFile, upload } from '../../state/downloads.ts'
import { inWords } from '../../state/in-words.ts'
import { importOwn } from '../../state/kept.ts'
import { modelList } from '../../state/models.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'
import { droppedFiles, folderOf } from './folders.ts'

export function OwnFiles() {
  const words = text.value.models
  const said = useSignal('')
  const failed = useSignal('')
  const sent = useSignal<{ done: number; total: number } | null>(null)
  const over = useSignal(false)
  const stop = useRef<AbortController | null>(null)
  useEffect(() => () => stop.current?.abort(), [])

  const add = async (reading: Promise<readonly OwnFile[]>) => {
    stop.current?.abort()
    stop.current = new AbortController()
    const { signal } = stop.current
    failed.value = ''
    said.value = text.value.models.reading
    try {
      const { name, files } = folderOf(await reading)
      if (files.length === 0) throw new Error(text.value.models.nothingChosen)
      const onBytes = (done: number, total: number) => {
        sent.value = { done, total }
        said.value = text.value.models.copyingOwn(bytes(done), bytes(total))
      }
      const hasServer = modelList.peek()?.isOffline === false
      const added = hasServer
        ? await upload(name, files, { signal, onBytes })
        : await importOwn(files, { signal, onBytes })
      said.value = text.value.models.added(added)
      announcement.value = said.value
    } catch (error) {
      said.value = ''
      if (!signal.aborted) failed.value = inWords(error)
    } finally {
      sent.value = null
    }
  }

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one way more; the buttons below do the same
    <div
      class={over.value ? 'drop over' : 'drop'}
      onDragOver={event => {
        event.preventDefault()
        over.value = true
      }}
      onDragLeave={() => {
        over.value = false
      }}
      onDrop={event => {
        event.preventDefault()
        over.value = false
        if (event.dataTransfer) void add(droppedFiles(event.dataTransfer))
      }}
    >
      <h4>{words.own}</h4>
      <p class="small">{words.dropHere}</p>
      <div class="panel-row start">
        <Picker name={words.folderButton} isFolder onFiles={files => void add(Promise.resolve(files))} />
        <Picker name={words.filesButton} isFolder={false} onFiles={files => void add(Promise.resolve(files))} />
        {sent.value ? (
          <button type="button" class="quiet" onClick={() => stop.current?.abort()}>
            {words.cancel}
          </button>
        ) : null}
      </div>
      {sent.value ? <progress max={sent.value.total} value={sent.value.done} aria-label={words.own} /> : null}
      {said.value ? <p class="small note">{said.value}</p> : null}
      {failed.value ? (
        <p class="small bad" role="alert">
          {failed.value}
        </p>
      ) : null}
    </div>
  )
}

interface PickerProps {
  name: string
  isFolder: boolean
  onFiles: (files: readonly OwnFile[]) => void
}

/** A button in front of the browser's own file field, which cannot be made to look like anything. */
function Picker({ name, isFolder, onFiles }: PickerProps) {
  const field = useRef<HTMLInputElement>(null)
  return (
    <>
      <button type="button" class="secondary" onClick={() => field.current?.click()}>
        {name}
      </button>
      <input
        ref={field}
        class="visually-hidden"
        type="file"
        multiple
        tabIndex={-1}
        aria-label={name}
        {...(isFolder ? { webkitdirectory: true } : {})}
        onChange={event => {
          const list = [...(event.currentTarget.files ?? [])]
          onFiles(list.map(file => ({ path: file.webkitRelativePath || file.name, file })))
          event.currentTarget.value = '' // the same folder may be chosen again
        }}
      />
    </>
  )
}
