/** site.json: what both sides read (docs/sites.md), and what is refused; the accent stays readable whatever was chosen. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { accentTokens, contrastOf } from '../../../web/src/state/accent.ts'
import { readSite } from '../../../web/src/state/site.ts'

const fixture = (name: string) => readFileSync(new URL(`../../fixtures/sites/${name}.json`, import.meta.url), 'utf8')
const least = JSON.parse(fixture('least'))

test('the least that a site says', () => {
  const read = readSite(fixture('least'))
  expect(read).toMatchObject({ title: 'Tiny', pages: ['chat'], defaultModel: 'tiny-llama', isolation: 'none' })
  expect(read).toMatchObject({ description: '', author: null, accent: null, logo: null, perTask: {}, links: [] })
  expect([...read.extras]).toEqual(['pdf', 'math', 'code'])
  expect([...read.controls]).toEqual(['simple', 'advanced', 'format', 'presets', 'device'])
})

test('everything that a site can say', () => {
  const data = JSON.parse(fixture('full'))
  const read = readSite(fixture('full'))
  const { title, description, author, accent, logo, pages, tasks, models, examples, links, licence, isolation } = data
  expect(read).toMatchObject({ title, description, author, accent, logo, pages, tasks, models, examples, links })
  expect(read).toMatchObject({ licence, isolation, perTask: data.per_task, defaultModel: data.default_model })
  expect([...read.extras]).toEqual(['math'])
  expect([...read.controls]).toEqual(['simple'])
  expect(read.presets).toEqual(data.presets)
})

test('null is the same as left out, unknown fields are ignored', () => {
  const nulls = { description: null, author: null, accent: null, logo: null, tasks: null, controls: null, links: null }
  const more = { default_model: null, per_task: null, examples: null, presets: null, licence: null, isolation: null }
  expect(readSite(JSON.stringify({ ...least, ...nulls, ...more, later: 1 }))).toEqual(readSite(fixture('least')))
})

const [model] = least.models
test.each([
  [{ format: 2 }, 'format: this version reads format 1, found 2'],
  [{ title: 7 }, 'title: '],
  [{ pages: [] }, 'pages: '],
  [{ pages: ['chat', 'admin'] }, 'pages: '],
  [{ models: [] }, 'models: '],
  [{ models: [{ ...model, manifest: '../other/manifest.json' }] }, 'models[0].manifest: '],
  [{ models: [{ ...model, manifest: 'http://x.org/manifest.json' }] }, 'models[0].manifest: '],
  [{ models: [{ ...model, bytes: '7' }] }, 'models[0].bytes: '],
  [{ default_model: 'other' }, 'default_model: '],
  [{ per_task: { write: 'other' } }, 'per_task.write: '],
  [{ accent: { light: 'red', dark: '#ffffff' } }, 'accent: '],
  [{ logo: '/logo.svg' }, 'logo: '],
  [{ links: [{ label: 'x', href: 'javascript:alert(1)' }] }, 'links[0].href: '],
  [{ author: { name: 'x', url: 'data:text/html,x' } }, 'author.url: '],
  [{ controls: ['other'] }, 'controls: '],
  [{ isolation: 'maybe' }, 'isolation: '],
  [{ examples: { chat: 'one' } }, 'examples.chat: '],
])('%j is refused, naming the field', (change, start) => {
  let message = ''
  try {
    readSite(JSON.stringify({ ...least, ...change }))
  } catch (error) {
    message = (error as Error).message
  }
  expect(message.startsWith(start)).toBe(true)
})

const CHOSEN = ['#1d5fd1', '#ffff00', '#000000', '#ffffff', '#808080', '#ff8800', '#00ff00', '#fbfaf7', '#8ab4ff']
const GROUNDS = { light: ['#fbfaf7', '#ffffff', '#f1efe9'], dark: ['#161816', '#1f2220', '#2a2e2b'] }

test.each(CHOSEN)('accent %s can be read in both themes', chosen => {
  for (const theme of ['light', 'dark'] as const) {
    const { accent, ink, soft } = accentTokens(chosen, theme)
    for (const ground of [...GROUNDS[theme], soft]) expect(contrastOf(accent, ground)).toBeGreaterThanOrEqual(4.5)
    expect(contrastOf(accent, ink)).toBeGreaterThanOrEqual(4.5)
    const strong = accentTokens(chosen, theme, 7)
    expect(contrastOf(strong.accent, theme === 'light' ? '#ffffff' : '#000000')).toBeGreaterThanOrEqual(7)
  }
})

test('a colour that is readable stays as it was chosen', () => {
  expect(accentTokens('#1d5fd1', 'light').accent).toBe('#1d5fd1')
  expect(accentTokens('#8ab4ff', 'dark').accent).toBe('#8ab4ff')
})

test('the grounds are those of the page', () => {
  const tokens = readFileSync(new URL('../../../web/src/ui/tokens.css', import.meta.url), 'utf8')
  for (const [light, dark] of [GROUNDS.light, GROUNDS.dark].map(list => [list[0], list[2]])) {
    expect(tokens).toContain(light)
    expect(tokens).toContain(dark)
  }
})
