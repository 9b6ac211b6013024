import type { EmbedWords } from '../en/embed.ts'

export const embed: EmbedWords = {
  heading: 'Gespräch mit einem kleinen Modell',
  placeholder: 'Nachricht schreiben',
  message: 'Nachricht',
  send: 'Senden',
  stop: 'Anhalten',
  clear: 'Neues Gespräch',
  start: 'Modell starten',
  startWith: size => `Modell starten (lädt einmal bis zu ${size})`,
  private: 'Es läuft in diesem Browser: Nichts, was hier getippt wird, verlässt dieses Gerät.',
  loading: 'Lädt das Modell',
  amount: (loaded, total) => `${loaded} von ${total}`,
  ready: 'Das Modell ist bereit.',
  answering: 'Das Modell antwortet …',
  conversation: 'Gespräch',
  you: 'Du',
  model: 'Modell',
  stopped: 'Angehalten.',
  retry: 'Noch einmal versuchen',
  noBundle: 'Diesem Element fehlt die Angabe, für welches Modell es da ist: das Attribut „bundle“.',
}
