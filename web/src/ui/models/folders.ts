/** Files that a user chose or dropped, as one folder with paths inside it. */
import type { OwnFile } from '../../state/downloads.ts'

/** The folder that all files share becomes the name; where there is none, it is the first file's. */
export function folderOf(files: readonly OwnFile[]): { name: string; files: OwnFile[] } {
  const wanted = files.filter(({ path }) => !path.split('/').some(part => part.startsWith('.')))
  const [first = ''] = wanted.map(({ path }) => path.split('/')[0])
  const isShared = wanted.length > 0 && wanted.every(({ path }) => path.startsWith(`${first}/`))
  const inside = isShared ? wanted.map(({ path, file }) => ({ path: path.slice(first.length + 1), file })) : wanted
  const name = (isShared ? first : first.replace(/\.\w+$/, '')).toLowerCase().replace(/[^a-z0-9._-]+/g, '-')
  return { name: name.replace(/^[^a-z0-9]+/, '').slice(0, 100) || 'model', files: inside }
}

/** Everything that was dropped, folders with all that is in them. */
export async function droppedFiles({ items }: DataTransfer): Promise<OwnFile[]> {
  // Read before the first await: the browser empties the list when the event is over.
  const entries = [...items].flatMap(item => item.webkitGetAsEntry() ?? [])
  return (await Promise.all(entries.map(entry => filesOf(entry, '')))).flat()
}

async function filesOf(entry: FileSystemEntry, folder: string): Promise<OwnFile[]> {
  const path = `${folder}${entry.name}`
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject))
    return [{ path, file }]
  }
  if (!isFolder(entry)) return []
  const reader = entry.createReader()
  const found: OwnFile[] = []
  for (;;) {
    // A hundred at a time, until none is left.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    found.push(...(await Promise.all(some.map(inner => filesOf(inner, `${path}/`)))).flat())
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile
}

function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory
}
