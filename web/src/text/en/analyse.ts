/** The analyse page: what a small model makes of a text. */
import type { EntityKind } from '../../tasks/analyse/entities.ts'
import type { Kind } from '../../tasks/analyse/kinds.ts'
import type { Sentiment } from '../../tasks/analyse/sentiment.ts'

const kinds: Readonly<Record<Kind, { name: string; lead: string; can: string; cannot: string }>> = {
  sentiment: {
    name: 'Sentiment',
    lead: 'How each sentence feels, and the text as a whole.',
    can: 'Plain praise and complaint in short English sentences.',
    cannot: 'Irony, mixed feelings, and dry facts that it takes for praise. It judges each sentence alone.',
  },
  names: {
    name: 'Names and dates',
    lead: 'People, organisations, places, dates and amounts.',
    can: 'A rule finds capitalised names, dates and amounts; the model says what kind of name each is.',
    cannot: 'Names without capitals, and names that it never read about and whose sentence does not tell.',
  },
  question: {
    name: 'Question',
    lead: 'An answer quoted from the text, with the sentences that it rests on.',
    can: 'Questions whose answer stands in one sentence: who, when, where, how much. It can only quote, so it cannot make things up.',
    cannot:
      'Questions that need several sentences, or whose answer is not there: then it quotes the nearest thing. Look at the shares.',
  },
  summary: {
    name: 'Summary',
    lead: 'The text in a few sentences, each held against the text.',
    can: 'Short texts about one thing. Names and numbers that the text does not have are marked.',
    cannot: 'Long or dense texts. A mark that is missing is no proof: only words are compared.',
  },
  translation: {
    name: 'Translation',
    lead: 'The text in another language.',
    can: 'A model that was trained for it. Most models below a billion parameters know English only.',
    cannot:
      'With the model that comes with the playground: expect English, or nonsense. Try it to see what small means.',
  },
}

const entityKinds: Readonly<Record<EntityKind, string>> = {
  person: 'Person',
  organisation: 'Organisation',
  place: 'Place',
  date: 'Date',
  amount: 'Amount',
  other: 'Other name',
}

const sentiments: Readonly<Record<Sentiment, string>> = {
  positive: 'Positive',
  negative: 'Negative',
  neutral: 'Neutral',
}

export const analyse = {
  title: 'Analyse a text',
  lead: 'Five things that people use language models for, done by the small one on this device: with how sure it is, and what it cannot do.',
  what: 'What to do',
  kinds,
  canTitle: 'Does well',
  cannotTitle: 'Does badly',
  text: 'Text',
  textHint: 'Paste a text, or take an example.',
  example: 'Take an example',
  question: 'Question',
  questionHint: 'When did it happen?',
  sentences: 'Sentences',
  target: 'Into',
  run: 'Analyse',
  stop: 'Stop',
  working: (done: number, all: number) => `${done} of ${all}`,
  reading: 'Reading…',
  needsModel: 'Once the model is loaded.',
  needsChatModel: 'The model that is loaded reads texts and writes none. Choose one that can chat.',
  finished: 'The analysis is there.',
  result: 'Result',
  none: 'Nothing found.',
  entityKinds,
  sentiments,
  sure: (percent: string) => `${percent} sure`,
  whole: 'The whole text',
  answers: 'Answers, quoted',
  evidence: 'Where the answer may stand',
  supported: (percent: string) => `${percent} of its words stand in one sentence of the text`,
  unknown: (names: string) => `Not in the text: ${names}`,
  model: 'Model',
  pageModel: 'The page’s model, once it is loaded',
  ownModel: (name: string) => `${name} (the page’s model)`,
  madeModel: (name: string) => `${name}, made for this`,
  by: (name: string) => `Answered by ${name}.`,
  madeFor: {
    can: 'What it was trained for, usually far better than a chat model of its size. Names of labels are its own.',
    cannot:
      'Anything else, and texts or languages unlike those that it learnt from: its card on the page of models says which.',
  },
  stale: 'The text has changed since.',
  copy: 'Copy as JSON',
  languages: {
    French: 'French',
    German: 'German',
    Spanish: 'Spanish',
    Italian: 'Italian',
    Portuguese: 'Portuguese',
    Romanian: 'Romanian',
    English: 'English',
  } as Readonly<Record<string, string>>,
}
