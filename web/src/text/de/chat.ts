import type { Text } from '../en/index.ts'

export const chat: Text['chat'] = {
  answering: 'Antwortet…',
  whenReady: 'Die Frage wird gesendet, sobald das Modell bereit ist.',
  finished: opening => `Antwort fertig: ${opening}`,
  stopped: 'Angehalten',
  failed: 'Die Antwort ist gescheitert',
  forked: 'Ein neuer Chat geht von hier aus weiter.',
  forkOf: title => `${title} (Abzweig)`,
  messagesDeleted: count => (count === 1 ? 'Gelöscht' : `Gelöscht, mit ${count - 1} weiteren danach`),
  chatDeleted: title => (title ? `Chat „${title}“ gelöscht` : 'Chat gelöscht'),
  notDeleted: title =>
    `${title ? `Der Chat „${title}“` : 'Der Chat'} ließ sich nicht löschen und ist noch da: Der Speicher des Browsers nahm es nicht an. Die Seite neu laden, dann noch einmal versuchen.`,
  deletedElsewhere: 'Dieser Chat wurde in einem anderen Tab gelöscht.',
  notFound: 'Diesen Chat gibt es hier nicht. Er wurde gelöscht oder gehört zu einem anderen Browser.',
  elsewhere:
    'Ein anderer Tab schreibt in diesem Chat. Was er schreibt, erscheint auch hier; danach geht es in beiden weiter.',
  trouble: {
    full: 'Der Platz, den der Browser dieser Seite gibt, ist voll: Chats bleiben nur, solange die Seite offen ist. Chats oder Modelle löschen oder alle Chats als Datei speichern.',
    forbidden:
      'Der Browser behält für diese Seite nichts (privates Fenster oder gesperrter Speicher): Chats bleiben nur, solange sie offen ist. Was wichtig ist, als Datei speichern.',
    newer:
      'In einem anderen Tab ist eine neuere Version dieser Seite offen. Diese hier neu laden: Bis dahin behält sie nichts.',
    failed:
      'Chats lassen sich nicht speichern: Der Speicher des Browsers antwortet nicht. Alle Chats als Datei speichern, dann die Seite neu laden.',
  },
  troubleTitle: 'Chats werden nicht behalten.',
  saveAll: 'Alle als Datei speichern',

  log: 'Chat',
  conversation: 'Gespräch',
  you: 'Frage',
  answer: 'Antwort',
  latest: 'Zum Ende',
  welcome: {
    title: 'Ein Sprachmodell auf dem eigenen Rechner',
    lead: 'Nichts, was hier getippt wird, verlässt dieses Gerät.',
    examples: 'Beispiele',
    list: [
      { title: 'Erklären', prompt: 'What is photosynthesis?' },
      { title: 'Umschreiben', prompt: 'Rewrite in the past tense: I walk to the park and feed the ducks.' },
      { title: 'Aufzählen', prompt: 'List five fruits.' },
      { title: 'Erzählen', prompt: 'Write a short story about a robot that learns to paint.' },
    ],
  },
  waiting: {
    starting: 'Wartet auf das Modell; die Nachricht wird gesendet, sobald es bereit ist.',
    loading: 'Wartet auf das Modell; die Nachricht wird gesendet, sobald es bereit ist.',
    ready: 'Liest die Nachricht…',
    paused: 'Noch nicht gesendet: Das Modell ist nicht geladen. Die Nachricht wird gesendet, sobald es da ist.',
    failed: 'Noch nicht gesendet: Das Modell läuft nicht. Die Nachricht wird gesendet, sobald es läuft.',
    'no-model': 'Noch nicht gesendet: Es gibt kein Modell. Die Nachricht wird gesendet, sobald es eines gibt.',
  },
  goingOn: 'Schreibt weiter…',
  stoppedHere: 'Hier angehalten.',
  stoppedEarly: 'Vor dem ersten Wort angehalten.',
  interrupted: 'Hier abgebrochen: Die Seite wurde geschlossen, während dies entstand.',
  ends: {
    'stop-string': 'Die Antwort endete an einem Stopptext.',
    'max-tokens': 'Die Antwort wurde bei der größten Länge abgeschnitten.',
    'context-full':
      'Die Antwort wurde abgeschnitten: Mehr liest das Modell nicht. Bei der nächsten Frage fallen die ältesten Nachrichten weg; ein neuer Chat beginnt leer.',
  },
  dropped: count =>
    count === 1
      ? 'Die älteste Nachricht passte nicht mehr in das, was das Modell liest, und wurde weggelassen.'
      : `Die ältesten ${count} Nachrichten passten nicht mehr in das, was das Modell liest, und wurden weggelassen.`,
  edited: 'Von Hand bearbeitet',
  attached: 'Angehängt',

  actions: {
    copy: 'Kopieren',
    edit: 'Bearbeiten',
    regenerate: 'Neu antworten',
    tryAgain: 'Noch einmal versuchen',
    useCpu: 'Auf der CPU',
    goOn: 'Weiterschreiben',
    fork: 'Ab hier abzweigen',
    raw: 'Als reiner Text',
    remove: 'Löschen',
    removeMany: count => `Dies und ${count} weitere danach löschen`,
  },
  version: (at, of) => `Version ${at} von ${of}`,
  previousVersion: 'Vorige Version',
  nextVersion: 'Nächste Version',
  editQuestion: 'Die Frage',
  editAnswer: 'Text der Antwort',
  send: 'Senden',
  save: 'Speichern',
  cancel: 'Abbrechen',
  editNote: 'Die bisherige Version bleibt: Die Pfeile unter der Nachricht führen zu ihr zurück.',

  message: 'Nachricht',
  ask: 'Das Modell fragen',
  askFirst: 'Die erste Nachricht schreiben',
  stop: 'Anhalten',

  chats: 'Chats',
  openChats: 'Chats zeigen',
  closeChats: 'Chats schließen',
  search: 'Chats durchsuchen',
  found: count => (count === 0 ? 'Nichts gefunden' : count === 1 ? '1 Chat gefunden' : `${count} Chats gefunden`),
  none: 'Noch keine Chats. Was hier geschrieben wird, bleibt in diesem Browser.',
  noneKept: 'Noch keine Chats.',
  untitled: 'Ohne Titel',
  pinned: 'Angeheftet',
  today: 'Heute',
  yesterday: 'Gestern',
  week: 'Letzte 7 Tage',
  month: 'Letzte 30 Tage',
  more: title => `Mehr zu ${title}`,
  writing: 'Eine Antwort entsteht',
  pin: 'Anheften',
  unpin: 'Ablösen',
  rename: 'Umbenennen',
  renameTitle: 'Titel des Chats',
  exportJson: 'Als JSON speichern',
  exportMarkdown: 'Als Markdown speichern',
  removeChat: 'Chat löschen',
  all: 'Alle Chats',
  exportAllJson: 'Alle als JSON speichern',
  exportAllMarkdown: 'Alle als Markdown speichern',
  exporting: (done, of) => `${done} von ${of} Chats sind in der Datei`,
  exportStopped: 'Speichern abgebrochen, es gibt keine Datei',
  exportFailed: 'Die Datei ist nicht zustande gekommen',
  exportFailedNext: 'Der Browser hat nicht alle Chats herausgegeben. Die Seite neu laden und noch einmal versuchen.',
  importFiles: 'Chats aus Dateien hinzufügen…',
  importing: file => `Die Chats aus ${file} werden hinzugefügt…`,
  imported: (added, known) =>
    [
      added === 1 ? '1 Chat hinzugefügt' : `${added} Chats hinzugefügt`,
      ...(known > 0 ? [`${known === 1 ? '1 war' : `${known} waren`} schon da`] : []),
    ].join(', '),
  importFailed: 'Nichts wurde hinzugefügt',
  importErrors: {
    unreadable: file =>
      `${file} lässt sich nicht lesen: Die Datei wurde verschoben oder verändert, oder sie ist zu groß für diesen Browser.`,
    'not-json': file =>
      `${file} ist keine JSON-Datei. Eine wählen, die hier gespeichert wurde, oder einen Export von ChatGPT oder llama.cpp.`,
    unknown: file =>
      `${file} ist JSON, enthält aber keine bekannten Chats: Bekannt sind Dateien dieser Seite, conversations.json von ChatGPT und Exporte der Webseite von llama.cpp.`,
    'too-new': file =>
      `${file} wurde von einer neueren Version dieser Seite gespeichert. Die Seite neu laden und noch einmal versuchen.`,
    damaged: (file, where) => `${file} ist beschädigt: ${where}.`,
    empty: file => `${file} enthält keinen Chat mit einer Nachricht.`,
    store: file =>
      `Die Chats aus ${file} ließen sich nicht speichern: Der Speicher des Browsers ist voll oder geschlossen.`,
  },

  markdown: {
    you: 'Frage',
    answer: 'Antwort',
    from: date => `Chat vom ${date}`,
    otherVersions: count =>
      `${count} weitere ${count === 1 ? 'Version ist' : 'Versionen sind'} in diesem Chat; der JSON-Export enthält sie.`,
  },

  shortcuts: 'Tastenkürzel',
  closeShortcuts: 'Tastenkürzel schließen',
  shortcutAreas: { page: 'Überall auf der Seite', box: 'Im Nachrichtenfeld', message: 'Auf einer Nachricht' },
  keys: {
    newChat: 'Neuer Chat',
    search: 'Chats durchsuchen',
    box: 'Zum Nachrichtenfeld',
    stop: 'Antwort anhalten',
    versions: 'Andere Versionen der letzten Antwort oder der Nachricht mit dem Fokus',
    messages: 'Von Nachricht zu Nachricht',
    list: 'Diese Liste',
    palette: 'Alle Befehle',
    send: 'Senden',
    newLine: 'Neue Zeile',
    editLast: 'Letzte eigene Nachricht bearbeiten (bei leerem Feld)',
    edit: 'Bearbeiten',
    copy: 'Kopieren',
    regenerate: 'Neu antworten',
    goOn: 'Abgebrochene Antwort weiterschreiben',
    fork: 'Ab hier abzweigen',
    raw: 'Als reiner Text',
    remove: 'Löschen',
    saveEdit: 'Änderung speichern',
    cancelEdit: 'Änderung verwerfen',
  },
}
