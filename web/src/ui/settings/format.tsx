/** The shape that answers must have: any text, JSON, JSON of a schema, a regular expression; checked by the engine. */
import { useSignal } from '@preact/signals'
import { engine } from '../../state/engine.ts'
import { inWords } from '../../state/in-words.ts'
import { type AnswerFormat, responseFormat } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { PATTERNS, SCHEMAS } from './examples.ts'

const TYPES = ['text', 'json_object', 'json_schema', 'regex'] as const

interface FormatProps {
  format: AnswerFormat
  prefix: string
  onChange: (format: AnswerFormat) => void
}

export function FormatField({ format, prefix, onChange }: FormatProps) {
  const words = text.value.controls.format
  const id = `${prefix}-format`
  const choose = (type: AnswerFormat['type']) => {
    if (type === 'json_schema') onChange({ type, schema: pretty(SCHEMAS.person) })
    else if (type === 'regex') onChange({ type, pattern: PATTERNS.choice })
    else onChange({ type })
  }
  return (
    <fieldset class="field">
      <legend>{words.title}</legend>
      <div class="choices stacked">
        {TYPES.map(type => (
          <label key={type}>
            <input type="radio" name={id} checked={format.type === type} onChange={() => choose(type)} />
            {words[type]}
          </label>
        ))}
      </div>
      {format.type === 'json_schema' ? (
        <Editor
          id={`${id}-schema`}
          label={words.schema}
          value={format.schema}
          rows={10}
          examples={exampleOptions('examples')}
          format={format}
          onChange={schema => onChange({ type: 'json_schema', schema })}
        />
      ) : null}
      {format.type === 'regex' ? (
        <Editor
          id={`${id}-pattern`}
          label={words.pattern}
          value={format.pattern}
          rows={2}
          hint={words.patternDoes}
          examples={exampleOptions('patterns')}
          format={format}
          onChange={pattern => onChange({ type: 'regex', pattern })}
        />
      ) : null}
      <p class="small">{words.does}</p>
    </fieldset>
  )
}

interface EditorProps {
  id: string
  label: string
  value: string
  rows: number
  hint?: string
  examples: { name: string; value: string }[]
  format: AnswerFormat
  onChange: (value: string) => void
}

function Editor({ id, label, value, rows, hint, examples, format, onChange }: EditorProps) {
  const words = text.value.controls.format
  /** What the engine said, of which text. */
  const said = useSignal<{ of: string; good: boolean; message: string } | null>(null)
  const trouble = format.type === 'json_schema' ? noSchema(value) : null
  const check = async () => {
    said.value = { of: value, ...(await verdict(format)) }
  }
  const verdictShown = said.value?.of === value ? said.value : null
  return (
    <div class="editor">
      <label for={id}>{label}</label>
      <textarea
        id={id}
        class="code-input"
        rows={rows}
        spellcheck={false}
        autocapitalize="off"
        value={value}
        aria-invalid={trouble !== null || verdictShown?.good === false}
        aria-describedby={`${id}-said`}
        onInput={event => onChange(event.currentTarget.value)}
      />
      <div class="panel-row">
        <select
          aria-label={words.example}
          value=""
          onChange={event => {
            const found = examples.find(({ name }) => name === event.currentTarget.value)
            if (found) onChange(found.value)
            event.currentTarget.value = ''
          }}
        >
          <option value="">{words.exampleNone}</option>
          {examples.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
        <span class="buttons">
          {format.type === 'json_schema' ? (
            <button
              type="button"
              class="quiet"
              disabled={trouble !== null}
              onClick={() => onChange(pretty(JSON.parse(value)))}
            >
              {words.tidy}
            </button>
          ) : null}
          <button type="button" class="secondary" disabled={trouble !== null} onClick={check}>
            {words.check}
          </button>
        </span>
      </div>
      <p class={verdictShown ? `small ${verdictShown.good ? 'good' : 'bad'}` : 'small'} id={`${id}-said`} role="status">
        {verdictShown?.message ?? trouble ?? hint ?? words.isJson}
      </p>
    </div>
  )
}

/** The engine's own opinion: it compiles the shape and refuses by name what it cannot hold an answer to. */
async function verdict(format: AnswerFormat): Promise<{ good: boolean; message: string }> {
  const words = text.value.controls.format
  const ready = engine.value
  if (!ready) return { good: false, message: words.noEngine }
  try {
    await ready.countTokens('x', { response_format: responseFormat(format) })
    return { good: true, message: words.good }
  } catch (error) {
    return { good: false, message: inWords(error) }
  }
}

function exampleOptions(kind: 'examples' | 'patterns'): { name: string; value: string }[] {
  const words = text.value.controls.format
  if (kind === 'patterns')
    return [
      { name: words.patterns.choice, value: PATTERNS.choice },
      { name: words.patterns.date, value: PATTERNS.date },
      { name: words.patterns.steps, value: PATTERNS.steps },
    ]
  return [
    { name: words.examples.person, value: pretty(SCHEMAS.person) },
    { name: words.examples.list, value: pretty(SCHEMAS.list) },
    { name: words.examples.rating, value: pretty(SCHEMAS.rating) },
  ]
}

/** Why a text is no schema, as a sentence; null where it is JSON of the right kind. */
function noSchema(value: string): string | null {
  const words = text.value.controls.format
  try {
    const schema: unknown = JSON.parse(value)
    const isSchema = typeof schema === 'boolean' || (Object(schema) === schema && !Array.isArray(schema))
    return isSchema ? null : words.notSchema
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return words.notJson(said, ...placeOf(said, value))
  }
}

/** Line and column, where the browser tells the place; its words are English. Else ''. */
function placeOf(said: string, value: string): [line: string, column: string] {
  const [, at] = /at position (\d+)/.exec(said) ?? []
  if (at === undefined) return ['', '']
  const before = value.slice(0, Number(at)).split('\n')
  return [String(before.length), String((before.at(-1) ?? '').length + 1)]
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2)
}
