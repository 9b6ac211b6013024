/** Die App auf diesem Gerät: Symbol, Tasten, neuere Fassungen. */
import type { Text } from '../en/index.ts'

export const machine: Text['machine'] = {
  title: 'Die App auf diesem Gerät',
  lead: 'Das gehört zu diesem Gerät, nicht zu einem Chat oder Browser. Symbol und Tasten sind aus, bis jemand sie einschaltet.',
  underWay: 'Einen Moment…',

  tray: 'Symbol im Infobereich der Leiste',
  trayDoes:
    'Sein Menü öffnet das Fenster, führt zu den Modellen und beendet die App. Solange das Symbol da ist, läuft die App weiter, wenn das Fenster geschlossen wird.',
  trayIs: {
    off: 'Das dauert länger als sonst. Diesen Teil gleich noch einmal öffnen.',
    shown: 'Das Symbol ist da.',
    'no-tray':
      'Diese Arbeitsumgebung zeigt zurzeit keine solchen Symbole; die App endet also weiterhin mit ihrem Fenster. GNOME zeigt sie mit der Erweiterung „AppIndicator and KStatusNotifierItem Support“, anderswo gibt es dafür einen Teil der Leiste, etwa „Systemabschnitt“ oder „Benachrichtigungsfeld“.',
    'not-installed':
      'Dafür fehlt ein Teil. Ihn mit pip install "slm-playground[desktop]" einrichten, dann die App neu starten.',
    failed: 'Der Prozess des Symbols ist zu Ende. Warum, steht in tray.log im Ordner der Protokolle.',
  },

  shortcut: 'Tasten, die das Fenster nach vorn holen',
  shortcutDoes:
    'In jedem Programm. Die App erfährt nur von diesen Tasten; was sonst getippt wird, bekommt sie nicht mit.',
  keys: 'Tasten, etwa Strg+Alt+Leertaste',
  keysUse: 'Diese nehmen',
  shortcutIs: {
    off: () => 'Das dauert länger als sonst. Diesen Teil gleich noch einmal öffnen.',
    on: keys => `${keys} holt das Fenster nach vorn.`,
    taken: keys => `${keys} gehört schon einem anderen Programm. Andere Tasten wählen.`,
    'no-such-key': keys => `Dieser Tastatur fehlt eine Taste von ${keys}. Andere Tasten wählen.`,
    'not-installed': () =>
      'Dafür fehlt ein Teil. Ihn mit pip install "slm-playground[desktop]" einrichten, dann die App neu starten.',
    failed: () => 'Die Tasten ließen sich nicht belegen. Warum, steht in tray.log im Ordner der Protokolle.',
  },
  shortcutBySystem: {
    wayland:
      'Unter Wayland kann nur die Arbeitsumgebung selbst Tasten vergeben. In ihren Einstellungen für Tastenkürzel ein eigenes mit diesem Befehl anlegen:',
    macos:
      'macOS gibt Tasten nur Programmen, die alles Getippte mitlesen dürfen, und dieses soll das nicht. In der App Kurzbefehle einen anlegen, der diesen Befehl ausführt, und ihm dort Tasten geben:',
  },

  version: version => `Das ist Version ${version}.`,
  updateDoes:
    'Von selbst sucht die App nie nach einer neueren Version. Dieser Knopf fragt die folgende Adresse einmal, welche die neueste ist. Weder die eigene Version noch sonst etwas wird mitgeschickt; wie bei jeder Anfrage sieht jener Server die Adresse des eigenen Netzes:',
  updateAsk: 'Nach neuer Version sehen',
  updatePage: 'Was neu ist und woher man es bekommt',
  updateNewer: newest => `Version ${newest} ist erschienen.`,
  upToDate: newest => `Auf dem neuesten Stand: Die neueste Version ist ${newest}.`,
}
