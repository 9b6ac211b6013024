/**
 * An answer as Markdown. Model output is untrusted: every block goes through marked and then DOMPurify, code is set as
 * text, and nothing can load from elsewhere. Each block renders by itself, so while an answer streams only the last one
 * is drawn again.
 */
import { useSignal } from '@preact/signals'
import DOMPurify, { type Config } from 'dompurify'
import { Marked, type Token } from 'marked'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import { hasExtra } from '../../state/site.ts'
import { text as words } from '../../text/index.ts'
import { CopyButton } from './copy.tsx'
import { drawMath, mathExtension } from './math.ts'
import { memo } from './memo.ts'

const marked = new Marked({ gfm: true, breaks: true, async: false })
marked.use({
  renderer: {
    /** The page's own headings end at the third level, an answer's begin below. */
    heading({ tokens, depth }) {
      const level = Math.min(depth + 3, 6)
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`
    },
    /** Pictures would be fetched from elsewhere: what they show is said instead. */
    image: ({ text }) => escapeHtml(text),
    checkbox: ({ checked }) => (checked ? '☑ ' : '☐ '),
  },
})

marked.use(mathExtension)

const POLICY: Config = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'em', 'strong', 'del', 'code', 'pre', 'blockquote', 'a', 'ul', 'ol', 'li'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'sub', 'sup', 'kbd'],
  ],
  ALLOWED_ATTR: ['href', 'start', 'align', 'title', 'class'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
}

/** Our own classes; any other could make an answer look like a part of the page. */
const CLASSES: ReadonlySet<string> = new Set(['math', 'math display'])

/** Its own instance: hooks on the shared one would reach every other user of the library. */
const purify = DOMPurify(window)
purify.addHook('afterSanitizeAttributes', node => {
  if (node.nodeName === 'UL' || node.nodeName === 'OL') node.setAttribute('dir', 'auto') // bullets stand where its letters begin
  if (node.nodeName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer')
})

purify.addHook('uponSanitizeAttribute', (_, data) => {
  if (data.attrName === 'class' && !CLASSES.has(data.attrValue)) data.keepAttr = false
})

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** Safe HTML of some Markdown tokens. */
export function safeHtml(tokens: Token[]): string {
  return purify.sanitize(marked.parser(tokens), POLICY)
}

/** The top-level blocks of `text`; blank space between them is left out. */
export function blocks(text: string): Token[] {
  return shown(marked.lexer(text))
}

function shown(tokens: readonly Token[]): Token[] {
  return tokens.filter(({ type }) => type !== 'space' && type !== 'def')
}

/**
 * The same of a text that grows: only its end is read again, since what follows cannot change the blocks before.
 * Reference links are the exception: where one is defined, everything is read again.
 */
export class GrowingBlocks {
  #text = ''
  #tokens: Token[] = []

  read(text: string): Token[] {
    const settled = this.#tokens.slice(0, this.#open())
    const length = settled.reduce((sum, { raw }) => sum + raw.length, 0)
    const canGrow = text.startsWith(this.#text) && this.#text !== '' && !/\r|\t|\u00a0|\]:/.test(text)
    this.#tokens = canGrow ? [...settled, ...marked.lexer(text.slice(length))] : marked.lexer(text)
    this.#text = text
    return shown(this.#tokens)
  }

  /** Where what can still change begins: the last block, with a list before it, whose next item it may become ("2" → "2. b"). */
  #open(): number {
    const last = this.#tokens.findLastIndex(({ type }) => type !== 'space')
    const before = this.#tokens.slice(0, Math.max(0, last)).findLastIndex(({ type }) => type !== 'space')
    return Math.max(0, this.#tokens[before]?.type === 'list' ? before : last)
  }
}

export function Markdown({ text }: { text: string }) {
  const growing = useMemo(() => new GrowingBlocks(), [])
  return (
    <div class="markdown">
      {growing.read(text).map((token, index) => (
        // a stream only appends, so a block's place is its identity
        <Block key={index} raw={token.raw} token={token} />
      ))}
    </div>
  )
}

const Block = memo(
  ({ token }: { raw: string; token: Token }) => {
    if (token.type === 'code') return <CodeBlock text={String(token.text)} language={String(token.lang ?? '')} />
    return <Prose html={safeHtml([token])} />
  },
  (before, after) => before.raw === after.raw,
)

function Prose({ html }: { html: string }) {
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (box.current && html.includes('class="math')) void drawMath(box.current)
  }, [html])
  return <div ref={box} dangerouslySetInnerHTML={{ __html: html }} />
}

/** Colours follow the text at this distance: a block that grows is not read again with every token. */
const COLOUR_EVERY_MS = 200
const COLOURS: Config = { ALLOWED_TAGS: ['span'], ALLOWED_ATTR: ['class'] }

/** Coloured HTML of the code, with what came since as plain text behind it; null without colours. */
function useColours(code: string, language: string): string | null {
  const done = useSignal<{ code: string; html: string } | null>(null)
  const latest = useRef(code)
  const timer = useRef(0)
  latest.current = code
  useEffect(() => {
    if (!language || !hasExtra('code') || timer.current || done.peek()?.code === code) return
    timer.current = window.setTimeout(async () => {
      const now = latest.current
      const colours = import('./highlight.ts').then(({ highlighted }) => highlighted(now, language))
      const html = await colours.catch(() => null) // offline before it was ever fetched
      timer.current = 0
      if (html !== null) done.value = { code: now, html: DOMPurify.sanitize(html, COLOURS) }
    }, COLOUR_EVERY_MS)
  }, [code, language, done.value])
  if (!done.value || !code.startsWith(done.value.code)) return null
  return done.value.html + escapeHtml(code.slice(done.value.code.length))
}

function CodeBlock({ text, language }: { text: string; language: string }) {
  const html = useColours(text, language.split(/\s/)[0] ?? '')
  return (
    <figure class="code">
      <figcaption>
        <span>{language.split(/\s/)[0] || 'code'}</span>
        <CopyButton text={text} label={words.value.shell.copyCode} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long code scrolls sideways, by keyboard too */}
      <pre tabIndex={0}>
        {html === null ? <code>{text}</code> : <code dangerouslySetInnerHTML={{ __html: html }} />}
      </pre>
    </figure>
  )
}
