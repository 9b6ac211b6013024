/** The parts of `<slm-chat>` in its shadow root; says nothing of when they change. Texts are set as text, never as HTML. */
import { STYLE } from './style.ts'

function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

export type View = ReturnType<typeof buildView>

export function buildView(root: ShadowRoot) {
  const sheet = new CSSStyleSheet() // a page's policy may forbid <style>, and does not mean this
  sheet.replaceSync(STYLE)
  root.adoptedStyleSheets = [sheet]
  const heading = make('h2', { id: 'heading' })
  const clear = make('button', { type: 'button' })
  const list = make('ol')
  // Silent by choice: the status line tells an answer once it is whole.
  const log = make('div', { class: 'log', role: 'log', 'aria-live': 'off', tabindex: '0' }, list)
  const about = make('p')
  const note = make('p', { class: 'small' })
  const progress = make('progress')
  const start = make('button', { type: 'button', class: 'primary' })
  const panel = make('div', { class: 'panel' }, about, progress, note, start)
  const status = make('p', { class: 'status', role: 'status' })
  const box = make('textarea', { rows: '1' })
  const send = make('button', { type: 'submit', class: 'primary' })
  const stop = make('button', { type: 'button' })
  const form = make('form', {}, box, send, stop)
  const section = make('section', { 'aria-labelledby': 'heading' }, make('header', {}, heading, clear), log, panel)
  section.append(status, form)
  root.append(section)
  return { heading, clear, log, list, about, note, progress, start, panel, status, box, send, stop, form }
}

/** A new message at the end; what is put into the returned node is its text. */
export function addMessage({ log, list }: View, role: 'user' | 'assistant', who: string): Text {
  const content = document.createTextNode('')
  list.append(make('li', { class: role }, make('span', { class: 'who' }, `${who}: `), content))
  log.scrollTop = log.scrollHeight
  return content
}
