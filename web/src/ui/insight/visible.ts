/** Spaces and line breaks of a token, made visible: alone they would be nothing. */
import { text } from '../../text/index.ts'

export function visible(token: string): string {
  const { space, lineBreak } = text.value.insight.tokens
  if (/^ +$/.test(token)) return token.length === 1 ? space : `${space} ×${token.length}`
  if (/^\n+$/.test(token)) return token.length === 1 ? lineBreak : `${lineBreak} ×${token.length}`
  return token.replaceAll('\n', '↵').trim() || token
}

/** A token as it stands in a list: with its spaces as ␣. */
export function spelled(token: string): string {
  return token.replaceAll(' ', '␣').replaceAll('\n', '↵').replaceAll('\t', '⇥')
}
