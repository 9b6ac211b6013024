import type { Text } from '../en/index.ts'

export const data: Text['data'] = {
  title: 'Wo alles aufbewahrt wird',
  browserOnly: 'Chats, Dokumente und Einstellungen werden in diesem Browser aufbewahrt und sonst nirgends.',
  lead: 'Chats, Dokumente und Einstellungen werden in diesem Browser aufbewahrt und als Kopie im Datenordner dieses Geräts: Andere Fenster, Browser und Ports zeigen dieselben. Diese Kopie darf nur das eigene Benutzerkonto lesen, und nichts davon geht an ein anderes Gerät.',
  folder: 'Datenordner',
  parts: {
    models: 'Modelle',
    records: 'Chats, Dokumente, Einstellungen',
    settings: 'Fenster der App',
    logs: 'Protokolle',
  },
  free: size => `${size} sind auf diesem Datenträger frei.`,
  counts: (chats, documents) => `In der Kopie: ${chats} Chats, ${documents} Dokumente.`,
  open: 'Ordner öffnen',
  copy: 'Kopie führen',
  copyDoes: 'Ohne sie hat jeder Browser und jeder Port seine eigenen Chats.',
  forget: 'Kopie löschen',
  forgotten: 'Die Kopie ist gelöscht. Dieser Browser hat weiterhin alles, was er hatte.',
  failed: 'Das ging nicht',
  state: {
    starting: 'Die Kopie wird geöffnet…',
    waiting: 'Ein anderer Tab dieses Browsers führt die Kopie nach.',
    busy: 'Die Kopie wird nachgeführt…',
    offline: 'Der Server antwortet nicht. Was jetzt geschrieben wird, kommt in die Kopie, sobald er es tut.',
    off: 'Die Kopie ist abgeschaltet.',
    none: 'Dieser Server führt keine Kopie.',
    newer: 'Eine neuere Fassung dieser Seite ist offen. Neu laden, damit die Kopie auch von hier nachgeführt wird.',
  },
  upToDate: time => `Auf dem Stand von ${time}.`,
  tooLarge: count =>
    `${count === 1 ? 'Ein Text ist' : `${count} Texte sind`} zu groß für die Kopie und ${count === 1 ? 'bleibt' : 'bleiben'} nur in diesem Browser.`,

  move: 'Verschieben…',
  moveTo: 'Neuer Ordner',
  moveDoes:
    'Alles wird kopiert, jede Datei zurückgelesen und verglichen; erst dann wird der neue Ordner benutzt und der alte gelöscht.',
  movePlace: 'Ganzer Pfad, etwa /media/disk/playground',
  moveStart: 'Verschieben',
  moving: {
    copying: (done, total) => `Kopiert: ${done} von ${total}`,
    verifying: (done, total) => `Zurückgelesen und verglichen: ${done} von ${total}`,
    switching: 'Wird umgestellt…',
    done: folder => `Verschoben. Der Datenordner ist ${folder}.`,
    cancelled: 'Angehalten. Es wurde nichts verändert.',
  },
  stop: 'Anhalten',
  cancel: 'Abbrechen',

  reset: 'Zurücksetzen…',
  resetTitle: 'Was soll gelöscht werden?',
  resetSure: 'Wirklich löschen?',
  resetWhat: {
    records: (chats, documents) =>
      `alle Chats (${chats}), Dokumente (${documents}), Einstellungen und Vorgaben: hier, im Datenordner und in jedem anderen Fenster und Browser`,
    models: size => `alle Modelle des Datenordners (${size}); sie müssen neu geladen werden`,
    settings: 'Größe und Lage der Fenster der App, und ob sie Symbol und Tasten hat',
    logs: size => `Protokolle (${size})`,
  },
  resetNext: 'Weiter',
  resetNow: 'Endgültig löschen',
  resetSureLead: 'Das lässt sich nicht rückgängig machen. Gelöscht werden:',
  resetDone: 'Gelöscht.',
}
