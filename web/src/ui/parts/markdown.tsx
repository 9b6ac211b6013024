/**
 * An answer as Markdown. Model output is untrusted: every block goes through marked and then DOMPurify, code is set as
 * text, and nothing can load from elsewhere. Each block renders by itself, so while an answer streams only the last one
 * is drawn again.
 */
import DOMPurify, { type Config } from 'dompurify'
import { Marked, type Token } from 'marked'
import { CopyButton } from './copy.tsx'
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

const POLICY: Config = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'em', 'strong', 'del', 'code', 'pre', 'blockquote', 'a', 'ul', 'ol', 'li'],
    ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'table', 'thead', 'tbody', 'tr', 'th', 'td', 'sub', 'sup', 'kbd'],
  ],
  ALLOWED_ATTR: ['href', 'start', 'align', 'title'],
  ALLOWED_URI_REGEXP: /^(?:https?|mailto):/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
}

/** Its own instance: hooks on the shared one would reach every other user of the library. */
const purify = DOMPurify(window)
purify.addHook('afterSanitizeAttributes', node => {
  if (node.nodeName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer')
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
  return marked.lexer(text).filter(({ type }) => type !== 'space' && type !== 'def')
}

export function Markdown({ text }: { text: string }) {
  return (
    <div class="markdown">
      {blocks(text).map((token, index) => (
        // a stream only appends, so a block's place is its identity
        <Block key={index} raw={token.raw} token={token} />
      ))}
    </div>
  )
}

const Block = memo(
  ({ token }: { raw: string; token: Token }) => {
    if (token.type === 'code') return <CodeBlock text={String(token.text)} language={String(token.lang ?? '')} />
    return <div dangerouslySetInnerHTML={{ __html: safeHtml([token]) }} />
  },
  (before, after) => before.raw === after.raw,
)

function CodeBlock({ text, language }: { text: string; language: string }) {
  return (
    <figure class="code">
      <figcaption>
        <span>{language.split(/\s/)[0] || 'code'}</span>
        <CopyButton text={text} label="Copy code" />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long code scrolls sideways, by keyboard too */}
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
    </figure>
  )
}
