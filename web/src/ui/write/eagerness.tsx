/** The assertiveness slider: from how sure on something is shown, and what that has come to for this user. */
import { changeWriting, writing } from '../../state/suggestions/settings.ts'
import { ENOUGH_OUTCOMES, ownPrecision } from '../../state/suggestions/usage.ts'
import { language, text } from '../../text/index.ts'
import type { Workplace } from './workplace.ts'

const [LEAST, MOST] = [0.2, 0.95]

export function Eagerness({ work: { assistant } }: { work: Workplace }) {
  const { assertiveness: words } = text.value.suggest
  const percent = (share: number) => new Intl.NumberFormat(language.value, { style: 'percent' }).format(share)
  const least = assistant.minConfidence
  const { outcomes } = assistant.usage.value
  const own = ownPrecision(outcomes, least)
  return (
    <div class="field">
      <label for="write-eager">{words.title}</label>
      {/* To the right is more eager: the slider's value is what may be missing to certainty. */}
      <input
        id="write-eager"
        type="range"
        min={1 - MOST}
        max={1 - LEAST}
        step="0.05"
        value={1 - least}
        aria-valuetext={words.shownFrom(percent(least))}
        onInput={event =>
          changeWriting({ minConfidence: Math.round(100 * (1 - Number(event.currentTarget.value))) / 100 })
        }
      />
      <div class="write-ends small" aria-hidden="true">
        <span>{words.seldom}</span>
        <span>{words.often}</span>
      </div>
      <p class="small">
        {words.shownFrom(percent(least))}{' '}
        {writing.value.minConfidence === null ? null : (
          <button type="button" class="quiet" onClick={() => changeWriting({ minConfidence: null })}>
            {words.reset}
          </button>
        )}
      </p>
      <p class="small">
        {words.yours}:{' '}
        {own.shown < ENOUGH_OUTCOMES
          ? words.yoursFew(own.shown.toLocaleString(language.value))
          : `${words.ofYours(own.accepted.toLocaleString(language.value), own.shown.toLocaleString(language.value))} (${percent(own.accepted / own.shown)})`}
      </p>
    </div>
  )
}
