/** Two sites on one origin share nothing: every name of something kept comes from `siteName`. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { nameAt, pathOf } from '../../../web/src/engine/names.ts'

test.each([
  ['https://x.org/assets/index-abc.js', '/'],
  ['https://x.org/slm.js', '/'],
  ['https://x.org/sub/path/assets/worker-abc.js', '/sub/path/'],
  ['https://x.org/sub/path/slm-chat.js', '/sub/path/'],
  ['https://x.org/assets/slm.js', '/'],
  ['https://x.org/my%20site/assets/a.js', '/my%20site/'],
])('%s lies in %s', (script, path) => {
  expect(pathOf(script)).toBe(path)
})

test('the playground keeps its names, every other folder has its own', () => {
  expect(nameAt('/', 'slm-models')).toBe('slm-models')
  const names = ['/a/', '/a/b/', '/a%2F/', '/A/', '/b/'].map(path => nameAt(path, 'slm-models'))
  expect(new Set([...names, 'slm-models']).size).toBe(6)
  for (const name of names) expect(name).not.toMatch(/[/\\]/)
})

const source = new URL('../../../web/src/', import.meta.url)
const modules = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(name => /\.tsx?$/.test(name))
/** A text that begins like our names, given as a name: behind `=` or as a first argument. */
const NAME =
  /(?:=\s*|=>\s*|(?:getItem|setItem|removeItem|openDB(?:<\w+>)?|request|BroadcastChannel|open)\()(['`]slm-[^'`]*)/g
/** `format` of files; the name of a worker of this page alone; the service worker's caches, which have its scope in them. */
const OTHERS = /^'slm-playground-\w+|^'slm-export |^'slm-keeper$|^`slm-ui \$\{SCOPE\} /

test('no module names what it keeps without it', () => {
  const bare = modules.flatMap(name => {
    const code = readFileSync(new URL(name, source), 'utf8')
    return [...code.matchAll(NAME)].filter(([, text = '']) => !OTHERS.test(text)).map(([, text]) => `${name}: ${text}`)
  })
  expect(bare).toEqual([])
})

/** Where something is kept for an origin. */
const KEEPS = /Storage\.(?:get|set|remove)Item|openDB\b|locks\??\.request\(|new BroadcastChannel\(|\.getDirectory\(/
/** Named elsewhere: by `worker.ts`, whose lock it waits for, and by `news.ts`. */
const TOLD = ['engine/link.ts', 'state/chats/library.ts']

test('every module that keeps something asks for its name', () => {
  const keeping = modules.filter(name => KEEPS.test(readFileSync(new URL(name, source), 'utf8')))
  expect(keeping.length).toBeGreaterThan(15)
  const bare = keeping.filter(name => !readFileSync(new URL(name, source), 'utf8').includes('siteName('))
  expect(bare.filter(name => !TOLD.includes(name))).toEqual([])
})

test('the script before the first paint looks where the settings are', () => {
  const script = readFileSync(new URL('../../../web/public/theme.js', import.meta.url), 'utf8')
  for (const path of ['/', '/sub/path/']) {
    const document = { currentScript: { src: `https://x.org${path}theme.js` }, documentElement: { dataset: {} } }
    const getItem = (key: string) => (key === nameAt(path, 'slm-playground.settings') ? '{"theme":"dark"}' : null)
    new Function('document', 'localStorage', script)(document, { getItem })
    expect(document.documentElement.dataset).toEqual({ theme: 'dark' })
  }
})
