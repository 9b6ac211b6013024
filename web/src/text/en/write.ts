/** The writing page: documents, editor, files, versions. */

const reasons = {
  manual: 'Kept by you',
  opened: 'When you opened it',
  interval: 'While writing',
  cut: 'Before much was removed',
  restored: 'Before an older one came back',
  file: 'Saved to a file',
  'other-tab': 'From another tab or window',
}

/** CodeMirror's own words, by their English originals. Empty: as they are. */
const phrases: Record<string, string> = {
  next: 'Next',
  previous: 'Previous',
  all: 'All',
  'match case': 'Match case',
  'by word': 'Whole words',
  regexp: 'Pattern (regexp)',
  replace: 'Replace',
  'replace all': 'Replace all',
}

export const write = {
  documents: 'Documents',
  showDocuments: 'Documents',
  hideDocuments: 'Hide documents',
  find: 'Search in all documents',
  findShort: 'Search',
  nothingFound: 'No document has these words.',
  newDocument: 'New document',
  untitled: 'Untitled',
  title: 'Title',
  rename: (title: string) => `Rename “${title}”`,
  renameDone: 'Done',
  remove: (title: string) => `Delete “${title}”`,
  removed: (title: string) => `“${title}” deleted`,
  facts: (when: string, words: string) => `${when} · ${words}`,
  words: (count: string, one: boolean) => `${count} ${one ? 'word' : 'words'}`,
  wordsOf: (selected: string, all: string) => `${selected} of ${all} words selected`,
  characters: (count: string, one: boolean) => `${count} ${one ? 'character' : 'characters'}`,
  reading: (minutes: string) => `${minutes} min to read`,
  readingShort: 'under 1 min to read',
  editor: 'Document text',
  placeholder: 'Start writing.',
  saved: 'Saved on this device',
  unsaved: 'Saving…',
  notKept: 'Not kept',
  saveFailed: (why: string) =>
    `This text could not be saved in the browser: ${why} Keep this tab open and save it to a file.`,
  storageRefused:
    'The browser gives no place to keep documents: it keeps nothing for this page (a private window, or storage is blocked). You can write, but save to a file before you leave.',
  storageFailed: (why: string) =>
    `The browser gives no place to keep documents (${why}). You can write, but save to a file before you leave.`,
  missing: 'This document is no longer here.',
  more: 'More',
  openFile: 'Open a file…',
  saveFile: 'Save to file',
  saveFileAs: 'Save to another file…',
  opened: (name: string) => `${name} opened`,
  fileSaved: (name: string) => `${name} saved`,
  changedOnDisk: (name: string) =>
    `${name} was changed by another program since you opened it. Write your text over that change?`,
  notText: (name: string) => `${name} is not a text file. Text, Markdown and similar files can be opened.`,
  tooLarge: (name: string, most: string) => `${name} is larger than ${most}: too large for this editor.`,
  mixedLineEnds: (name: string) =>
    `${name} has several kinds of line ends. Saving it will write the commonest one everywhere.`,
  becameUtf8: (name: string) =>
    `${name} was saved as UTF-8: its old encoding lacks a character that your text now has.`,
  fileFailed: (name: string, why: string) => `${name}: ${why}`,
  dropHere: 'Drop text files to open them',
  markdown: 'Markdown',
  plainText: 'Plain text',
  format: 'Format',
  findInText: 'Find and replace',
  undo: 'Undo',
  redo: 'Redo',
  focus: { off: 'Focus mode', paragraph: 'Focus mode: this paragraph', all: 'Focus mode: only the text' },
  focusChanged: {
    off: 'Focus mode is off.',
    paragraph: 'Focus mode: other paragraphs are dimmed.',
    all: 'Focus mode: only the text. Esc brings the rest back.',
  },
  leaveFocus: 'Leave focus mode',
  versions: 'Versions',
  closeVersions: 'Close versions',
  versionsLead:
    'Kept by itself at moments that matter, on this device. Older ones are thinned out to one an hour, then one a day.',
  noVersions:
    'No version yet. One is kept when you open a document again, after ten minutes of writing, and before much is removed.',
  keepVersion: 'Keep the text as it is now',
  versionKept: 'Version kept',
  restore: 'Bring this version back',
  restored: 'Version brought back. The text until now is kept as a version, too.',
  reasons,
  compare: (removed: string, added: string) => `Against the text now: ${removed} removed, ${added} added`,
  sameText: 'The same as the text now.',
  comparing: 'Comparing…',
  unchangedLines: (count: string) => `… ${count} lines unchanged …`,
  onlyThen: 'only in this version',
  onlyNow: 'only in the text now',
  phrases,
}
