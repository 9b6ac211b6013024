/** What the page shows while there is no engine. */
import type { LoadPhase } from '../../engine/api.ts'

const phases: Readonly<Record<LoadPhase, string>> = {
  manifest: 'Reading what the model needs',
  runtime: 'Starting the runtime',
  download: 'Loading the weights',
  session: 'Preparing the model',
  'self-test': 'Checking its first answer',
  ready: 'Ready',
}

export const loading = {
  label: 'Model status',
  phases,
  none: 'There is no model yet',
  lookAgain: 'Look again',
  other: 'Choose another model',
  paused: 'Loading was stopped',
  load: (model: string) => `Load ${model}`,
  cancel: 'Cancel',
  weights: 'Weights loaded',
  amount: (loaded: string, total: string) => `${loaded} of ${total}`,
  rate: (perSecond: string, left: string) => ` · ${perSecond}/s · ${left} left`,
  meanwhile: 'You can already write your first message.',
  details: 'Details',
  folderEmpty: 'The models folder is empty.',
  noneChats: (names: string) =>
    `No model here can chat: ${names} reads or rewrites texts. Add one that does, such as smollm2-135m-instruct.`,
  noServer: 'The server does not answer. Start it again (`make run`), then try again.',
  noList: (status: number) => `The server could not list its models (HTTP ${status}). Look at its log.`,
  brokenFolders: (count: number) =>
    count === 1 ? 'One folder is not a usable model' : `${count} folders are not usable models`,
}
