import type { Text } from '../en/index.ts'

export const trouble: Text['trouble'] = {
  kinds: {
    server: {
      title: 'Der Server antwortet nicht',
      next: 'Nichts ist verloren: Die Chats liegen in diesem Browser.',
    },
    'no-model': {
      title: 'Hier ist kein Modell',
      next: '`make run` holt und exportiert das Standardmodell.',
    },
    'bad-manifest': { title: 'Die Beschreibung des Modells ist unbrauchbar' },
    download: { title: 'Das Modell ließ sich nicht laden' },
    integrity: {
      title: 'Eine Modelldatei ist beschädigt',
      next: 'Nichts davon wurde verwendet. `slm-playground doctor --deep` nennt die beschädigten Dateien; `make run` erzeugt das Standardmodell neu.',
    },
    quota: { title: 'Der Browser hat keinen Platz für das Modell' },
    'out-of-memory': {
      title: 'Nicht genug Arbeitsspeicher',
      next: 'Jeder offene Tab dieser Seite hält das Modell noch einmal.',
    },
    'device-lost': {
      title: 'Der Grafikprozessor ist weggefallen',
      next: 'Das geschieht nach dem Ruhezustand oder wenn der Treiber erneuert wird.',
    },
    unsupported: { title: 'Dieser Browser kann das Modell nicht ausführen' },
    'bad-request': { title: 'Das kann das Modell nicht' },
    internal: { title: 'Etwas ist schiefgegangen', next: 'Die Einzelheiten unten helfen in einem Fehlerbericht.' },
  },
  offers: { retry: 'Erneut versuchen', cpu: 'Den Prozessor nehmen', reload: 'Seite neu laden' },
}
