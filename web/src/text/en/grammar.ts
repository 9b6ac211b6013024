/** Corrections in the editor: marks, their popup, the panel with all of them, dictionary. */
import type { CorrectionType } from '../../engine/api.ts'
import type { Reason } from '../../tasks/grammar/types.ts'

const kinds: Readonly<Record<CorrectionType, string>> = {
  spelling: 'Spelling',
  grammar: 'Grammar',
  punctuation: 'Punctuation',
  capitalization: 'Capital letters',
  preposition: 'Preposition',
  'missing-words': 'Missing words',
}

const dialects: Readonly<Record<string, string>> = {
  American: 'American',
  British: 'British',
  Australian: 'Australian',
  Canadian: 'Canadian',
  Indian: 'Indian',
}

export const grammar = {
  title: 'Corrections',
  show: (count: string, none: boolean) => (none ? 'Corrections' : `Corrections: ${count}`),
  hide: 'Hide corrections',
  on: 'Check spelling and grammar',
  english: 'English only. Texts in other languages are left alone.',
  source: {
    title: 'Who checks',
    model: 'Model',
    both: 'Both',
    rules: 'Rules',
    hint: 'Rules: Harper. With both, the model also judges what the rules find.',
  },
  dialect: 'Spelling of the rules',
  dialects,
  kinds,
  foundBy: {
    model: 'found by the model',
    rules: 'found by a rule',
    both: 'model and rules agree',
  },
  rule: (name: string) => `Rule: ${name}`,
  /** Model and rules give their reasons in English; other languages have their own words for them. */
  reason: (_: Reason, english: string) => english,
  sure: (nats: string) => `Confidence ${nats} ${nats === '1' ? 'nat' : 'nats'}`,
  model: {
    missing: 'The grammar model is not here yet.',
    missingHow: '`make run` makes it in the background; that takes some minutes. Or make it now with:',
    missingRules: 'Until then the rules check alone.',
    missingBoth: 'Until then nothing is checked.',
    missingAlone: 'Until then nothing is checked. Rules need no model.',
    useRules: 'Use rules',
    look: 'Look again',
    copy: 'Copy command',
    loading: 'The grammar model is loading…',
    failed: (why: string) => `The grammar model does not run: ${why}`,
    rulesFailed: (why: string) => `The rules could not be loaded: ${why}`,
    again: 'Try again',
  },
  state: {
    off: 'Corrections are off',
    checking: (done: string, total: string) =>
      `Checking: ${done} of ${total} ${total === '1' ? 'sentence' : 'sentences'}`,
    stopped: 'Checking stopped',
    none: 'Nothing to correct',
    tooLong: (count: string, one: boolean) => `${count} ${one ? 'sentence is' : 'sentences are'} too long to check`,
    nothing: 'Nothing checks',
    count: (count: string, one: boolean) => `${count} ${one ? 'correction' : 'corrections'}`,
    stop: 'Stop',
    goOn: 'Go on',
  },
  threshold: {
    title: 'How sure',
    more: 'more corrections, more wrong',
    fewer: 'fewer, mostly right',
    shownFrom: (nats: string) =>
      `Shown from ${nats} ${nats === '1' ? 'nat' : 'nats'} on: how much likelier the model finds the corrected sentence.`,
    reset: 'As the model says',
    measured: (sentences: string, correct: string) =>
      `Measured on ${sentences} sentences with errors and ${correct} correct ones:`,
    gate: 'From',
    precision: 'Right',
    recall: 'Found',
    alarms: 'Correct ones changed',
  },
  list: {
    title: 'Corrections in this text',
    all: 'All',
    filter: 'Show',
    accept: (original: string, replacement: string) => `Accept: ${original} → ${replacement}`,
    dismiss: (original: string) => `Dismiss: ${original}`,
    acceptAll: (kind: string, count: string) => `Accept all: ${kind} (${count})`,
    acceptEvery: (count: string) => `Accept all ${count}`,
    accepted: (count: string, one: boolean) => `${count} ${one ? 'correction' : 'corrections'} accepted`,
    more: (count: string) => `${count} more below in the text`,
    difference: 'Show all as changes',
  },
  popup: {
    label: 'Correction',
    step: { previous: 'Previous correction', next: 'Next correction' },
    accept: 'Accept',
    dismiss: 'Dismiss',
    addWord: 'Add to dictionary',
    never: 'Never this kind',
    close: 'Close',
    nothing: 'nothing',
    remove: 'delete',
    instead: (replacement: string) => `Accept ${replacement} instead`,
    others: 'Or:',
  },
  /** Words for what cannot be seen, for those who listen. */
  spaces: { ' ': 'space', '\n': 'new line', '\t': 'tab', '\u00a0': 'no-break space' } as Readonly<
    Record<string, string>
  >,
  read: (at: string, of: string, kind: string, original: string, replacement: string) =>
    `${at} of ${of}. ${kind}: ${original} → ${replacement}.`,
  noneHere: 'There is no correction in this text.',
  noneAtCaret: 'There is no correction at the caret.',
  said: {
    accepted: 'Accepted',
    dismissed: 'Dismissed',
    added: (word: string) => `“${word}” is in the dictionary`,
    never: (kind: string) => `Never again: ${kind}`,
  },
  difference: {
    title: 'All corrections as changes',
    close: 'Close changes',
    lead: 'What the text would be with every correction of the list.',
    none: 'There is nothing to correct.',
    accept: 'Accept all',
    before: 'in the text now',
    after: 'after all corrections',
  },
  taught: {
    title: 'What it has learnt',
    dictionary: (count: string) => `Dictionary (${count})`,
    addLabel: 'Add a word',
    add: 'Add',
    noWords: 'No word yet.',
    removeWord: (word: string) => `Remove “${word}”`,
    names: (count: string) => `Names in this text (${count})`,
    namesHint: 'Written with a capital at least twice: never changed.',
    dismissed: (count: string) => `Dismissed (${count})`,
    noDismissed: 'Nothing is dismissed.',
    undismiss: (original: string) => `Show again: ${original}`,
    never: (count: string) => `Never shown (${count})`,
    noNever: 'Every kind is shown.',
    again: (kind: string) => `Show again: ${kind}`,
    save: 'Save as JSON',
  },
}
