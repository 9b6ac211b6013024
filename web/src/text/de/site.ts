import type { Text } from '../en/index.ts'

export const site: Text['site'] = {
  needs: model => `${model} läuft in dieser Seite`,
  once: size =>
    `${size} werden einmal geladen und in diesem Browser behalten. Spätere Besuche laden nichts und gehen auch ohne Netz.`,
  rest: (left, total) => `${left} von ${total} fehlen noch: Ein früherer Download wurde angehalten.`,
  start: size => `${size} laden und starten`,
  goOn: size => `Die übrigen ${size} laden und starten`,
  private: 'Nichts, was hier getippt wird, verlässt dieses Gerät.',
  about: 'Über diese Seite',
  close: 'Schließen',
  by: 'Von',
  explains:
    'Das Modell wird von diesem Browser berechnet. Eingaben und Antworten bleiben hier: Die Seite hat keinen Server, der sie lesen könnte, und fragt nach dem Laden nichts mehr ab.',
  models: 'Modelle',
  model: (name, licence, size) => `${name}, ${licence}, ${size} zu laden`,
  links: 'Verweise',
  licence: 'Lizenz dieser Seite',
  made: 'Gemacht mit SLM Playground.',
  kept: 'Alles hier rechnet auf diesem Gerät. Ein Modell wird einmal geladen und bleibt, bis man es löscht.',
  openings: 'Texte für den Anfang',
  corrects:
    'Einen englischen Text schreiben oder einfügen: Fehler werden unterstrichen, und ein Klick zeigt, was dort stehen sollte.',
  suggests: 'Beim Schreiben erscheinen die nächsten Wörter in Grau: Tab oder ein Tippen übernimmt sie.',
}
