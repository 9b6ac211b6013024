/** The bar over the text: lists and panel beside it, what is open, and what can be done with it. */
import type { Signal } from '@preact/signals'
import { grammar as grammarSettings } from '../../state/grammar/settings.ts'
import { hasTask } from '../../state/site.ts'
import { writing } from '../../state/suggestions/settings.ts'
import { language, text } from '../../text/index.ts'
import { Icon, type IconName } from '../parts/icons.tsx'
import { Menu } from '../parts/menu.tsx'
import { titleOf, type Workplace } from './workplace.ts'

export interface Openings {
  list: Signal<boolean>
  panel: Signal<boolean>
  marks: Signal<boolean>
  difference: Signal<boolean>
  versions: Signal<boolean>
  keys: Signal<boolean>
  trial: Signal<boolean>
}

export function Bar({ work, open }: { work: Workplace; open: Openings }) {
  const words = text.value.write
  const { suggest } = text.value
  const entry = work.desk.current.value
  return (
    <div class="write-bar">
      <Tool
        icon="sidebar"
        name={open.list.value ? words.hideDocuments : words.showDocuments}
        expanded={open.list.value}
        act={() => toggle(open.list, [open.panel, open.marks])}
      />
      <h2 class="write-name">{entry ? titleOf(entry) : words.untitled}</h2>
      <Tool icon="undo" name={words.undo} wide act={() => work.undo()} />
      <Tool icon="redo" name={words.redo} wide act={() => work.redo()} />
      <Tool icon="search" name={words.findInText} wide act={() => work.find()} />
      <Tool
        icon="focus"
        name={words.focus[work.focusMode.value]}
        pressed={work.focusMode.value !== 'off'}
        act={() => work.nextFocus()}
      />
      <More work={work} open={open} />
      {hasTask('grammar') ? <MarksTool work={work} open={open} /> : null}
      {hasTask('autocomplete') ? (
        <Tool
          icon="ghost"
          name={open.panel.value ? suggest.hidePanel : suggest.showPanel}
          expanded={open.panel.value}
          off={!writing.value.enabled}
          act={() => toggle(open.panel, [open.list], open.marks)}
        />
      ) : null}
    </div>
  )
}

function MarksTool({ work, open }: { work: Workplace; open: Openings }) {
  const { grammar } = text.value
  const count = work.grammar.checker.marks.value.length
  return (
    <Tool
      icon="spell"
      name={open.marks.value ? grammar.hide : grammar.show(count.toLocaleString(language.value), count === 0)}
      expanded={open.marks.value}
      off={!grammarSettings.value.enabled}
      count={count}
      act={() => toggle(open.marks, [open.list], open.panel)}
    />
  )
}

/** Wide enough for the lists beside the text; else they lie over it, one at a time. */
export const WIDE = '(min-width: 64rem)'

/** `others` lie over the text, too, where there is no room; `instead` has the same place. */
function toggle(which: Signal<boolean>, others: readonly Signal<boolean>[], instead?: Signal<boolean>): void {
  which.value = !which.value
  if (!which.value) return
  if (instead) instead.value = false
  if (!matchMedia(WIDE).matches) for (const other of others) other.value = false
}

interface ToolProps {
  icon: IconName
  name: string
  act: () => void
  expanded?: boolean
  pressed?: boolean
  /** Not on small screens: the menu has it, too. */
  wide?: boolean
  off?: boolean
  /** Shown at the icon; part of the name already. */
  count?: number
}

function Tool({ icon, name, act, expanded, pressed, wide, off, count = 0 }: ToolProps) {
  return (
    <button
      type="button"
      class={`tool${wide ? ' write-wide' : ''}${off ? ' write-off' : ''}`}
      aria-label={name}
      title={name}
      aria-expanded={expanded}
      aria-pressed={pressed}
      onClick={act}
    >
      <Icon name={icon} />
      {count > 0 ? (
        <span class="write-count" aria-hidden="true">
          {count > 99 ? '99+' : count}
        </span>
      ) : null}
    </button>
  )
}

function More({ work, open }: { work: Workplace; open: Openings }) {
  const words = text.value.write
  const { suggest } = text.value
  const format = work.desk.current.value?.format ?? 'markdown'
  const other = format === 'markdown' ? 'text' : 'markdown'
  const show = (which: keyof Openings) => () => {
    open[which].value = true
  }
  const named = { markdown: words.markdown, text: words.plainText }
  return (
    <Menu
      label={words.more}
      icon="more"
      items={() => [
        { name: words.newDocument, act: () => work.newDocument() },
        { name: words.openFile, act: () => work.chooseFiles() },
        { name: words.saveFile, act: () => work.save() },
        { name: words.saveFileAs, act: () => work.save(true) },
        { name: words.versions, act: show('versions') },
        { name: words.undo, act: () => work.undo() },
        { name: words.redo, act: () => work.redo() },
        { name: words.findInText, act: () => work.find() },
        { name: `${words.format}: ${named[format]} → ${named[other]}`, act: () => work.setFormat(other) },
        { name: suggest.keys.title, act: show('keys') },
        { name: text.value.trial.title, act: show('trial') },
      ]}
    />
  )
}
