/** What the page says and offers for each kind of trouble. The record is exhaustive: a new code will not compile. */
import type { ErrorCode } from '../../engine/errors.ts'
import { text } from '../../text/index.ts'

export type Offer = 'retry' | 'cpu' | 'reload'

export interface Trouble {
  title: string
  /** What the error's own message, which stands above it, does not say: a way out that only the page knows. */
  next?: string
  offers: readonly Offer[]
}

export const OFFERS: Readonly<Record<ErrorCode | 'server', readonly Offer[]>> = {
  server: ['retry'],
  'no-model': ['retry'],
  'bad-manifest': ['retry'],
  download: ['retry'],
  integrity: ['retry'],
  quota: ['retry'],
  'out-of-memory': ['retry', 'cpu'],
  'device-lost': ['retry', 'cpu'],
  unsupported: ['cpu', 'retry'],
  'bad-request': ['retry'],
  internal: ['reload', 'retry'],
}

/** In the page's language. */
export function troubleOf(code: ErrorCode | 'server'): Trouble {
  return { ...text.value.trouble.kinds[code], offers: OFFERS[code] }
}
