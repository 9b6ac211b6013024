/** Each kind of trouble by name, and the way out that only the page knows; the error's own message stands between. */
import type { ErrorCode } from '../../engine/errors.ts'

interface Words {
  title: string
  next?: string
}

const kinds: Readonly<Record<ErrorCode | 'server', Words>> = {
  server: { title: 'The server does not answer', next: 'Nothing is lost: your chats are kept in this browser.' },
  'no-model': { title: 'There is no model here', next: 'Run `make run`: it fetches and exports the default model.' },
  'bad-manifest': { title: 'The model’s description cannot be used' },
  download: { title: 'The model could not be loaded' },
  integrity: {
    title: 'A model file is damaged',
    next: 'Nothing of it was used. `slm-playground doctor --deep` lists the damaged files; `make run` makes the default model again.',
  },
  quota: { title: 'The browser has no room for the model' },
  'out-of-memory': {
    title: 'Not enough memory',
    next: 'Every open tab of this page holds its own copy of the model.',
  },
  'device-lost': {
    title: 'The graphics processor went away',
    next: 'This happens after sleep or a driver update.',
  },
  unsupported: { title: 'This browser cannot run the model' },
  'bad-request': { title: 'The model cannot do that' },
  internal: { title: 'Something went wrong', next: 'The details below help in a report.' },
}

export const trouble = {
  kinds,
  offers: { retry: 'Try again', cpu: 'Use the CPU', reload: 'Reload the page' },
}
