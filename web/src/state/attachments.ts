/** Files that go along with a question: read on this device, never sent anywhere. */
import { text } from '../text/index.ts'
import { newId } from './chats/tree.ts'
import type { Attachment } from './chats/types.ts'
import { inWords } from './in-words.ts'
import { hasExtra } from './site.ts'

const MOST_BYTES = 50_000_000
const PDF = /\.pdf$/i
const TEXT =
  /\.(?:txt|md|markdown|csv|tsv|json|log|html?|xml|ya?ml|toml|ini|rst|tex|py|js|ts|tsx|jsx|c|h|cpp|java|go|rs|css|sql|sh)$/i

const ACCEPTED_TEXTS = '.txt,.md,.markdown,.csv,.tsv,.json,.log,.html,.xml,.yaml,.toml,.rst,.tex,text/*'

/** What a file picker offers. */
export function accepted(): string {
  return hasExtra('pdf') ? `${ACCEPTED_TEXTS},.pdf,application/pdf` : ACCEPTED_TEXTS
}

/**
 * The text of a file.
 * @param onPage of a PDF: pages read so far, and in all
 * @throws Error with a sentence for people where it has no text that can be read
 */
export async function readAttachment(file: File, onPage?: (done: number, all: number) => void): Promise<Attachment> {
  const { tooLarge, notText, noPdf, empty } = text.value.attachments
  const isPdf = PDF.test(file.name) || file.type === 'application/pdf'
  if (file.size > MOST_BYTES) throw new Error(tooLarge(file.name))
  if (isPdf && !hasExtra('pdf')) throw new Error(noPdf(file.name))
  if (!isPdf && !TEXT.test(file.name) && !file.type.startsWith('text/')) throw new Error(notText(file.name))
  const content = isPdf ? await readPdf(file, onPage) : decoded(await file.arrayBuffer(), file.name)
  const clean = content.replace(/\r\n?/g, '\n').trim()
  if (clean === '') throw new Error(empty(file.name))
  return {
    id: newId(),
    name: file.name,
    media_type: isPdf ? 'application/pdf' : file.type || 'text/plain',
    size_bytes: file.size,
    text: clean,
  }
}

/** UTF-8, or UTF-16 where its mark says so, or else the encoding of old Windows files, which has a letter for every byte. */
function decoded(bytes: ArrayBuffer, name: string): string {
  const [first, second] = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength))
  const marked = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : null
  if (marked) return new TextDecoder(marked).decode(bytes)
  if (new Uint8Array(bytes).includes(0)) throw new Error(text.value.attachments.notText(name))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

async function readPdf(file: File, onPage?: (done: number, all: number) => void): Promise<string> {
  const { getDocument, GlobalWorkerOptions, VerbosityLevel } = await import('pdfjs-dist')
  GlobalWorkerOptions.workerSrc = new URL('pdfjs-dist/build/pdf.worker.min.mjs', import.meta.url).href
  const { notPdf, locked } = text.value.attachments
  const task = getDocument({
    data: new Uint8Array(await file.arrayBuffer()),
    isEvalSupported: false,
    verbosity: VerbosityLevel.ERRORS,
    useSystemFonts: true,
  })
  try {
    const document = await task.promise
    const pages: string[] = []
    for (let number = 1; number <= document.numPages; number++) {
      const { items } = await (await document.getPage(number)).getTextContent()
      pages.push(items.map(item => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : '')).join(''))
      onPage?.(number, document.numPages)
    }
    return pages.map(unwrapped).join('\n\n')
  } catch (error) {
    const name = error instanceof Error ? error.name : ''
    throw new Error(name === 'PasswordException' ? locked(file.name) : notPdf(file.name), { cause: error })
  } finally {
    await task.destroy()
  }
}

/** A PDF's lines end where its page did: words divided there are joined, lines of one paragraph too. */
function unwrapped(page: string): string {
  return page
    .replace(/(\p{Ll})-\n(\p{Ll})/gu, '$1$2')
    .replace(/([^\n.!?:])\n(?=\p{Ll})/gu, '$1 ')
    .trim()
}

/** For the page: what went wrong, in words. */
export function attachmentTrouble(error: unknown): string {
  return inWords(error)
}
