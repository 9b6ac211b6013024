/** An answer that was held to a shape: JSON formatted, with a mark that says whether it is whole. */
import { useSignal } from '@preact/signals'
import type { AnswerFormat } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import '../css/insight.css'

interface ShapedProps {
  content: string
  format: Exclude<AnswerFormat, { type: 'text' }>
  isFinished: boolean
}

export function ShapedAnswer({ content, format, isFinished }: ShapedProps) {
  const words = text.value.insight.json
  const isRaw = useSignal(false)
  const value = format.type === 'regex' ? undefined : parsed(content)
  const isWhole = format.type === 'regex' ? matches(format.pattern, content) : value !== undefined
  const shown = value !== undefined && !isRaw.value ? JSON.stringify(value, null, 2) : content
  return (
    <div class="shaped">
      <pre>
        <code>{shown}</code>
      </pre>
      {isFinished ? (
        <div class="panel-row">
          <p class={`small mark ${isWhole ? 'good' : 'bad'}`}>
            <Icon name={isWhole ? 'check' : 'alert'} />
            {markOf(format, isWhole)}
          </p>
          {value === undefined ? null : (
            <button
              type="button"
              class="quiet"
              aria-pressed={isRaw.value}
              onClick={() => {
                isRaw.value = !isRaw.value
              }}
            >
              {isRaw.value ? words.formatted : words.raw}
            </button>
          )}
        </div>
      ) : null}
    </div>
  )
}

/** Complete JSON fits its schema: the engine let no other token come. */
function markOf({ type }: ShapedProps['format'], isWhole: boolean): string {
  const words = text.value.insight.json
  if (type === 'regex') return isWhole ? words.matches : words.noMatch
  if (!isWhole) return words.cut
  return type === 'json_schema' ? words.fits : words.whole
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    return undefined
  }
}

function matches(pattern: string, content: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'u').test(content)
  } catch {
    return false
  }
}
