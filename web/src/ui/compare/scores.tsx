/** What the votes come to. */
import type { Signal } from '@preact/signals'
import { undo } from '../../state/announce.ts'
import { resetVotes, scores, votes } from '../../state/votes.ts'
import { text } from '../../text/index.ts'
import { count, percent } from '../insight/numbers.ts'
import { Dialog } from '../parts/dialog.tsx'
import { saveFile } from '../parts/files.ts'

export function ScoreSheet({ open }: { open: Signal<boolean> }) {
  const words = text.value.compare
  return (
    <Dialog open={open} title={words.sheet} closeLabel={words.sheetClose}>
      {scores.value.length === 0 ? <p>{words.sheetEmpty}</p> : <Table />}
      <p class="small">{words.sheetNote}</p>
      <div class="panel-row">
        <button
          type="button"
          class="secondary"
          disabled={votes.value.length === 0}
          onClick={() => {
            undo.value = { text: words.sheetWasReset, act: resetVotes() }
          }}
        >
          {words.sheetReset}
        </button>
        <button
          type="button"
          class="secondary"
          disabled={votes.value.length === 0}
          onClick={() => saveFile('score-sheet.json', sheetFile(), 'application/json')}
        >
          {words.sheetExport}
        </button>
      </div>
    </Dialog>
  )
}

function Table() {
  const { sheetColumns: names, sheet } = text.value.compare
  return (
    <div class="sheet">
      <table>
        <caption class="visually-hidden">{sheet}</caption>
        <thead>
          <tr>
            <th scope="col">{names.contestant}</th>
            <th scope="col">{names.rating}</th>
            <th scope="col">{names.wins}</th>
            <th scope="col">{names.losses}</th>
            <th scope="col">{names.ties}</th>
            <th scope="col">{names.share}</th>
          </tr>
        </thead>
        <tbody>
          {scores.value.map(({ contestant, wins, losses, ties, share, rating }) => (
            <tr key={contestant}>
              <th scope="row">{contestant}</th>
              <td>{count(rating)}</td>
              <td>{count(wins)}</td>
              <td>{count(losses)}</td>
              <td>{count(ties)}</td>
              <td>{share === null ? '–' : text.value.insight.tokens.probability(percent(share))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function sheetFile(): string {
  const sheet = { format: 'slm-playground-scores', version: 1, scores: scores.value, votes: votes.value }
  return `${JSON.stringify(sheet, null, 2)}\n`
}
