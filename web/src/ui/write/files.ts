/**
 * Text files in and out: File System Access where the browser has it, so that a save goes to the very file, else upload
 * and download. Encoding and line ends stay as they were.
 */
import { type DecodedFile, decodeFile, encodeFile, PLAIN } from '../../state/documents/encoding.ts'
import type { DocumentEntry, FileOrigin, TextFormat } from '../../state/documents/store.ts'
import { saveFile } from '../parts/files.ts'

export const MOST_BYTES = 64 * 2 ** 20

/** Parts of File System Access that TypeScript's library lacks. */
interface FilePickers {
  showOpenFilePicker?: (options: object) => Promise<FileSystemFileHandle[]>
  showSaveFilePicker?: (options: object) => Promise<FileSystemFileHandle>
}
interface Permissions {
  requestPermission?: (options: { mode: 'readwrite' }) => Promise<PermissionState>
}

const TYPES = [
  {
    description: 'Text',
    accept: { 'text/plain': ['.txt', '.text', '.log', '.csv'], 'text/markdown': ['.md', '.markdown'] },
  },
]

export interface PickedFile {
  file: File
  handle?: FileSystemFileHandle
}

export type OpenedFile =
  | { name: string; decoded: DecodedFile; origin: FileOrigin }
  | { name: string; refused: 'not-text' | 'too-large' }

/** Files that the user chooses; none where the dialog is closed. */
export async function pickFiles(page: Window & FilePickers = window): Promise<PickedFile[]> {
  if (!page.showOpenFilePicker) return upload()
  try {
    const handles = await page.showOpenFilePicker({ multiple: true, types: TYPES })
    return await Promise.all(handles.map(async handle => ({ file: await handle.getFile(), handle })))
  } catch (error) {
    if (isAbort(error)) return []
    throw error
  }
}

function upload(): Promise<PickedFile[]> {
  const input = document.createElement('input')
  input.type = 'file'
  input.multiple = true
  input.accept = '.txt,.text,.md,.markdown,.log,.csv,text/*'
  return new Promise(resolve => {
    input.addEventListener('change', () => resolve([...(input.files ?? [])].map(file => ({ file }))))
    input.addEventListener('cancel', () => resolve([]))
    input.click()
  })
}

/** Files dropped on the page. */
export async function droppedFiles(transfer: DataTransfer): Promise<PickedFile[]> {
  // Asked for all at once: after the first `await` the browser empties the list.
  const items = [...transfer.items].filter(({ kind }) => kind === 'file')
  const asked = items.map(item => ({ file: item.getAsFile(), handle: handleOf(item) }))
  const found: PickedFile[] = []
  for (const { file, handle } of asked) {
    const given = await handle
    if (file) found.push(given ? { file, handle: given } : { file })
  }
  return found
}

async function handleOf(item: DataTransferItem): Promise<FileSystemFileHandle | null> {
  const giver: DataTransferItem & { getAsFileSystemHandle?: () => Promise<FileSystemHandle | null> } = item
  const handle = (await giver.getAsFileSystemHandle?.()) ?? null
  return handle instanceof FileSystemFileHandle ? handle : null
}

export async function readFile({ file, handle }: PickedFile): Promise<OpenedFile> {
  const { name } = file
  if (file.size > MOST_BYTES) return { name, refused: 'too-large' }
  const decoded = decodeFile(new Uint8Array(await file.arrayBuffer()))
  if (!decoded) return { name, refused: 'not-text' }
  const { encoding, lineEnd } = decoded
  const origin = { name, encoding, lineEnd, modifiedAt: file.lastModified, ...(handle ? { handle } : {}) }
  return { name, decoded, origin }
}

export interface SavedFile {
  origin: FileOrigin
  becameUtf8: boolean
}

export interface SaveQuestion {
  entry: DocumentEntry
  text: string
  /** Asks where to save even where the document has a file. */
  elsewhere: boolean
  /** Whether to write over a change that another program made. */
  overwrite: (name: string) => boolean
}

/** @returns null where the user called it off */
export async function writeFile(
  question: SaveQuestion,
  page: Window & FilePickers = window,
): Promise<SavedFile | null> {
  const { entry, text } = question
  const format = entry.file ?? PLAIN
  const { bytes, encoding } = encodeFile(text, format)
  const becameUtf8 = encoding !== format.encoding
  const name = entry.file?.name ?? suggestedName(entry)
  const target = await targetOf(question, name, page)
  if (target === null) return null
  const origin = { name: target?.name ?? name, encoding, lineEnd: format.lineEnd }
  if (!target) {
    saveFile(name, new Uint8Array(bytes), 'text/plain')
    return { origin, becameUtf8 }
  }
  const stream = await target.createWritable()
  await stream.write(new Blob([new Uint8Array(bytes)]))
  await stream.close()
  return { origin: { ...origin, handle: target, modifiedAt: (await target.getFile()).lastModified }, becameUtf8 }
}

/** The file to write to; undefined for a download, null where the user called it off. */
async function targetOf(
  { entry, elsewhere, overwrite }: SaveQuestion,
  suggestedName: string,
  page: FilePickers,
): Promise<FileSystemFileHandle | null | undefined> {
  const handle: (FileSystemFileHandle & Permissions) | undefined = elsewhere ? undefined : entry.file?.handle
  if (handle && (await mayWrite(handle))) {
    const known = entry.file?.modifiedAt
    const now = await handle.getFile().then(
      file => file.lastModified,
      () => known, // moved or deleted: it is written anew
    )
    return now === known || overwrite(handle.name) ? handle : null
  }
  if (!page.showSaveFilePicker) return undefined
  try {
    return await page.showSaveFilePicker({ suggestedName, types: TYPES })
  } catch (error) {
    if (isAbort(error)) return null
    throw error
  }
}

async function mayWrite(handle: FileSystemFileHandle & Permissions): Promise<boolean> {
  return (await (handle.requestPermission?.({ mode: 'readwrite' }) ?? 'granted')) === 'granted'
}

const ENDINGS: Readonly<Record<TextFormat, string>> = { markdown: '.md', text: '.txt' }

/** From the title, without what some system forbids in names. */
export function suggestedName({ title, opening, format }: Pick<DocumentEntry, 'title' | 'opening' | 'format'>): string {
  const plain = (title || opening).replace(/[\\/:*?"<>|\p{C}]/gu, ' ').replace(/\s+/g, ' ')
  const cut = [...plain]
    .slice(0, 60)
    .join('')
    .replace(/^[.\s]+|[.\s]+$/g, '')
  return `${cut || 'text'}${ENDINGS[format]}`
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
