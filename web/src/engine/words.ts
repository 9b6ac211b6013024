/**
 * A text as BERT's pre-tokenizer sees it: words between white space, every punctuation mark and every CJK character a
 * word of its own, with their places. The tokenizer library gives tokens without places, and WordPiece never looks
 * beyond a word: so encoding word by word gives the tokens of the whole text, each with a place.
 */
export interface Word {
  text: string
  /** UTF-16 code units, half-open. */
  start: number
  end: number
}

// White space as BERT's normalizer leaves it: the other control characters vanish and separate nothing.
const SPACE = '\\t\\n\\r\\p{Zs}\\u2028\\u2029'
const MARK = '\\p{P}!-/:-@\\[-`{-~'
// The blocks that BERT calls Chinese characters, ideographs of Japanese and Korean included.
const IDEOGRAPH =
  '\\u4E00-\\u9FFF\\u3400-\\u4DBF\\u{20000}-\\u{2A6DF}\\u{2A700}-\\u{2B73F}\\u{2B740}-\\u{2B81F}\\u{2B820}-\\u{2CEAF}\\uF900-\\uFAFF\\u{2F800}-\\u{2FA1F}'

/** @param added texts that are one token whatever stands around them: `[SEP]` */
export function splitWords(text: string, added: readonly string[]): Word[] {
  const literal = [...added].sort((a, b) => b.length - a.length).map(escaped)
  const single = `[${MARK}${IDEOGRAPH}]`
  const letter = `${literal.length > 0 ? `(?!${literal.join('|')})` : ''}[^${SPACE}${MARK}${IDEOGRAPH}]`
  const pattern = new RegExp([...literal, single, `(?:${letter})+`].join('|'), 'gu')
  return Array.from(text.matchAll(pattern), match => ({
    text: match[0],
    start: match.index,
    end: match.index + match[0].length,
  }))
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
