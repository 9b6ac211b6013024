/** Chats of a file, read and checked by a worker of its own. */

import { ImportError, type Imported } from './file.ts'
import type { FromImport } from './import-worker.ts'

/** All of them, or none. @throws ImportError */
export function readFile(file: Blob): Promise<Imported[]> {
  const worker = new Worker(new URL('./import-worker.ts', import.meta.url), { type: 'module', name: 'import' })
  const found: Imported[] = []
  const read = new Promise<Imported[]>((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromImport>) => {
      if (data.kind === 'chat') found.push(data.imported)
      else if (data.kind === 'done') resolve(found)
      else reject(new ImportError(data.trouble, data.where))
    }
    worker.onerror = () => reject(new ImportError('unreadable')) // it ran out of memory, or its code did not come
  })
  worker.postMessage(file)
  return read.finally(() => worker.terminate())
}
