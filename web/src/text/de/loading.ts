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
  paused: 'Das Laden wurde angehalten',
  load: model => `${model} laden`,
  cancel: 'Abbrechen',
  weights: 'Geladene Gewichte',
  amount: (loaded, total) => `${loaded} von ${total}`,
  rate: (perSecond, left) => ` · ${perSecond}/s · noch ${left}`,
  meanwhile: 'Die erste Nachricht lässt sich schon schreiben.',
  details: 'Einzelheiten',
  brokenFolders: count =>
    count === 1 ? 'Ein Ordner ist kein brauchbares Modell' : `${count} Ordner sind keine brauchbaren Modelle`,
}
