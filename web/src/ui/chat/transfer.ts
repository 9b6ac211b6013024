/** Saving chats as files and adding chats from files, with what is said about it. */

import { signal } from '@preact/signals'
import { announcement, undo } from '../../state/announce.ts'
import { fileName, toJson, toMarkdown } from '../../state/chats/export.ts'
import { ImportError } from '../../state/chats/file.ts'
import { readFile } from '../../state/chats/import-file.ts'
import { chatList, type Library } from '../../state/chats/library.ts'
import { collect, takeIn } from '../../state/chats/transfer.ts'
import { language, text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'

export type Kind = 'json' | 'markdown'

/** What the last import came to, until it is put away. */
export const importNote = signal<{ title: string; lines: string[]; isBad: boolean } | null>(null)

export async function exportAll(library: Library, kind: Kind): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  await save(library, { ids: chatList.value.map(({ id }) => id), name: `chats-${date}`, kind })
}

export async function exportOne(library: Library, id: string, kind: Kind): Promise<void> {
  const title = chatList.value.find(head => head.id === id)?.title ?? ''
  await save(library, { ids: [id], name: title, kind })
}

async function save(library: Library, { ids, name, kind }: { ids: string[]; name: string; kind: Kind }): Promise<void> {
  const found = await collect(library, ids)
  if (kind === 'json') saveFile(fileName(name, 'json'), toJson(found, new Date()), 'application/json')
  else {
    const markdown = toMarkdown(
      found.map(({ chat }) => chat),
      language.value,
    )
    saveFile(fileName(name, 'md'), markdown, 'text/markdown')
  }
}

/** Each file comes in as a whole or not at all. */
export async function importFiles(library: Library, files: readonly File[]): Promise<void> {
  const lines: string[] = []
  let [added, known, failed] = [0, 0, 0]
  for (const file of files) {
    importNote.value = { title: text.value.chat.importing(file.name), lines, isBad: false }
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
  importNote.value = { title, lines, isBad: failed > 0 }
  announcement.value = [title, ...lines].join('. ')
}

function reason(file: string, error: unknown): string {
  const words = text.value.chat.importErrors
  if (!(error instanceof ImportError)) return words.store(file)
  return error.trouble === 'damaged' ? words.damaged(file, error.message) : words[error.trouble](file)
}
