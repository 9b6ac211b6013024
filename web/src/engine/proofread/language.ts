/** Whether a sentence can be English, as far as its letters and its small words tell: the models correct nothing else. */

/** Words that stand in every text of a language, and in no other language's texts as often. */
const SMALL_WORDS: Record<string, string> = {
  en: 'the and of to in is was that it he she they you we for on with as his her at be this are have from not but had were been will would there their what which when who can could should an or my your our its me him them if so do did does has how than then into about',
  de: 'der die das und ist nicht ein eine einen einem den dem des mit von zu auf für sich auch es ich sie wir wird war sind haben hat aber oder wenn nach bei aus im am zum zur noch nur wie kein keine keinen ja nein danke bitte gerne gern mir mich dir dich du uns mein meine dein sehr schon doch dann dass weil wo hier',
  fr: 'le la les des une et est que qui dans pour pas sur avec ce cette il elle nous vous ils sont au aux du par plus mais ou où je ne se sa son ses très être été',
  es: 'el los las una y es que en por para con no se su sus lo como más pero muy está son fue ha del al me mi yo este esta hay cuando',
  it: 'il lo gli una e è che di per con non si su sono nel nella della del dei alla anche come più ma questo questa ho hai io lui lei noi',
  pt: 'o os uma e é que em por para com não se seu sua do da dos das no na mais mas como foi são ao eu ele ela nós muito',
  nl: 'de het een en van is dat niet op te zijn met voor er aan ook als maar om bij nog naar dan ik je hij zij wij wordt heeft',
}
const LANGUAGES = new Map<string, Set<string>>(
  Object.entries(SMALL_WORDS).map(([name, words]) => [name, new Set(words.split(' '))]),
)
/** German has them in every other sentence, English in names alone, which have a capital. */
const UMLAUT = /^\p{Ll}*[äöüß]/u
/** Letters that are Latin, below which a sentence is written in another script. */
const LEAST_LATIN = 0.5
/** Small words of another language that say so, where English has fewer. */
const ENOUGH = 2

/** @param keys words of the sentence */
export function canBeEnglish(keys: readonly string[]): boolean {
  const letters = keys.join('').match(/\p{L}/gu)?.length ?? 0
  const latin = keys.join('').match(/\p{Script=Latin}/gu)?.length ?? 0
  if (latin < LEAST_LATIN * letters) return false
  const lower = [...new Set(keys.map(key => key.toLowerCase()))] // "No, no, no!" is not twice Spanish
  const umlauts = keys.filter(key => UMLAUT.test(key.normalize('NFC'))).map(key => key.toLowerCase())
  const count = (name: string) =>
    lower.filter(key => LANGUAGES.get(name)?.has(key) || (name === 'de' && umlauts.includes(key))).length
  const english = count('en')
  return [...LANGUAGES.keys()].every(name => name === 'en' || count(name) < ENOUGH || count(name) <= english)
}
