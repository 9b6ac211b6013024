/** Files dropped on the page: who takes them gets them, elsewhere they do not open in the page's place. */
import { afterEach, expect, it } from 'vitest'
import { refuseStrayFiles } from '../../../web/src/state/shell.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

function place(html: string): Element {
  const holder = document.createElement('div')
  holder.innerHTML = html
  document.body.append(holder)
  ends.push(() => holder.remove(), refuseStrayFiles())
  return holder.firstElementChild ?? holder
}

/** Whether the browser would do with the drop what it does by itself. */
function isLeftToBrowser(target: Element, { type = 'drop', files = true } = {}): boolean {
  const dataTransfer = new DataTransfer()
  if (files) dataTransfer.items.add(new File(['words'], 'words.txt'))
  else dataTransfer.setData('text/plain', 'words')
  return target.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }))
}

it('refuses a file where nothing takes it, while it is held there and when it is dropped', () => {
  const target = place('<p>Just words</p>')
  expect(isLeftToBrowser(target, { type: 'dragover' })).toBe(false)
  expect(isLeftToBrowser(target)).toBe(false)
})

it('leaves texts to fields, and files to a chooser of files', () => {
  expect(isLeftToBrowser(place('<textarea></textarea>'), { files: false })).toBe(true)
  expect(isLeftToBrowser(place('<input type="file">'))).toBe(true)
  expect(isLeftToBrowser(place('<input type="text">'))).toBe(false)
})

it('ends with the page', () => {
  const target = place('<p>Just words</p>')
  for (const end of ends.splice(1)) end()
  expect(isLeftToBrowser(target)).toBe(true)
  target.parentElement?.remove()
})
