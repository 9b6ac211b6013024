/** The vote of a blind comparison, and afterwards which column was which. */
import { clearAnswers, lanes, round } from '../../state/compare.ts'
import { contestantOf, isHidden, startRound, vote } from '../../state/votes.ts'
import { text } from '../../text/index.ts'
import { letterOf } from './names.ts'

export function Ballot() {
  const words = text.value.compare
  if (!isHidden.value) return <Revealed />
  return (
    <fieldset class="ballot">
      <legend>{words.voteTitle}</legend>
      {lanes.value.map((lane, index) => (
        <button key={lane.id} type="button" class="secondary" onClick={() => vote(index, new Date())}>
          {words.better(letterOf(lane))}
        </button>
      ))}
      <button type="button" class="secondary" onClick={() => vote('tie', new Date())}>
        {words.tie}
      </button>
      <button type="button" class="secondary" onClick={() => vote('bad', new Date())}>
        {words.bad}
      </button>
    </fieldset>
  )
}

function Revealed() {
  const words = text.value.compare
  if (!round.value) return null
  return (
    <div class="ballot" role="status">
      <p class="small">{words.voted}</p>
      <ul>
        {lanes.value.map(lane => (
          <li key={lane.id}>
            <strong>{letterOf(lane)}</strong> {contestantOf(lane.column.value)}
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="primary"
        onClick={() => {
          clearAnswers()
          startRound()
          document.getElementById('compare-prompt')?.focus()
        }}
      >
        {words.again}
      </button>
    </div>
  )
}
