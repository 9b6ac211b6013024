// Corrects sentences (a JSON list on stdin) with Harper: the first suggestion of every lint, from right to left.
// node harper.mjs NODE_MODULES → {"texts": […], "seconds": […]}
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const dist = join(resolve(process.argv[2]), 'harper.js', 'dist')
const { Dialect, LocalLinter, SuggestionKind } = await import(pathToFileURL(join(dist, 'index.js')))
const { binary } = await import(pathToFileURL(join(dist, 'binary.js')))
const linter = new LocalLinter({ binary, dialect: Dialect.American })
await linter.setup()
const texts = []
const seconds = []
for (const text of JSON.parse(readFileSync(0, 'utf8'))) {
  const began = performance.now()
  const lints = await linter.lint(text, { language: 'plaintext' })
  const edits = lints
    .filter(lint => lint.suggestion_count() > 0)
    .map(lint => ({ span: lint.span(), suggestion: lint.suggestions()[0] }))
    .sort((a, b) => b.span.start - a.span.start)
  let letters = [...text] // Harper counts characters, not UTF-16 code units
  let untouched = letters.length
  for (const { span, suggestion } of edits) {
    if (span.end > untouched) continue
    const kind = suggestion.kind()
    const added = kind === SuggestionKind.Remove ? [] : [...suggestion.get_replacement_text()]
    const from = kind === SuggestionKind.InsertAfter ? span.end : span.start
    letters = [...letters.slice(0, from), ...added, ...letters.slice(span.end)]
    untouched = span.start
  }
  texts.push(letters.join(''))
  seconds.push((performance.now() - began) / 1000)
}
console.log(JSON.stringify({ texts, seconds }))
