/** What Harper itself says, where its words are the contract: the page takes its places as they come. */
import { Dialect, LocalLinter } from 'harper.js'
import { slimBinaryInlined } from 'harper.js/slimBinaryInlined'
import { expect, test } from 'vitest'
import { RULES_OFF } from '../../../web/src/tasks/grammar/harper-words.ts'

test('places count UTF-16 code units', { timeout: 60_000 }, async () => {
  const linter = new LocalLinter({ binary: slimBinaryInlined, dialect: Dialect.American })
  const sentence = '我 🙂 teh cat.'
  const [lint] = await linter.lint(sentence, { language: 'plaintext' })
  const { start = 0, end = 0 } = lint?.span() ?? {}
  expect(sentence.slice(start, end)).toBe('teh')
})

test('a long sentence hides no misspelling, with the rules off that we switch off', { timeout: 60_000 }, async () => {
  const linter = new LocalLinter({ binary: slimBinaryInlined, dialect: Dialect.American })
  const sentence = `My familly came ${'to the old house by the sea '.repeat(6)}and it was finaly warm.`
  const found = async () => {
    const lints = await linter.lint(sentence, { language: 'plaintext' })
    return lints.map(lint => lint.get_problem_text()).filter(text => text !== sentence)
  }
  expect(await found()).toEqual([])
  await linter.setLintConfig({ ...(await linter.getLintConfig()), ...RULES_OFF })
  expect(await found()).toEqual(['familly', 'finaly'])
})
