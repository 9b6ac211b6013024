/** The bar over the text: lists and panel beside it, what is open, and what can be done with it. */
import { type Signal, useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { grammar as grammarSettings } from '../../state/grammar/settings.ts'
import { hasTask } from '../../state/site.ts'
import { writing } from '../../state/suggestions/settings.ts'
import { language, text } from '../../text/index.ts'
import { Icon, type IconName } from '../parts/icons.tsx'
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
  return (
    <Menu name={words.more}>
      <Item act={() => work.newDocument()}>{words.newDocument}</Item>
      <Item act={() => work.chooseFiles()}>{words.openFile}</Item>
      <Item act={() => work.save()}>{words.saveFile}</Item>
      <Item act={() => work.save(true)}>{words.saveFileAs}</Item>
      <Item act={show('versions')}>{words.versions}</Item>
      <Item act={() => work.undo()}>{words.undo}</Item>
      <Item act={() => work.redo()}>{words.redo}</Item>
      <Item act={() => work.find()}>{words.findInText}</Item>
      <Item act={() => work.setFormat(other)}>
        {words.format}: {format === 'markdown' ? words.markdown : words.plainText} →{' '}
        {other === 'markdown' ? words.markdown : words.plainText}
      </Item>
      <Item act={show('keys')}>{suggest.keys.title}</Item>
      <Item act={show('trial')}>{text.value.trial.title}</Item>
    </Menu>
  )
}

/** A menu button (ARIA APG): arrows move, Esc and a click elsewhere close, the focus comes back to the button. */
function Menu({ name, children }: { name: string; children: ComponentChildren }) {
  const isOpen = useSignal(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const items = () => [...(box.current?.querySelectorAll<HTMLElement>('[role="menuitem"]') ?? [])]
  const close = () => {
    isOpen.value = false
  }
  useEffect(() => {
    if (!isOpen.value) return
    items()[0]?.focus()
    const onPointer = (event: PointerEvent) => {
      if (!box.current?.parentElement?.contains(event.target as Node)) close() // a pointer's target is always a node
    }
    document.addEventListener('pointerdown', onPointer)
    return () => document.removeEventListener('pointerdown', onPointer)
  }, [isOpen.value])
  const onKey = (event: KeyboardEvent) => {
    const all = items()
    const at = all.indexOf(event.target as HTMLElement) // the listener stands on the menu of these items
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (to !== undefined) all.at(to % all.length)?.focus()
    else if (event.key === 'Escape') {
      close()
      button.current?.focus()
    } else if (event.key === 'Tab') close()
    if (to !== undefined || event.key === 'Escape') event.preventDefault()
  }
  return (
    <div class="write-menu">
      <button
        ref={button}
        type="button"
        class="tool"
        aria-label={name}
        title={name}
        aria-haspopup="menu"
        aria-expanded={isOpen.value}
        onClick={() => {
          isOpen.value = !isOpen.value
        }}
      >
        <Icon name="more" />
      </button>
      {isOpen.value ? (
        <div ref={box} role="menu" aria-label={name} onKeyDown={onKey} onClick={close}>
          {children}
        </div>
      ) : null}
    </div>
  )
}

function Item({ act, children }: { act: () => void; children: ComponentChildren }) {
  return (
    <button type="button" role="menuitem" tabIndex={-1} onClick={act}>
      {children}
    </button>
  )
}
