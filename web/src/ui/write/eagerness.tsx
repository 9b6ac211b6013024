/** The assertiveness slider, and beside it what it costs: measured for this model, and from this user's own suggestions. */
import { engine } from '../../state/engine.ts'
import { changeWriting, writing } from '../../state/suggestions/settings.ts'
import { ENOUGH_OUTCOMES, ownPrecision } from '../../state/suggestions/usage.ts'
import { measuredTradeOff, type TradeOff } from '../../tasks/autocomplete-measured.ts'
import { language, text } from '../../text/index.ts'
import type { Workplace } from './workplace.ts'

const [LEAST, MOST, STEP] = [0.2, 0.95, 0.01]
const STEPS = Array.from({ length: Math.round((MOST - LEAST) / STEP) + 1 }, (_, at) => rounded(LEAST + at * STEP))

/** Shares of words that stand below the curve. */
const TICKS = [0.2, 0.4, 0.6, 0.8, 1] as const

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
        aria-valuetext={spoken(least)}
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
        <Row name={words.precision} value={percent(here.precision)} />
        <Row name={words.coverage} value={words.ofWords(percent(here.coverage))} />
        <Row name={words.wrong} value={words.ofWords(percent(here.wrongShowRate))} />
      </dl>
      <Curve points={points} here={here} />
    </>
  )
}

/** For who cannot see the figures: what this place of the slider gives and takes. */
function spoken(least: number): string {
  const { assertiveness: words } = text.value.suggest
  const bundle = engine.value?.info.bundle
  const here = bundle ? measuredTradeOff(bundle.id, least) : null
  return here ? `${words.shownFrom(percent(least))} ${told(here)}` : words.shownFrom(percent(least))
}

function told({ precision, coverage, wrongShowRate }: TradeOff): string {
  const { assertiveness: words } = text.value.suggest
  const figures = [
    `${words.precision} ${percent(precision)}`,
    `${words.coverage} ${words.ofWords(percent(coverage))}`,
    `${words.wrong} ${words.ofWords(percent(wrongShowRate))}`,
  ]
  return `${figures.join(', ')}.`
}

function Row({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

function Own({ outcomes, least }: { outcomes: Parameters<typeof ownPrecision>[0]; least: number }) {
  const { assertiveness: words } = text.value.suggest
  const { shown, accepted } = ownPrecision(outcomes, least)
  const number = (count: number) => count.toLocaleString(language.value)
  const value =
    shown < ENOUGH_OUTCOMES
      ? words.yoursFew(number(shown), shown === 0)
      : `${words.ofYours(number(accepted), number(shown))} (${percent(accepted / shown)})`
  return (
    <dl class="write-stats">
      <Row name={words.yours} value={value} />
    </dl>
  )
}

/** Width and height of the drawing, and the room around its plot, in its own units. */
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [280, 140, 38, 8, 20, 32]

/** Right when shown, upwards, against how often something is shown; lines lead from the slider's place to both axes. */
function Curve({ points, here }: { points: readonly TradeOff[]; here: TradeOff }) {
  const { assertiveness: words } = text.value.suggest
  const most = Math.max(...points.map(({ coverage }) => coverage), here.coverage, TICKS[0])
  const x = (coverage: number) => LEFT + ((WIDTH - LEFT - RIGHT) * coverage) / most
  const y = (precision: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - precision)
  const line = points.map(({ coverage, precision }) => `${x(coverage).toFixed(1)},${y(precision).toFixed(1)}`)
  const [atX, atY] = [x(here.coverage), y(here.precision)]
  return (
    <svg class="write-curve" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${words.chart} ${told(here)}`}>
      <text x={0} y={9}>
        {words.precision}
      </text>
      {[1, 0.5, 0].map(mark => (
        <g key={mark}>
          <line class={mark ? 'axis faint' : 'axis'} x1={LEFT} x2={WIDTH - RIGHT} y1={y(mark)} y2={y(mark)} />
          <text x={LEFT - 4} y={y(mark) + 3} text-anchor="end">
            {percent(mark)}
          </text>
        </g>
      ))}
      {TICKS.filter(tick => tick <= most).map(tick => (
        <text key={tick} x={x(tick)} y={y(0) + 13} text-anchor="middle">
          {percent(tick)}
        </text>
      ))}
      <text x={WIDTH - RIGHT} y={HEIGHT - 4} text-anchor="end">
        {words.coverageAxis}
      </text>
      <polyline class="lead" points={`${LEFT},${atY} ${atX},${atY} ${atX},${y(0)}`} />
      <polyline class="line" points={line.join(' ')} />
      <circle class="here" cx={atX} cy={atY} r="5" />
    </svg>
  )
}

function rounded(value: number): number {
  return Math.round(100 * value) / 100
}

/** With a decimal where whole numbers would say "never". */
function percent(share: number): string {
  const maximumFractionDigits = share < 0.01 ? 1 : 0
  return new Intl.NumberFormat(language.value, { style: 'percent', maximumFractionDigits }).format(share)
}
