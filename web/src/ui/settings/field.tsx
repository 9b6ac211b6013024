/** One number as slider and field together, with what it does, the model's own value and a way back to it. */
import { type NumberName, possible, RANGES } from '../../tasks/chat.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'

interface NumberFieldProps {
  name: NumberName
  /** What holds now; null where it is not known yet. */
  value: number | null
  /** In words: what holds where nothing is set here. */
  own: string | null
  isChanged: boolean
  onReset: () => void
  /** Less than the setting's range allows, where the model reads no more. */
  most?: number
  /** Before every id of this form: several may be on the page. */
  prefix: string
  onChange: (value: number) => void
}

export function NumberField({ name, value, own, isChanged, onReset, most, prefix, onChange }: NumberFieldProps) {
  const range = RANGES[name]
  const limits = { min: range.least, max: Math.min(range.most, most ?? range.most), step: range.step }
  const { name: label, does } = text.value.controls.numbers[name]
  const id = `${prefix}-${name}`
  const shown = value ?? ''
  const take = (typed: string) => {
    const number = typed === '' ? undefined : possible(name, Number(typed))
    if (number !== undefined && number <= limits.max) onChange(number)
  }
  return (
    <div class="field">
      <FieldHead {...{ id, label, own, isChanged, onReset }} />
      <div class="pair">
        <input
          {...limits}
          id={id}
          type="range"
          value={shown}
          aria-describedby={`${id}-does`}
          onInput={event => take(event.currentTarget.value)}
        />
        <input
          {...limits}
          type="number"
          aria-label={text.value.controls.asNumber(label)}
          value={shown}
          onInput={event => take(event.currentTarget.value)}
          onChange={event => {
            // What cannot be becomes the nearest that can, instead of a form that does not close.
            const typed = event.currentTarget.value
            const nearest = typed === '' ? shown : Math.min(limits.max, Math.max(limits.min, Number(typed)))
            event.currentTarget.value = String(nearest)
            take(String(nearest))
          }}
        />
      </div>
      <p class="small" id={`${id}-does`}>
        {does}
      </p>
    </div>
  )
}

interface FieldHeadProps {
  id: string
  label: string
  own: string | null
  isChanged: boolean
  onReset: () => void
}

/** Label, what holds where nothing is set here, and the way back to it. */
export function FieldHead({ id, label, own, isChanged, onReset }: FieldHeadProps) {
  return (
    <div class="field-head">
      <label for={id}>{label}</label>
      {own === null ? null : <span class="small">{own}</span>}
      <button
        type="button"
        class="tool reset"
        aria-label={text.value.controls.reset(label)}
        title={text.value.controls.reset(label)}
        disabled={!isChanged}
        onClick={() => {
          onReset()
          document.getElementById(id)?.focus() // this button is disabled now
        }}
      >
        <Icon name="again" />
      </button>
    </div>
  )
}
