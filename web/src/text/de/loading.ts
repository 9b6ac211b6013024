import type { Text } from '../en/index.ts'

export const loading: Text['loading'] = {
  label: 'Zustand des Modells',
  phases: {
    manifest: 'Liest, was das Modell braucht',
    runtime: 'Startet die Laufzeit',
    download: 'Lädt die Gewichte',
    session: 'Bereitet das Modell vor',
    'self-test': 'Prüft die erste Antwort',
    ready: 'Bereit',
  },
  none: 'Noch kein Modell da',
  lookAgain: 'Noch einmal nachsehen',
  other: 'Anderes Modell wählen',
  paused: 'Das Laden wurde angehalten',
  load: model => `${model} laden`,
  cancel: 'Abbrechen',
  weights: 'Geladene Gewichte',
  amount: (loaded, total) => `${loaded} von ${total}`,
  rate: (perSecond, left) => ` · ${perSecond}/s · noch ${left}`,
  meanwhile: 'Die erste Nachricht lässt sich schon schreiben.',
  details: 'Einzelheiten',
  folderEmpty: 'Der Modellordner ist leer.',
  noneChats: names =>
    `Kein Modell hier kann chatten: ${names} liest Texte oder schreibt sie um. Eines hinzufügen, das es kann, etwa smollm2-135m-instruct.`,
  noServer: 'Der Server antwortet nicht. Ihn wieder starten (`make run`), dann noch einmal versuchen.',
  noList: status => `Der Server konnte seine Modelle nicht auflisten (HTTP ${status}). Sein Protokoll ansehen.`,
  brokenFolders: count =>
    count === 1 ? 'Ein Ordner ist kein brauchbares Modell' : `${count} Ordner sind keine brauchbaren Modelle`,
}
