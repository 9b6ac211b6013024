/**
 * Formulas in answers: where TeX begins and ends in Markdown, and MathML of it. The library comes when the first formula
 * is shown. `$…$` follows pandoc: no space inside its dollars, no digit behind them, so that prices stay prices.
 */
import DOMPurify from 'dompurify'
import type { MarkedExtension, Tokens } from 'marked'
import { hasExtra } from '../../state/site.ts'

const INLINE = [/^\\\((.+?)\\\)/s, /^\$\$((?:\\.|[^$\\])+?)\$\$/s, /^\$(?![\s$])((?:\\.|[^$\\\n])*?[^\s\\$])\$(?!\d)/]
const BLOCK = /^(?:\$\$[ \t]*\n?((?:\\.|[^$\\])+?)\n?[ \t]*\$\$|\\\[(.+?)\\\])[ \t]*(?:\n|$)/s

interface MathToken extends Tokens.Generic {
  tex: string
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** Formulas become `<code class="math">` with their TeX, which `drawMath` draws; without it the TeX is readable. */
export const mathExtension: MarkedExtension = {
  extensions: [
    {
      name: 'mathBlock',
      level: 'block',
      start: src => /(?:^|\n)(?:\$\$|\\\[)/.exec(src)?.index,
      tokenizer(src) {
        const match = BLOCK.exec(src)
        const tex = (match?.[1] ?? match?.[2])?.trim()
        return match && tex ? { type: 'mathBlock', raw: match[0], tex } : undefined
      },
      renderer: token => `<p><code class="math display">${escaped((token as MathToken).tex)}</code></p>`, // made above
    },
    {
      name: 'mathInline',
      level: 'inline',
      start: src => /\$|\\\(/.exec(src)?.index,
      tokenizer(src) {
        const match = INLINE.map(pattern => pattern.exec(src)).find(found => found)
        return match?.[1]?.trim() ? { type: 'mathInline', raw: match[0], tex: match[1].trim() } : undefined
      },
      renderer: token => `<code class="math">${escaped((token as MathToken).tex)}</code>`, // made above
    },
  ],
}

/** Draws the formulas below an element; what is no TeX stays as it was written. */
export async function drawMath(element: HTMLElement): Promise<void> {
  if (!hasExtra('math')) return // a site without it: the TeX stays readable
  const temml = await import('temml').then(
    loaded => loaded.default,
    () => null, // offline before it was ever fetched: the TeX stays readable
  )
  if (!temml) return
  for (const code of element.querySelectorAll<HTMLElement>('code.math')) {
    try {
      const displayMode = code.classList.contains('display')
      const html = temml
        .renderToString(code.textContent ?? '', { displayMode, trust: false, maxExpand: 200 })
        .replace(/ style="[^"]*"/g, '') // the page's policy refuses styles in attributes, with an error in the console
      if (html.includes('temml-error')) continue
      const drawn = document.createElement('span')
      drawn.className = displayMode ? 'formula display' : 'formula'
      // Addresses have no place in a formula.
      drawn.innerHTML = DOMPurify.sanitize(html, { USE_PROFILES: { mathMl: true }, FORBID_ATTR: ['style', 'href'] })
      code.replaceWith(drawn)
    } catch {
      // Not TeX after all, or not yet: the rest of it may still be on its way.
    }
  }
}
