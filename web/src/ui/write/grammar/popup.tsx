/** One correction at its place in the text: what it changes, why, who found it, and what to do. On a phone a sheet from below. */
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Mark } from '../../../state/grammar/checker.ts'
import { grammar as settings } from '../../../state/grammar/settings.ts'
import { shownKey } from '../../../state/suggestions/keys.ts'
import { writing } from '../../../state/suggestions/settings.ts'
import { language, text } from '../../../text/index.ts'
import { Icon } from '../../parts/icons.tsx'
import { IS_MAC } from '../status.tsx'
import { Change } from './change.tsx'
import type { GrammarDesk } from './desk.ts'
import { spoken, widened } from './spoken.ts'

export function MarkPopup({ desk }: { desk: GrammarDesk }) {
  const mark = desk.checker.activeMark.value
  return mark ? <Popup key={mark.id} desk={desk} mark={mark} /> : null
}

/** Narrow or touched: CSS makes a sheet of it, and its place is CSS's business. */
const SHEET = '(max-width: 40rem), (pointer: coarse)'
const MARGIN = 8

function Popup({ desk, mark }: { desk: GrammarDesk; mark: Mark }) {
  const { grammar } = text.value
  const box = useRef<HTMLDivElement>(null)
  void desk.layouts.value // read: the text has moved under it
  useLayoutEffect(() => place(desk, mark, box.current))
  useEffect(() => {
    if (desk.wantsFocus.value) box.current?.querySelector<HTMLElement>('.primary')?.focus()
  }, [desk.wantsFocus.value])
  useEffect(() => {
    const again = () => place(desk, mark, box.current)
    addEventListener('resize', again)
    return () => removeEventListener('resize', again)
  }, [])
  const key = (action: 'acceptMark' | 'dismissMark') => shownKey(writing.value.keys[action][0] ?? '', IS_MAC)
  const { kind, foundBy, rule, explanation, confidence } = mark.finding
  const name = foundBy === 'rules' ? grammar.rule(rule) : grammar.kinds[kind]
  const isWord = /^[\p{L}\p{M}\p{N}'’-]+$/u.test(mark.original)
  return (
    <div
      ref={box}
      class="mark-popup"
      role="dialog"
      aria-label={`${grammar.popup.label}: ${grammar.kinds[kind]}`}
      onKeyDown={event => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        desk.wantsFocus.value = true // it goes back to the text
        desk.close()
      }}
    >
      <p class="mark-popup-head">
        <span class={`mark-chip mark-${kind}`}>{grammar.kinds[kind]}</span>
        <span class="small">{grammar.foundBy[foundBy]}</span>
        <button type="button" class="tool" aria-label={grammar.popup.close} onClick={() => desk.close()}>
          <Icon name="close" />
        </button>
      </p>
      <p class="mark-popup-change">
        <Change shown={widened(mark)} />
      </p>
      <p class="small">{explanation}</p>
      <p class="small mark-popup-source">
        {foundBy === 'model' ? null : <span>{grammar.rule(rule)}</span>}
        {confidence === null ? null : <span>{grammar.sure(oneDigit(confidence))}</span>}
      </p>
      <Others desk={desk} mark={mark} />
      <div class="mark-popup-acts">
        <button type="button" class="primary" title={key('acceptMark')} onClick={() => desk.accept(mark)}>
          {grammar.popup.accept}
        </button>
        <button type="button" class="secondary" title={key('dismissMark')} onClick={() => desk.dismiss(mark)}>
          {grammar.popup.dismiss}
        </button>
        {isWord ? (
          <button type="button" class="secondary" onClick={() => desk.addWord(mark)}>
            {grammar.popup.addWord}
          </button>
        ) : null}
        <button
          type="button"
          class="secondary"
          title={grammar.said.never(name)}
          disabled={settings.value.never.includes(name)}
          onClick={() => desk.never(mark, name)}
        >
          {grammar.popup.never}
        </button>
      </div>
    </div>
  )
}

function Others({ desk, mark }: { desk: GrammarDesk; mark: Mark }) {
  const { grammar } = text.value
  const others = mark.finding.replacements.slice(1)
  if (others.length === 0) return null
  return (
    <p class="mark-popup-others">
      <span class="small">{grammar.popup.others}</span>
      {others.map(replacement => {
        const shown = spoken(mark, grammar, replacement).replacement
        return (
          <button
            key={replacement}
            type="button"
            class="quiet"
            aria-label={grammar.popup.instead(shown)}
            onClick={() => desk.accept(mark, replacement)}
          >
            {shown}
          </button>
        )
      })}
    </p>
  )
}

export function oneDigit(value: number): string {
  return value.toLocaleString(language.value, { maximumFractionDigits: 1 })
}

/** Below its words, above them where there is no room; within the window. A sheet has its place from CSS. */
function place(desk: GrammarDesk, mark: Mark, box: HTMLElement | null): void {
  const { view } = desk
  if (!box || !view) return
  const isSheet = matchMedia(SHEET).matches
  box.dataset.sheet = String(isSheet)
  const at = isSheet ? null : view.coordsAtPos(Math.min(mark.from, view.state.doc.length))
  if (!at) {
    box.style.removeProperty('left')
    box.style.removeProperty('top')
    return
  }
  const { width, height } = box.getBoundingClientRect()
  const left = Math.max(MARGIN, Math.min(at.left, innerWidth - width - MARGIN))
  const below = at.bottom + MARGIN
  const top = below + height > innerHeight - MARGIN ? Math.max(MARGIN, at.top - height - MARGIN) : below
  box.style.left = `${Math.round(left)}px`
  box.style.top = `${Math.round(top)}px`
}
