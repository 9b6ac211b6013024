/** What Harper itself says, where its words are the contract: the page takes its places as they come. */
import { Dialect, LocalLinter } from 'harper.js'
import { slimBinaryInlined } from 'harper.js/slimBinaryInlined'
import { expect, test } from 'vitest'

test('places count UTF-16 code units', { timeout: 60_000 }, async () => {
  const linter = new LocalLinter({ binary: slimBinaryInlined, dialect: Dialect.American })
  const sentence = '我 🙂 teh cat.'
  const [lint] = await linter.lint(sentence, { language: 'plaintext' })
  const { start = 0, end = 0 } = lint?.span() ?? {}
  expect(sentence.slice(start, end)).toBe('teh')
})
