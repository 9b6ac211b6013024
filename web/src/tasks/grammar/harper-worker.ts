/** Harper's rules (harper.js, Apache-2.0) in a worker of their own: its WASM comes from our origin when the first sentence does. */
import { LocalLinter, Dialect as Tongue, type Lint as WasmLint } from 'harper.js'
import { slimBinary } from 'harper.js/slimBinary'
import { type Dialect, type FromHarper, type Lint, RULES_OFF, type ToHarper } from './harper-words.ts'

declare const self: DedicatedWorkerGlobalScope

const SUGGESTIONS = ['replace', 'remove', 'insert-after'] as const
/** More are never shown. */
const MOST_SUGGESTIONS = 3

let linter: { dialect: Dialect; made: LocalLinter } | null = null
let tail: Promise<unknown> = Promise.resolve()

self.addEventListener('message', ({ data }: MessageEvent<ToHarper>) => {
  tail = tail.then(() => answer(data)).then(found => self.postMessage(found))
})

async function answer({ id, sentence, dialect }: ToHarper): Promise<FromHarper> {
  try {
    const { made } = await ready(dialect)
    const groups = await made.organizedLints(sentence, { language: 'plaintext' })
    return { id, lints: Object.entries(groups).flatMap(([rule, lints]) => lints.map(lint => plain(rule, lint))) }
  } catch (error) {
    return { id, failed: error instanceof Error ? error.message : String(error) }
  }
}

async function ready(dialect: Dialect) {
  if (!linter) {
    const made = new LocalLinter({ binary: slimBinary, dialect: Tongue[dialect] })
    await made.setLintConfig({ ...(await made.getLintConfig()), ...RULES_OFF })
    linter = { dialect, made }
  } else if (linter.dialect !== dialect) {
    await linter.made.setDialect(Tongue[dialect])
    linter.dialect = dialect
  }
  return linter
}

/** Without Harper's objects, which lie in its WASM memory until they are freed. */
function plain(rule: string, lint: WasmLint): Lint {
  const span = lint.span()
  const suggestions = lint.suggestions().map(suggestion => {
    const said = { kind: SUGGESTIONS[suggestion.kind()] ?? 'replace', text: suggestion.get_replacement_text() }
    suggestion.free()
    return said
  })
  const found: Lint = {
    ...{ rule, kind: lint.lint_kind(), message: lint.message(), start: span.start, end: span.end },
    suggestions: suggestions.slice(0, MOST_SUGGESTIONS),
  }
  span.free()
  lint.free()
  return found
}
