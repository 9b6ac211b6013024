/** Saving chats as files and adding chats from files, with what is said about it. */

import { signal } from '@preact/signals'
import { announcement, undo } from '../../state/announce.ts'
import { fileName } from '../../state/chats/export.ts'
import { ImportError } from '../../state/chats/file.ts'
import { readFile } from '../../state/chats/import-file.ts'
import { chatList, type Library } from '../../state/chats/library.ts'
import { takeIn, writeFile } from '../../state/chats/transfer.ts'
import { language, text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'

export type Kind = 'json' | 'markdown'

interface FileNote {
  title: string
  lines: string[]
  isBad: boolean
}

/** What the last import came to, or why an export did not come about; until it is put away. */
export const fileNote = signal<FileNote | null>(null)

export interface Exporting {
  /** Chats. */
  done: number
  of: number
  /** Whether it takes so long that it is worth a word. */
  isLong: boolean
  stop: AbortController
}

/** The file that is being written; one at a time. */
export const exporting = signal<Exporting | null>(null)

const LONG_MS = 1000

export async function exportAll(library: Library, kind: Kind): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  await save(library, { ids: chatList.value.map(({ id }) => id), name: `chats-${date}`, kind })
}

export async function exportOne(library: Library, id: string, kind: Kind): Promise<void> {
  const title = chatList.value.find(head => head.id === id)?.title ?? ''
  await save(library, { ids: [id], name: title, kind })
}

async function save(library: Library, { ids, name, kind }: { ids: string[]; name: string; kind: Kind }): Promise<void> {
  exporting.value?.stop.abort()
  const stop = new AbortController()
  const show = (part: Partial<Exporting>) => {
    if (exporting.value?.stop === stop) exporting.value = { ...exporting.value, ...part }
  }
  exporting.value = { done: 0, of: ids.length, isLong: false, stop }
  fileNote.value = null
  const timer = setTimeout(() => show({ isLong: true }), LONG_MS)
  const words = text.value.chat
  try {
    const onProgress = (done: number) => show({ done })
    const file = await writeFile(library, { ids, kind, locale: language.value, signal: stop.signal, onProgress })
    saveFile(fileName(name, kind === 'json' ? 'json' : 'md'), file, file.type)
  } catch {
    if (!stop.signal.aborted) tell({ title: words.exportFailed, lines: [words.exportFailedNext], isBad: true })
  } finally {
    clearTimeout(timer)
    if (exporting.value?.stop === stop) exporting.value = null
  }
}

export function stopExport(): void {
  exporting.value?.stop.abort()
  exporting.value = null
  announcement.value = text.value.chat.exportStopped
}

/** Each file comes in as a whole or not at all. */
export async function importFiles(library: Library, files: readonly File[]): Promise<void> {
  const lines: string[] = []
  let [added, known, failed] = [0, 0, 0]
  for (const file of files) {
    fileNote.value = { title: text.value.chat.importing(file.name), lines, isBad: false }
    try {
      const result = await takeIn(library, await readFile(file))
      added += result.added
      known += result.known
    } catch (error) {
      failed += 1
      lines.push(reason(file.name, error))
    }
  }
  undo.value = null
  const { imported, importFailed } = text.value.chat
  const title = failed === files.length ? importFailed : imported(added, known)
  tell({ title, lines, isBad: failed > 0 })
}

function tell(note: FileNote): void {
  fileNote.value = note
  announcement.value = [note.title, ...note.lines].join('. ')
}

function reason(file: string, error: unknown): string {
  const words = text.value.chat.importErrors
  if (!(error instanceof ImportError)) return words.store(file)
  return error.trouble === 'damaged' ? words.damaged(file, error.message) : words[error.trouble](file)
}
