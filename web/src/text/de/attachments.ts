import type { Text } from '../en/index.ts'

export const attachments: Text['attachments'] = {
  add: 'Text oder PDF anhängen',
  list: 'Angehängte Dateien',
  remove: name => `${name} entfernen`,
  reading: name => `${name} wird gelesen …`,
  pages: (done, all) => `Seite ${done} von ${all}`,
  tooLarge: name => `${name} ist größer als 50 MB. Einen Teil davon anhängen.`,
  notText: name => `${name} enthält keinen lesbaren Text. Anhängen lassen sich Texte und PDFs.`,
  noPdf: name => `${name} ist eine PDF-Datei, und diese Seite kann keine lesen. Texte lassen sich anhängen.`,
  notPdf: name => `${name} lässt sich nicht als PDF lesen: Vielleicht ist die Datei beschädigt.`,
  locked: name => `${name} ist mit einem Passwort gesperrt. Ohne Passwort speichern, dann anhängen.`,
  empty: name => `${name} enthält keinen Text. Ein eingescanntes PDF ist ein Bild und braucht erst eine Texterkennung.`,
  sources: count => (count === 1 ? '1 Stelle gelesen' : `${count} Stellen gelesen`),
  by: { meaning: 'nach Bedeutung gewählt', words: 'nach gemeinsamen Wörtern gewählt' },
  tooLongLead: 'Die Dateien sind länger, als das Modell lesen kann. Es bekam diese Stellen:',
}
