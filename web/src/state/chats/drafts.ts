/** What is typed but not sent, per chat; written at once and without waiting, so that a closing page keeps it. */
import { siteName } from '../../engine/names.ts'

const KEY = siteName('slm-playground.draft.')

export function draftOf(chat: string): string {
  try {
    return localStorage.getItem(KEY + chat) ?? ''
  } catch {
    return ''
  }
}

export function keepDraft(chat: string, text: string): void {
  try {
    if (text.trim()) localStorage.setItem(KEY + chat, text)
    else localStorage.removeItem(KEY + chat)
  } catch {
    // Storage is full or forbidden: the draft stays in the box for as long as the page is open.
  }
}
