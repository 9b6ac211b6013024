/** What the service worker of a site takes for its own pages, and how it learns whether to isolate them. */
import { expect, test } from 'vitest'
import { isIndex, isNeighbour, isolationOf } from '../../../web/src/offline/rules.ts'

const SCOPE = 'https://x.org/sub/'

test.each([
  ['https://x.org/sub/', true, false],
  ['https://x.org/sub/?a=1#/chat', true, false],
  ['https://x.org/sub/index.html', true, true],
  ['https://x.org/sub/embed.html', false, true],
  ['https://x.org/sub/other/', false, false], // another site
  ['https://x.org/sub/other/index.html', false, false],
  ['https://x.org/subject/embed.html', false, false],
  ['https://y.org/sub/embed.html', false, false],
])('%s: index %s, page beside it %s', (url, index, neighbour) => {
  expect(isIndex(url, SCOPE)).toBe(index)
  expect(isNeighbour(url, SCOPE)).toBe(neighbour)
})

test.each([
  ['https://x.org/sub/sw.js', 'headers'],
  ['https://x.org/sub/sw.js?isolation=headers', 'headers'],
  ['https://x.org/sub/sw.js?isolation=worker', 'worker'],
  ['https://x.org/sub/sw.js?isolation=none', 'none'],
  ['https://x.org/sub/sw.js?isolation=other', 'headers'],
])('%s: %s', (script, wish) => {
  expect(isolationOf(script)).toBe(wish)
})
