/** Model output is untrusted: what an answer may put on the page, and what it may not. */
import { h, render } from 'preact'
import { describe, expect, it, vi } from 'vitest'
import { blocks, GrowingBlocks, Markdown, safeHtml } from '../../../web/src/ui/parts/markdown.tsx'
import { dice } from '../chats/sample.ts'

const html = (text: string) => safeHtml(blocks(text))

describe('answers cannot run or load anything', () => {
  const hostile = {
    script: '<script>window.hacked = 1</script>',
    handler: '<img src=x onerror="window.hacked = 1">',
    'handler on allowed tag': '<p onclick="window.hacked = 1">x</p>',
    'javascript link': '[x](javascript:window.hacked=1)',
    'entity link': '<a href="jav&#x09;ascript:window.hacked=1">x</a>',
    'data link': '[x](data:text/html,<script>window.hacked=1</script>)',
    'remote image': '![x](https://example.org/track.png)',
    iframe: '<iframe src="https://example.org"></iframe>',
    svg: '<svg onload="window.hacked = 1"><script>window.hacked = 1</script></svg>',
    math: '<math><mtext><img src=x onerror="window.hacked = 1"></mtext></math>',
    style: '<style>body { display: none }</style>',
    'style attribute': '<p style="position:fixed;inset:0">x</p>',
    form: '<form action="https://example.org"><input name="q"><button>go</button></form>',
    base: '<base href="https://example.org/">',
    'meta refresh': '<meta http-equiv="refresh" content="0;url=https://example.org">',
    object: '<object data="https://example.org/x.swf"></object>',
    template: '<template><img src=x onerror="window.hacked = 1"></template>',
    'class that could look like our controls': '<p class="primary" id="composer">x</p>',
  }
  for (const [name, text] of Object.entries(hostile)) {
    it(name, async () => {
      const box = document.createElement('div')
      box.innerHTML = html(text)
      document.body.append(box)
      const banned =
        'script, img, iframe, svg, math, style, form, input, button, base, meta, object, template, [id], [class]'
      expect(box.querySelector(banned)).toBeNull()
      for (const element of box.querySelectorAll('*')) {
        for (const { name: attribute, value } of element.attributes) {
          expect(attribute).not.toMatch(/^(on|style|src)/)
          if (attribute === 'href') expect(value).toMatch(/^(https?|mailto):/)
        }
      }
      await new Promise(resolve => requestAnimationFrame(resolve))
      expect('hacked' in window).toBe(false)
      box.remove()
    })
  }
})

describe('what small models write looks right', () => {
  it('lists, emphasis, inline code, tables, headings', () => {
    expect(html('1. **a**\n2. `b`')).toContain('<ol dir="auto">')
    expect(html('- שלום\n- hello')).toContain('<ul dir="auto">')
    expect(html('1. **a**')).toContain('<strong>a</strong>')
    expect(html('| a | b |\n|---|---|\n| 1 | 2 |')).toContain('<td>1</td>')
    expect(html('# Title')).toContain('<h4>Title</h4>')
  })

  it('pictures are told, not fetched, and their text is text', () => {
    expect(html('![a <b>cat</b>](https://example.org/cat.png)')).toBe('<p>a &lt;b&gt;cat&lt;/b&gt;</p>\n')
  })

  it('task lists keep their marks, headings stand below the page’s own', () => {
    const box = document.createElement('div')
    box.innerHTML = html('- [x] done\n- [ ] open\n\n# One\n\n###### Six')
    expect([...box.querySelectorAll('li')].map(({ textContent }) => textContent?.trim())).toEqual(['☑ done', '☐ open'])
    expect([...box.querySelectorAll('h4, h6')].map(({ tagName }) => tagName)).toEqual(['H4', 'H6'])
  })

  it('links open elsewhere and tell nothing about this page', () => {
    const box = document.createElement('div')
    box.innerHTML = html('[site](https://example.org)')
    const link = box.querySelector('a')
    expect([link?.target, link?.rel]).toEqual(['_blank', 'noopener noreferrer'])
  })

  it('every prefix of an answer renders: a stream passes through all of them', () => {
    const text =
      'Hello **bold** and `code`\n\n```js\nlet a = "<b>"\n```\n\n| a |\n|---|\n| <i>1</i> |\n\n- [x](https://e.org)\n'
    for (let end = 0; end <= text.length; end++) expect(() => html(text.slice(0, end))).not.toThrow()
  })

  it('earlier blocks keep their text while a later one grows: only the last is drawn again', () => {
    const first = blocks('One.\n\nTwo')
    const later = blocks('One.\n\nTwo and more')
    expect(later[0]?.raw).toBe(first[0]?.raw)
    expect(later[1]?.raw).not.toBe(first[1]?.raw)
  })
})

describe('a text that grows', () => {
  const PIECES = [
    ...['word ', 'two words ', '\n', '\n\n', '- item\n', '  - below\n', '1. one\n', '# Title\n', '> said\n', '***\n'],
    ...[
      '```js\n',
      '```\n',
      '    indented\n',
      '| a | b |\n|---|---|\n',
      '| 1 | 2 |\n',
      '`code` ',
      '**bold** ',
      '---\n',
      '===',
    ],
    ...['$$x^2$$\n', '\\(a+b\\) ', '<b>html</b>\n', '[link](https://e.org) ', '[ref]: https://e.org\n', '[ref] ', '\t'],
  ]

  it('is at every step what it would be at once', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const roll = dice(seed)
      const growing = new GrowingBlocks()
      let text = ''
      for (let step = 0; step < 20; step++) {
        text += PIECES[roll(PIECES.length)]
        const [grown, whole] = [growing.read(text), blocks(text)].map(tokens => tokens.map(token => safeHtml([token])))
        expect(grown, JSON.stringify(text)).toEqual(whole)
      }
    }
  })

  it('nor does it matter where a token ends: a list whose next number stands alone for a while stays one list', () => {
    const roll = dice(12)
    for (let round = 0; round < 30; round++) {
      const whole = `${Array.from({ length: 8 }, () => PIECES[roll(PIECES.length)]).join('')}\n\n1. one\n\n2. two\n\n1. three\n\n- x\n\n- y\n\nend`
      const growing = new GrowingBlocks()
      for (let end = 1; end <= whole.length; end += 1 + roll(3)) {
        const text = whole.slice(0, end)
        const [grown, read] = [growing.read(text), blocks(text)].map(tokens => tokens.map(token => safeHtml([token])))
        expect(grown, JSON.stringify(text)).toEqual(read)
      }
    }
  })
})

describe('formulas and code', () => {
  function shown(text: string): HTMLElement {
    const box = document.createElement('div')
    document.body.append(box)
    render(h(Markdown, { text }), box)
    return box
  }

  it('TeX becomes MathML; prices and what is no TeX stay as they are', async () => {
    const box = shown('So $a^2$ and \\(b\\), for $5 or $6.\n\n$$\n\\frac{1}{2}\n$$\n\nNot $\\frac{$ this.')
    await vi.waitFor(() => expect(box.querySelectorAll('math')).toHaveLength(3))
    expect(box.querySelector('.formula.display mfrac')).not.toBeNull()
    expect(box.textContent).toContain('for $5 or $6.')
    expect(box.querySelectorAll('[style], a')).toHaveLength(0)
    box.remove()
  })

  it('a formula cannot lead elsewhere', async () => {
    const box = shown('$\\href{javascript:window.hacked=1}{x} + y$ and $z$')
    await vi.waitFor(() => expect(box.querySelector('math')).not.toBeNull())
    expect(box.querySelectorAll('[href], a')).toHaveLength(0)
    box.remove()
  })

  it('code is coloured where its language is known, and stays the same text', async () => {
    const code = 'def f(x):\n    return "<b>" + x  # why'
    const box = shown(`\`\`\`py\n${code}\n\`\`\`\n\n\`\`\`klingon\n<b>\n\`\`\``)
    await vi.waitFor(() => expect(box.querySelector('.hljs-keyword')?.textContent).toBe('def'))
    expect(box.querySelector('pre code')?.textContent).toBe(code)
    expect(box.querySelectorAll('b')).toHaveLength(0)
    box.remove()
  })
})
