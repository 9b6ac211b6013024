/** Small tables of English that tell kinds of mistakes apart. They change no text: they only name what the model changed. */

const set = (words: string) => new Set(words.split(' '))

export const PREPOSITIONS = set(
  'about above across after against along among around at before behind below beneath beside between beyond by despite down during except for from in inside into like near of off on onto out outside over past per since than through throughout till to toward towards under underneath until unto up upon via with within without',
)

export const ARTICLES = set('a an the')

/** Words that stand for others or say how many: one for another is a choice, however alike they are (“nobody”, “anybody”). */
export const PRONOUNS = set(
  'nobody anybody somebody everybody nothing anything something everything nowhere anywhere somewhere everywhere anyone someone everyone none any some every each other another others all both either neither who whom whose which that what this these those he she it they we you i him her them us me his its their our your my mine hers theirs ours yours himself herself itself themselves ourselves yourself myself',
)

/** Words that are mixed up because they sound alike or look alike. */
const CONFUSED = [
  "their there they're",
  "its it's",
  "your you're",
  "whose who's",
  'to too two',
  'then than',
  'of off have',
  "were where we're wear",
  'lose loose',
  'affect effect',
  'accept except',
  'advice advise',
  'who whom',
  'quite quiet quit',
  'passed past',
  'weather whether',
  'much many',
  'less fewer',
  'lie lay',
  'practice practise',
  'principal principle',
  'threw through',
  'hear here',
  'know no now',
  'by buy bye',
  'right write',
  'week weak',
  'peace piece',
  'brake break',
  'led lead',
].map(set)

/** Forms of one verb, where no rule makes them. */
const VERBS = [
  'be am is are was were been being',
  'have has had having',
  'do does did done doing',
  'go goes went gone going',
  'come came coming',
  'see saw seen',
  'take took taken',
  'get got gotten getting',
  'give gave given',
  'make made making',
  'know knew known',
  'think thought',
  'buy bought',
  'bring brought',
  'teach taught',
  'catch caught',
  'find found',
  'feel felt',
  'keep kept',
  'leave left',
  'tell told',
  'say said says',
  'eat ate eaten',
  'write wrote written writing',
  'speak spoke spoken',
  'break broke broken',
  'drive drove driven',
  'begin began begun',
  'drink drank drunk',
  'sing sang sung',
  'run ran running',
  'swim swam swum',
  'grow grew grown',
  'fly flew flown',
  'choose chose chosen',
  'forget forgot forgotten',
  'fall fell fallen',
  'meet met',
  'send sent',
  'spend spent',
  'build built',
  'lose lost',
  'pay paid',
  'sit sat',
  'stand stood',
  'understand understood',
  'win won',
  'will would',
  'can could',
  'shall should',
  'may might',
].map(set)

const OTHER_FORMS = [
  'man men',
  'woman women',
  'child children',
  'person people',
  'foot feet',
  'tooth teeth',
  'mouse mice',
  'this these that those',
  'i me my mine',
  'he him his',
  'she her hers',
  'we us our ours',
  'they them their theirs',
  'good well better best',
  'bad badly worse worst',
  'a an',
].map(set)

export function areConfused(one: string, other: string): boolean {
  return CONFUSED.some(group => group.has(one) && group.has(other))
}

const LEAST_STEM = 3
/** A word that is itself what is left of the other: “bring” of “brings”, though it loses an ending, too. */
const LEAST_WORD = 4
const ENDINGS = /(?:'s|ies|ied|ing|est|ed|es|er|ly|s|d|n|y|e)$/

/** Whether both are forms of one word: of a verb, a plural, a comparison. */
export function areForms(one: string, other: string): boolean {
  if ([...VERBS, ...OTHER_FORMS].some(group => group.has(one) && group.has(other))) return true
  const [a, b] = [stem(one), stem(other)]
  const isStem = (one === b ? one : other === a ? other : '').length >= LEAST_WORD
  return isStem || (a.length >= LEAST_STEM && a === b)
}

function stem(word: string): string {
  const short = word.replace(ENDINGS, '')
  return short.replace(/([b-df-hj-np-tv-z])\1$/, '$1')
}
