/** What can be done with a comparison as a whole: columns, link, files, blind mode, score sheet. */
import { useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
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
  round,
  together,
} from '../../state/compare.ts'
import { href } from '../../state/route.ts'
import { endBlind, isHidden, startRound } from '../../state/votes.ts'
import { linkOf, MOST_COLUMNS, readComparisonFile } from '../../tasks/comparison.ts'
import { text } from '../../text/index.ts'
import { saveFile } from '../parts/files.ts'
import { Icon, type IconName } from '../parts/icons.tsx'
import { useMatches } from '../parts/matches.ts'
import { Menu } from '../parts/menu.tsx'
import { reportOf, saveComparison } from './report.ts'
import { ScoreSheet } from './scores.tsx'

/** So narrow that buttons side by side would lead out of sight: css/compare.css has the same. */
const NARROW = '(max-width: 48rem)'

interface Tool {
  name: string
  icon?: IconName
  isOff: boolean
  /** Whether it opens a dialog. */
  isDialog?: boolean
  act: () => void
}

export function Toolbar() {
  const words = text.value.compare
  const isNarrow = useMatches(NARROW)
  const sheetOpen = useSignal(false)
  const said = useSignal('')
  const picker = useRef<HTMLInputElement>(null)
  const say = (message: string) => {
    said.value = message
    announcement.value = message
  }
  const tools: Tool[] = [
    ...sharing(say),
    { name: words.open, isOff: isRunning.value, act: () => picker.current?.click() },
    {
      name: words.sheet,
      isOff: false,
      isDialog: true,
      act: () => {
        sheetOpen.value = true
      },
    },
  ]
  return (
    <section class="compare-tools" aria-label={words.tools}>
      <AddColumn />
      <Modes />
      {isNarrow ? (
        <Menu label={words.tools} icon="more" items={() => tools.filter(({ isOff }) => !isOff)} />
      ) : (
        tools.map(tool => <ToolButton key={tool.name} {...tool} />)
      )}
      <span class="small" role="status">
        {said.value}
      </span>
      <Picker picker={picker} onRefused={() => say(words.openFailed)} />
      <ScoreSheet open={sheetOpen} />
    </section>
  )
}

function ToolButton({ name, icon, isOff, isDialog, act }: Tool) {
  return (
    <button type="button" class="quiet" aria-haspopup={isDialog ? 'dialog' : undefined} disabled={isOff} onClick={act}>
      {icon ? <Icon name={icon} /> : null}
      {name}
    </button>
  )
}

function AddColumn() {
  const { add } = text.value.compare
  const last = lanes.value.at(-1)
  return (
    <button
      type="button"
      class="quiet"
      title={add}
      aria-label={add}
      disabled={!last || lanes.value.length >= MOST_COLUMNS || isRunning.value || round.value !== null}
      onClick={() => last && addLane(last.column.value)}
    >
      <Icon name="plus" />
      <span>{add}</span>
    </button>
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

/** What is saved is not to be had while columns are blind: it would tell which is which. */
function sharing(say: (message: string) => void): Tool[] {
  const words = text.value.compare
  const isOff = lanes.value.length === 0 || isHidden.value
  const isEmpty = prompts.value.length === 0
  return [
    {
      name: words.clear,
      icon: 'again',
      isOff: isEmpty,
      act: () => {
        undo.value = { text: words.cleared, act: clearAnswers() }
        document.getElementById('compare-prompt')?.focus()
      },
    },
    { name: words.link, icon: 'copy', isOff, act: async () => say(await copyLink()) },
    { name: words.exportJson, isOff, act: saveComparison },
    {
      name: words.exportMarkdown,
      isOff: isEmpty || isOff,
      act: () => saveFile('comparison.md', reportOf(new Date()), 'text/markdown'),
    },
  ]
}

interface PickerProps {
  picker: RefObject<HTMLInputElement | null>
  onRefused: () => void
}

function Picker({ picker, onRefused }: PickerProps) {
  const open = async (file: File) => {
    const found = readComparisonFile(await file.text())
    if (!found) return onRefused()
    openComparison(found)
  }
  return (
    <input
      ref={picker}
      type="file"
      accept=".json,application/json"
      hidden
      aria-label={text.value.compare.open}
      onChange={({ currentTarget }) => {
        const file = currentTarget.files?.[0]
        currentTarget.value = '' // the same file may be chosen again
        if (file) void open(file)
      }}
    />
  )
}

async function copyLink(): Promise<string> {
  const words = text.value.compare
  const link = await linkOf(currentComparison())
  if (link === null) return words.linkTooLong
  try {
    await navigator.clipboard.writeText(new URL(href('compare', link), document.baseURI).href)
    return text.value.shell.copied
  } catch {
    return text.value.shell.copyRefusedLong
  }
}
