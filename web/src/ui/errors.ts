/** What the page says and offers for each kind of trouble. The record is exhaustive: a new code will not compile. */
import type { ErrorCode } from '../engine/errors.ts'

export type Offer = 'retry' | 'cpu' | 'reload'

export interface Trouble {
  title: string
  /** The usual way out, in one sentence; the error's own message stands above it. */
  next: string
  offers: Offer[]
}

export const TROUBLE: Readonly<Record<ErrorCode | 'server', Trouble>> = {
  server: {
    title: 'The server does not answer',
    next: 'Nothing is lost. Start it again with `make run`, then try again.',
    offers: ['retry'],
  },
  'no-model': {
    title: 'There is no model here',
    next: 'Run `make run`: it fetches and exports the default model.',
    offers: ['retry'],
  },
  'bad-manifest': {
    title: 'The model’s description cannot be used',
    next: 'Export the bundle again with `slm-export`, or update SLM Playground.',
    offers: ['retry'],
  },
  download: {
    title: 'The model could not be loaded',
    next: 'Check that the server is still running, then try again.',
    offers: ['retry'],
  },
  integrity: {
    title: 'A model file is damaged',
    next: 'Nothing of it was used. Run `slm-playground doctor --deep` to see which files, then export the model again.',
    offers: ['retry'],
  },
  quota: {
    title: 'The browser has no room for the model',
    next: 'Free some disk space, then try again.',
    offers: ['retry'],
  },
  'out-of-memory': {
    title: 'Not enough memory',
    next: 'Close other tabs and programs (every open tab of this page holds its own copy of the model), then try again.',
    offers: ['retry', 'cpu'],
  },
  'device-lost': {
    title: 'The graphics processor went away',
    next: 'This happens after sleep or a driver update. Try again, or go on with the CPU.',
    offers: ['retry', 'cpu'],
  },
  unsupported: {
    title: 'This browser cannot run the model',
    next: 'Use a current Chrome, Edge, Firefox or Safari.',
    offers: ['cpu', 'retry'],
  },
  'bad-request': {
    title: 'The model cannot do that',
    next: 'Change the message or the settings, then try again.',
    offers: ['retry'],
  },
  internal: {
    title: 'Something went wrong',
    next: 'Reload the page. If it happens again, please report it with the details below.',
    offers: ['reload', 'retry'],
  },
}
