/** What can be done with a comparison as a whole: columns, link, files, blind mode, score sheet. */
import { useSignal } from '@preact/signals'
import { useRef } from 'preact/hooks'
import { announcement, undo } from '../../state/announce.ts'
import {
  addLane,
  clearAnswers,
  currentComparison,
  isRunning,
  lanes,
  openComparison,
  prompts,
  together,
} from '../../state/compare.ts'
import { href } from '../../state/route.ts'
import { endBlind, isHidden, round, startRound } from '../../state/votes.ts'
import {
  comparisonFile,
  encodeComparison,
  LONGEST_LINK,
  MOST_COLUMNS,
  readComparisonFile,
} from '../../tasks/comparison.ts'
import { text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'
import { Icon } from '../parts/icons.tsx'
import { reportOf, resultsOf } from './report.ts'
import { ScoreSheet } from './scores.tsx'

export function Toolbar() {
  const words = text.value.compare
  const sheetOpen = useSignal(false)
  const last = lanes.value.at(-1)
  return (
    <section class="compare-tools" aria-label={words.tools}>
      <button
        type="button"
        class="quiet"
        disabled={!last || lanes.value.length >= MOST_COLUMNS || isRunning.value || round.value !== null}
        onClick={() => last && addLane(last.column.value)}
      >
        <Icon name="plus" />
        {words.add}
      </button>
      <Modes />
      <button
        type="button"
        class="quiet"
        disabled={prompts.value.length === 0}
        onClick={() => {
          undo.value = { text: words.cleared, act: clearAnswers() }
          document.getElementById('compare-prompt')?.focus()
        }}
      >
        <Icon name="again" />
        {words.clear}
      </button>
      <Sharing />
      <button
        type="button"
        class="quiet"
        aria-haspopup="dialog"
        onClick={() => {
          sheetOpen.value = true
        }}
      >
        {words.sheet}
      </button>
      <ScoreSheet open={sheetOpen} />
    </section>
  )
}

function Modes() {
  const words = text.value.compare
  const setBlind = (isBlind: boolean) => {
    if (!isBlind) return endBlind()
    clearAnswers()
    startRound()
  }
  return (
    <>
      <label title={words.blindHint}>
        <input
          type="checkbox"
          checked={round.value !== null}
          disabled={lanes.value.length < 2 || isRunning.value}
          onChange={event => setBlind(event.currentTarget.checked)}
        />
        {words.blind}
      </label>
      <label title={words.togetherHint}>
        <input
          type="checkbox"
          checked={together.value}
          disabled={isRunning.value}
          onChange={event => {
            together.value = event.currentTarget.checked
          }}
        />
        {words.together}
      </label>
    </>
  )
}

/** Not while columns are blind: what is saved would tell which is which. */
function Sharing() {
  const words = text.value.compare
  const said = useSignal('')
  const isOff = lanes.value.length === 0 || isHidden.value
  const say = (message: string) => {
    said.value = message
    announcement.value = message
  }
  return (
    <>
      <button type="button" class="quiet" disabled={isOff} onClick={async () => say(await copyLink())}>
        <Icon name="copy" />
        {words.link}
      </button>
      <button
        type="button"
        class="quiet"
        disabled={isOff}
        onClick={() => saveFile('comparison.json', comparisonJson(), 'application/json')}
      >
        {words.exportJson}
      </button>
      <button
        type="button"
        class="quiet"
        disabled={prompts.value.length === 0 || isOff}
        onClick={() => saveFile('comparison.md', reportOf(new Date()), 'text/markdown')}
      >
        {words.exportMarkdown}
      </button>
      <OpenFile onRefused={() => say(words.openFailed)} />
      <span class="small" role="status">
        {said.value}
      </span>
    </>
  )
}

function OpenFile({ onRefused }: { onRefused: () => void }) {
  const words = text.value.compare
  const picker = useRef<HTMLInputElement>(null)
  const open = async (file: File) => {
    const found = readComparisonFile(await file.text())
    if (!found) return onRefused()
    endBlind()
    openComparison(found)
  }
  return (
    <>
      <button type="button" class="quiet" disabled={isRunning.value} onClick={() => picker.current?.click()}>
        {words.open}
      </button>
      <input
        ref={picker}
        type="file"
        accept=".json,application/json"
        hidden
        aria-label={words.open}
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0]
          currentTarget.value = '' // the same file may be chosen again
          if (file) void open(file)
        }}
      />
    </>
  )
}

/** What is compared, with the answers and figures beside it. */
function comparisonJson(): string {
  const file: object = JSON.parse(comparisonFile(currentComparison()))
  return `${JSON.stringify({ ...file, results: resultsOf() }, null, 2)}\n`
}

async function copyLink(): Promise<string> {
  const words = text.value.compare
  const encoded = await encodeComparison(currentComparison())
  if (encoded.length > LONGEST_LINK) return words.linkTooLong
  try {
    await navigator.clipboard.writeText(new URL(href('compare', encoded), document.baseURI).href)
    return text.value.shell.copied
  } catch {
    return text.value.shell.copyRefusedLong
  }
}
