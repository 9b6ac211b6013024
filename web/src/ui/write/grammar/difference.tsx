/** The text with all corrections beside the text as it is, as one with changes. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { text } from '../../../text/index.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { compareTexts, type Piece } from '../compare.ts'
import { Pieces } from '../pieces.tsx'
import type { GrammarDesk } from './desk.ts'

export function DifferenceDialog({ desk, open }: { desk: GrammarDesk; open: Signal<boolean> }) {
  const { difference: words } = text.value.grammar
  const pieces = useSignal<readonly Piece[]>([])
  useSignalEffect(() => {
    if (!open.value) return
    const [before, after] = desk.bothTexts()
    void compareTexts(before, after).then(found => {
      pieces.value = found
    })
  })
  const isNothing = pieces.value.every(({ kind }) => kind === 'same' || kind === 'folded')
  return (
    <Dialog open={open} title={words.title} closeLabel={words.close}>
      <p class="small">{isNothing ? words.none : words.lead}</p>
      {isNothing ? null : (
        <>
          <Pieces pieces={pieces.value} label={words.title} removed={words.before} added={words.after} />
          <div class="panel-row">
            <button
              type="button"
              class="primary"
              onClick={() => {
                desk.acceptAll(null)
                open.value = false
              }}
            >
              {words.accept}
            </button>
          </div>
        </>
      )}
    </Dialog>
  )
}
