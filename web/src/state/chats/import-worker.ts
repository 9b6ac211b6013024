/** Reads a file with chats beside the page, which a large one would hold up. */

import { ImportError, type Imported, type ImportTrouble } from './file.ts'
import { readChats } from './import.ts'

export type FromImport =
  | { kind: 'chat'; imported: Imported }
  | { kind: 'done' }
  | { kind: 'trouble'; trouble: ImportTrouble; where: string }

declare const self: DedicatedWorkerGlobalScope

self.onmessage = async ({ data }: MessageEvent<Blob>) => {
  try {
    const content = await data.text().catch(() => Promise.reject(new ImportError('unreadable')))
    for (const imported of readChats(content)) tell({ kind: 'chat', imported }) // one by one: the page takes each in a task
    tell({ kind: 'done' })
  } catch (error) {
    const { trouble, message } = error instanceof ImportError ? error : new ImportError('damaged', String(error))
    tell({ kind: 'trouble', trouble, where: message })
  }
}

function tell(message: FromImport): void {
  self.postMessage(message)
}
