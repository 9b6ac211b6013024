/** One correction at its place in the text: what it changes, why, who found it, and what to do. On a phone a sheet from below. */
import type { EditorView } from '@codemirror/view'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import type { Mark } from '../../../state/grammar/checker.ts'
import { shownKey } from '../../../state/suggestions/keys.ts'
import { writing } from '../../../state/suggestions/settings.ts'
import type { Finding } from '../../../tasks/grammar/types.ts'
import { language, text } from '../../../text/index.ts'
import { Icon } from '../../parts/icons.tsx'
import { lettered } from '../../parts/keys.ts'
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
/** Pixels between words and the end of their sentence from which on a popup there is too far from them. */
const FAR = 160

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
  const key = (action: 'acceptMark' | 'dismissMark') => lettered(shownKey(writing.value.keys[action][0] ?? '', IS_MAC))
  const { kind, foundBy, rule } = mark.finding
  const name = foundBy === 'rules' ? grammar.rule(rule) : grammar.kinds[kind]
  // A dictionary is of words that are spelled so: “who” for “that” is another matter.
  const isWord = (kind === 'spelling' || kind === 'capitalization') && /^[\p{L}\p{M}\p{N}'’-]+$/u.test(mark.original)
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
        {desk.checker.marks.value.length > 1 ? (
          <>
            <Step desk={desk} by={-1} />
            <Step desk={desk} by={1} />
          </>
        ) : null}
        <button type="button" class="tool" aria-label={grammar.popup.close} onClick={() => desk.close()}>
          <Icon name="close" />
        </button>
      </p>
      <p class="mark-popup-change" lang="en">
        <Change shown={widened(mark)} />
      </p>
      <Why finding={mark.finding} />
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
        <button type="button" class="secondary" title={grammar.said.never(name)} onClick={() => desk.never(mark, name)}>
          {grammar.popup.never}
        </button>
      </div>
    </div>
  )
}

/** For those without the keys. */
function Step({ desk, by }: { desk: GrammarDesk; by: 1 | -1 }) {
  const { step } = text.value.grammar.popup
  return (
    <button
      type="button"
      class="tool"
      aria-label={by === 1 ? step.next : step.previous}
      onClick={() => {
        desk.wantsFocus.value = !matchMedia(SHEET).matches // the next popup is another one
        desk.step(by)
      }}
    >
      <Icon name={by === 1 ? 'right' : 'left'} />
    </button>
  )
}

/** In the page's language, and under it what a rule says of its own in English. */
function Why({ finding: { foundBy, rule, explanation, reason, confidence } }: { finding: Finding }) {
  const { grammar } = text.value
  const said = reason ? grammar.reason(reason, explanation) : explanation
  const isTold = said === explanation || foundBy === 'model' || reason?.code === 'not-in-dictionary'
  return (
    <>
      <p class="small" lang={said === explanation ? 'en' : undefined}>
        {said}
      </p>
      <p class="small mark-popup-source">
        {foundBy === 'model' ? null : <span>{grammar.rule(rule)}</span>}
        {confidence === null ? null : <span>{grammar.sure(oneDigit(confidence))}</span>}
      </p>
      {isTold ? null : (
        <p class="small mark-popup-rule" lang="en">
          {explanation}
        </p>
      )}
    </>
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

/**
 * Below its sentence, above it where there is no room: what is corrected stays readable. Of a long sentence its words'
 * own line counts. Within the window, and the text's column where that is wide enough. A sheet has its place from CSS.
 */
function place(desk: GrammarDesk, mark: Mark, box: HTMLElement | null): void {
  const { view } = desk
  if (!box || !view) return
  const isSheet = matchMedia(SHEET).matches
  box.dataset.sheet = String(isSheet)
  const words = isSheet ? null : linesOf(view, mark)
  if (!words) {
    box.style.removeProperty('left')
    box.style.removeProperty('top')
    return
  }
  const { width, height } = box.getBoundingClientRect()
  const start = mark.from - mark.finding.from
  const sentence = linesOf(view, { from: start, to: start + mark.checked.text.length }) ?? words
  const isLong = sentence.bottom - words.bottom > FAR || words.top - sentence.top > FAR
  const { top, bottom } = isLong ? words : sentence
  const fits = (at: number) => at >= MARGIN && at + height <= innerHeight - MARGIN
  const places = [bottom + MARGIN, top - height - MARGIN, words.bottom + MARGIN, words.top - height - MARGIN]
  const column = view.dom.getBoundingClientRect()
  const most = (column.width > width ? column.right : innerWidth) - width - MARGIN // beside the text stands the list
  const left = Math.max(MARGIN, Math.min(words.left, most))
  box.style.left = `${Math.round(left)}px`
  box.style.top = `${Math.round(places.find(fits) ?? Math.max(MARGIN, innerHeight - height - MARGIN))}px`
}

/** Where these words stand in the window, first line to last; null where they are not drawn. */
function linesOf(view: EditorView, { from, to }: { from: number; to: number }) {
  const within = (at: number) => Math.max(0, Math.min(at, view.state.doc.length))
  const [first, last] = [view.coordsAtPos(within(from), 1), view.coordsAtPos(within(to), -1)]
  return first && last ? { left: first.left, top: first.top, bottom: last.bottom } : null
}
