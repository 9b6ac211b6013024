/**
 * Which script and, of some languages in Latin script, which language a text is in, by its most frequent small words.
 * Enough to notice a suggestion that does not belong into a text; says nothing where it cannot tell.
 */
import { wordsOf } from './letters.ts'

const SCRIPTS = {
  latin: /\p{Script=Latin}/u,
  cyrillic: /\p{Script=Cyrillic}/u,
  greek: /\p{Script=Greek}/u,
  arabic: /\p{Script=Arabic}/u,
  hebrew: /\p{Script=Hebrew}/u,
  devanagari: /\p{Script=Devanagari}/u,
  hangul: /\p{Script=Hangul}/u,
  // One writing system: Japanese text mixes all three.
  east: /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u,
  thai: /\p{Script=Thai}/u,
} as const

export type Script = keyof typeof SCRIPTS

function scriptsOf(text: string): Set<Script> {
  const names = Object.keys(SCRIPTS) as Script[] // Object.keys forgets the key type of a constant
  return new Set(names.filter(name => SCRIPTS[name].test(text)))
}

const SMALL_WORDS = {
  en: 'the of and to is that for it with as was on are this be at by have from not but they which you we i he she his her had were been has will would can there their what when who',
  de: 'der die das und ist nicht ich ein eine einen einem einer den dem des zu mit sich auf für von im auch es wir sie ihr wird sind haben hat war bei nach aus oder aber wenn dass wie noch über',
  fr: 'le la les des et est une dans pour pas que qui sur avec ce cette il elle nous vous je au aux du par plus son ses leur mais ont sont être fait',
  es: 'el la los las de y es en que un una por con para no se del al lo como más pero su sus le ya este esta son está muy también hay',
  it: 'il lo la gli le di e è che un una per con non del della dei sono da si nel alla anche come più ma questo questa ha ho essere',
  pt: 'o a os as de e é que um uma por com para não do da dos das em no na se mais como mas ao foi são está você ele ela também',
  nl: 'de het een en van is dat in te niet op met voor zijn er aan ook als bij maar om uit dan nog wel deze die naar heeft werd wordt',
} as const

export type Language = keyof typeof SMALL_WORDS

const LISTS = Object.entries(SMALL_WORDS).map(([name, words]) => ({
  name: name as Language, // Object.entries forgets the key type of a constant
  words: new Set<string>(words.split(' ')),
}))
/** Small words that a text has to have of one language, and how many times as many as of the next one. */
const LEAST_HITS = 4
const LEAST_LEAD = 1.5

/** Null where the text is too short or too mixed to tell. */
export function languageOf(text: string): Language | null {
  const counts = hits(text).sort((a, b) => b.count - a.count)
  const [first, second] = counts
  if (!first || first.count < LEAST_HITS || first.count < LEAST_LEAD * (second?.count ?? 0)) return null
  return first.name
}

/** Shorter words are words of many languages, and so are these. */
const LEAST_TELLING = 3
const AMBIGUOUS = new Set(
  'die war hat son come per hay con van dan over was will has den dem des pour plus sur leur fait elle pas les mas men bin man not her are ten als bei'.split(
    ' ',
  ),
)

/** How much of the text before the caret tells the language. */
const LOOK_BACK = 600

/** True where the suggestion is in another script, or of small words of another language, than the text in front of it. */
export function isForeign(suggestion: string, before: string): boolean {
  const near = before.slice(-LOOK_BACK)
  const here = scriptsOf(near)
  if (here.size > 0 && [...scriptsOf(suggestion)].some(script => !here.has(script))) return true
  const language = languageOf(near)
  if (language === null) return false
  const own = LISTS.find(({ name }) => name === language)?.words
  const telling = wordsOf(suggestion.toLowerCase()).filter(word => word.length >= LEAST_TELLING && !AMBIGUOUS.has(word))
  const small = telling.filter(word => LISTS.some(({ words }) => words.has(word)))
  return small.length > 0 && !small.some(word => own?.has(word))
}

function hits(text: string): { name: Language; count: number }[] {
  const words = wordsOf(text.toLowerCase())
  return LISTS.map(list => ({ name: list.name, count: words.filter(word => list.words.has(word)).length }))
}
