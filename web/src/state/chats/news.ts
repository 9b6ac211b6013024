/** What tabs tell each other of chats, and where. */
import { siteName } from '../../engine/names.ts'

export const CHANNEL = siteName('slm-playground.chats')

export interface News {
  changed: readonly string[]
  removed: readonly string[]
}
