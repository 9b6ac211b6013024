/** The assertiveness slider, and beside it what it costs: measured for this model, and from this user's own suggestions. */
import { engine } from '../../state/engine.ts'
import { changeWriting, writing } from '../../state/suggestions/settings.ts'
import { ENOUGH_OUTCOMES, ownPrecision } from '../../state/suggestions/usage.ts'
import { measuredTradeOff, type TradeOff } from '../../tasks/autocomplete-measured.ts'
import { language, text } from '../../text/index.ts'
import type { Workplace } from './workplace.ts'

const [LEAST, MOST, STEP] = [0.2, 0.95, 0.01]
const STEPS = Array.from({ length: Math.round((MOST - LEAST) / STEP) + 1 }, (_, at) => rounded(LEAST + at * STEP))

export function Eagerness({ work: { assistant } }: { work: Workplace }) {
  const { assertiveness: words } = text.value.suggest
  const least = assistant.minConfidence
  return (
    <div class="field">
      <label for="write-eager">{words.title}</label>
      {/* To the right is more eager: the slider's value is what may be missing to certainty. */}
      <input
        id="write-eager"
        type="range"
        min={rounded(1 - MOST)}
        max={rounded(1 - LEAST)}
        step={STEP}
        value={rounded(1 - least)}
        aria-valuetext={words.shownFrom(percent(least))}
        onInput={event => changeWriting({ minConfidence: rounded(1 - Number(event.currentTarget.value)) })}
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
      <Measured least={least} />
      <Own outcomes={assistant.usage.value.outcomes} least={least} />
    </div>
  )
}

/** From the built-in evaluation, where the loaded model was a part of it. */
function Measured({ least }: { least: number }) {
  const { assertiveness: words } = text.value.suggest
  const bundle = engine.value?.info.bundle
  if (!bundle) return null
  const here = measuredTradeOff(bundle.id, least)
  if (!here) return <p class="small">{words.noMeasure(bundle.name)}</p>
  const points = STEPS.flatMap(step => measuredTradeOff(bundle.id, step) ?? [])
  return (
    <>
      <p class="small">
        {words.measured(bundle.name, here.places.toLocaleString(language.value), percent(here.minConfidence))}
      </p>
      <dl class="write-stats">
        <div>
          <dt>{words.precision}</dt>
          <dd>{percent(here.precision)}</dd>
        </div>
        <div>
          <dt>{words.coverage}</dt>
          <dd>{words.ofWords(percent(here.coverage))}</dd>
        </div>
        <div>
          <dt>{words.wrong}</dt>
          <dd>{words.ofWords(percent(here.wrongShowRate))}</dd>
        </div>
      </dl>
      <Curve points={points} here={here} />
    </>
  )
}

function Own({ outcomes, least }: { outcomes: Parameters<typeof ownPrecision>[0]; least: number }) {
  const { assertiveness: words } = text.value.suggest
  const { shown, accepted } = ownPrecision(outcomes, least)
  const number = (count: number) => count.toLocaleString(language.value)
  const told =
    shown < ENOUGH_OUTCOMES
      ? words.yoursFew(number(shown))
      : `${words.ofYours(number(accepted), number(shown))} (${percent(accepted / shown)})`
  return <p class="small">{`${words.yours}: ${told}`}</p>
}

/** Width and height of the drawing, and the room for its numbers, in its own units. */
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [280, 110, 38, 16]

function Curve({ points, here }: { points: readonly TradeOff[]; here: TradeOff }) {
  const most = Math.max(...points.map(({ coverage }) => coverage), here.coverage)
  const x = (coverage: number) => LEFT + ((WIDTH - LEFT - 8) * coverage) / (most || 1)
  const y = (precision: number) => 8 + (HEIGHT - BOTTOM - 8) * (1 - precision)
  const line = points.map(({ coverage, precision }) => `${x(coverage).toFixed(1)},${y(precision).toFixed(1)}`)
  const marks = [1, 0.5, 0]
  return (
    <svg
      class="write-curve"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={text.value.suggest.assertiveness.chart}
    >
      {marks.map(mark => (
        <g key={mark}>
          <line
            class="axis"
            x1={LEFT}
            x2={WIDTH}
            y1={y(mark)}
            y2={y(mark)}
            stroke-dasharray={mark ? '2 3' : undefined}
          />
          <text x={LEFT - 4} y={y(mark) + 3} text-anchor="end">
            {percent(mark)}
          </text>
        </g>
      ))}
      <text x={WIDTH} y={HEIGHT - 3} text-anchor="end">
        {percent(most)}
      </text>
      <polyline class="line" points={line.join(' ')} />
      <circle class="here" cx={x(here.coverage)} cy={y(here.precision)} r="5" />
    </svg>
  )
}

function rounded(value: number): number {
  return Math.round(100 * value) / 100
}

function percent(share: number): string {
  return new Intl.NumberFormat(language.value, { style: 'percent' }).format(share)
}
