/** Das Fenster der App. */
import type { Text } from '../en/index.ts'

export const desktop: Text['desktop'] = {
  useChrome: 'In Chrome öffnen, mit GPU',
  useChromeFailed: 'Chrome ließ sich nicht öffnen:',
  aboutWindow: 'Über dieses Fenster',
  windowFailed: 'Das Fenster der App zeigte nichts an. Darum steht die Seite jetzt im Browser.',
  notOpened: 'Das ließ sich nicht öffnen.',
}
