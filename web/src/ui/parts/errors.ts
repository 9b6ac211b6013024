/** What the page says and offers for each kind of trouble. The record is exhaustive: a new code will not compile. */
import type { ErrorCode } from '../../engine/errors.ts'

export type Offer = 'retry' | 'cpu' | 'reload'

export interface Trouble {
  title: string
  /** What the error's own message, which stands above it, does not say: a way out that only the page knows. */
  next?: string
  offers: Offer[]
}

export const TROUBLE: Readonly<Record<ErrorCode | 'server', Trouble>> = {
  server: {
    title: 'The server does not answer',
    next: 'Nothing is lost: your chat is kept in this tab.',
    offers: ['retry'],
  },
  'no-model': {
    title: 'There is no model here',
    next: 'Run `make run`: it fetches and exports the default model.',
    offers: ['retry'],
  },
  'bad-manifest': {
    title: 'The model’s description cannot be used',
    offers: ['retry'],
  },
  download: {
    title: 'The model could not be loaded',
    offers: ['retry'],
  },
  integrity: {
    title: 'A model file is damaged',
    next: 'Nothing of it was used. `slm-playground doctor --deep` lists the damaged files; `make run` makes the default model again.',
    offers: ['retry'],
  },
  quota: {
    title: 'The browser has no room for the model',
    offers: ['retry'],
  },
  'out-of-memory': {
    title: 'Not enough memory',
    next: 'Every open tab of this page holds its own copy of the model.',
    offers: ['retry', 'cpu'],
  },
  'device-lost': {
    title: 'The graphics processor went away',
    next: 'This happens after sleep or a driver update.',
    offers: ['retry', 'cpu'],
  },
  unsupported: {
    title: 'This browser cannot run the model',
    offers: ['cpu', 'retry'],
  },
  'bad-request': {
    title: 'The model cannot do that',
    offers: ['retry'],
  },
  internal: {
    title: 'Something went wrong',
    next: 'The details below help in a report.',
    offers: ['reload', 'retry'],
  },
}
