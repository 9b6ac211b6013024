/** Every language says everything, in words of its own, and no component holds a sentence. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { text as german } from '../../../web/src/text/de/index.ts'
import { text as english } from '../../../web/src/text/en/index.ts'
import { preferred } from '../../../web/src/text/index.ts'

/** CodeMirror's own English is the key there. Prompts are for the model, which may know English only. */
const NOT_TRANSLATED = /^write\.phrases\.|\.prompt$/

/** Paths of all entries: `shell.pages.chat`. */
function leaves(node: object, path = ''): [string, unknown][] {
  return Object.entries(node)
    .flatMap(([key, value]): [string, unknown][] =>
      typeof value === 'object' && value !== null ? leaves(value, `${path}${key}.`) : [[`${path}${key}`, value]],
    )
    .filter(([name]) => !NOT_TRANSLATED.test(name))
}

describe('German', () => {
  const words = new Map(leaves(german))

  it('has an entry for every entry of English, of the same kind, and no other', () => {
    const wanted = leaves(english)
    expect([...words.keys()].sort()).toEqual(wanted.map(([path]) => path).sort())
    for (const [path, value] of wanted) {
      expect(typeof words.get(path), path).toBe(typeof value)
      if (typeof value === 'string') expect(String(words.get(path)).length > 0, path).toBe(value.length > 0)
    }
  })

  it('is not English: sentences of four words and more differ', () => {
    const same = leaves(english)
      .filter(([path, value]) => typeof value === 'string' && value.split(' ').length >= 4 && words.get(path) === value)
      .map(([path]) => path)
    expect(same).toEqual([])
  })
})

it.each([
  [['de-AT', 'en'], 'de'],
  [['fr', 'de'], 'de'],
  [['fr-CA'], 'en'],
  [[], 'en'],
  [['EN-gb', 'de'], 'en'],
])('readers of %j get %s', (wanted, expected) => {
  expect(preferred(wanted)).toBe(expected)
})

it('components take their sentences from text/', () => {
  const root = join(import.meta.dirname, '../../../web/src/ui')
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.tsx'))
  expect(files.length).toBeGreaterThan(10)
  const found = files.flatMap(name => {
    const code = readFileSync(join(root, name), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
    // Text between tags, and attributes that are read out: a capital letter, then two words more.
    const sentences =
      code.match(
        /(?<=>\s*)[A-Z][\w’]+ [\w’]+ [^<>{}()=;]*(?=<\/)|(?:aria-label|title|alt)="[^"]+"|placeholder="[^"]* [^"]*"/g,
      ) ?? []
    return sentences.map(sentence => `${name}: ${sentence.trim()}`)
  })
  expect(found).toEqual([])
})
