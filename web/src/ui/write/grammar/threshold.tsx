/** How sure the model must be of a correction, and what was measured for that. */
import { changeGrammar, grammar as settings } from '../../../state/grammar/settings.ts'
import { type Measured, measuredOf } from '../../../tasks/grammar/measured.ts'
import { language, text } from '../../../text/index.ts'
import type { GrammarDesk } from './desk.ts'
import { oneDigit } from './popup.tsx'

const RANGE = { min: -2, max: 8, step: 0.5 }

export function Threshold({ desk: { checker } }: { desk: GrammarDesk }) {
  const { threshold: words } = text.value.grammar
  const { threshold } = checker
  const measured = measuredOf(checker.helpers.engine.value?.info.bundle.id ?? '')
  return (
    <div class="field">
      <label for="grammar-threshold">{words.title}</label>
      <input
        id="grammar-threshold"
        type="range"
        {...RANGE}
        value={threshold}
        aria-describedby="grammar-threshold-hint"
        aria-valuetext={words.shownFrom(oneDigit(threshold))}
        onInput={({ currentTarget }) => changeGrammar({ threshold: Number(currentTarget.value) })}
      />
      <div class="write-ends small">
        <span>{words.more}</span>
        <span>{words.fewer}</span>
      </div>
      <p class="small" id="grammar-threshold-hint">
        {words.shownFrom(oneDigit(threshold))}
      </p>
      {measured ? <TradeOff measured={measured} threshold={threshold} /> : null}
      {settings.value.threshold === null ? null : (
        <button type="button" class="quiet" onClick={() => changeGrammar({ threshold: null })}>
          {words.reset}
        </button>
      )}
    </div>
  )
}

function TradeOff({
  measured: { sentences, correct_sentences, rows },
  threshold,
}: {
  measured: Measured
  threshold: number
}) {
  const { threshold: words } = text.value.grammar
  const number = (count: number) => count.toLocaleString(language.value)
  const share = (value: number) => value.toLocaleString(language.value, { style: 'percent', maximumFractionDigits: 1 })
  const at = rows.findLastIndex(({ gate }) => gate <= threshold)
  return (
    <>
      <p class="small">{words.measured(number(sentences), number(correct_sentences))}</p>
      <table class="trial-table">
        <thead>
          <tr>
            <th scope="col">{words.gate}</th>
            <th scope="col">{words.precision}</th>
            <th scope="col">{words.recall}</th>
            <th scope="col">{words.alarms}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ gate, precision, recall, correct_changed }, index) => (
            <tr key={gate} aria-current={index === at ? 'true' : undefined}>
              <th scope="row">{oneDigit(gate)}</th>
              <td>{share(precision)}</td>
              <td>{share(recall)}</td>
              <td>{share(correct_changed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
