/** How a model wants raw text: the token in front of it, and the tokens for filling in the middle where it knows them. */
import type { Manifest } from '../manifest.ts'

/** Tokens around what stands before the caret and behind it (Bavarian et al. 2022, prefix-suffix-middle order). */
export interface FillIn {
  prefix: number
  suffix: number
  middle: number
}

export interface TextFrame {
  /** A text's beginning as tokens, with the token in front that the model knows texts to begin with; never empty. */
  encode(text: string): number[]
  encodeContinuation(text: string): number[]
  /** Null for a model that was not trained to fill in. */
  fillIn: FillIn | null
}

export interface FrameParts {
  encode(text: string): number[]
  /** The id of an added token by its text, null where the tokenizer has none of that text. */
  addedToken(text: string): number | null
}

/** Prefix, suffix, middle: Qwen2.5-Coder, CodeGemma, StarCoder2; StarCoder, Granite; DeepSeek-Coder; CodeLlama. */
const FILL_IN_TOKENS = [
  ['<|fim_prefix|>', '<|fim_suffix|>', '<|fim_middle|>'],
  ['<fim_prefix>', '<fim_suffix>', '<fim_middle>'],
  ['<｜fim▁begin｜>', '<｜fim▁hole｜>', '<｜fim▁end｜>'],
  ['▁<PRE>', '▁<SUF>', '▁<MID>'],
] as const
/** General models share a tokenizer with their coding sisters and have such tokens without having learnt them. */
const LEARNT_TO_FILL_IN = /code|star|granite/i

/** Between the documents of the training text, where no token for the beginning is wanted. */
const SEPARATOR = '<|endoftext|>'

export function textFrame(
  { encode, addedToken }: FrameParts,
  manifest: Pick<Manifest, 'special_tokens' | 'name' | 'source'>,
): TextFrame {
  const { bos, eos, add_bos: addBos } = manifest.special_tokens
  const start = (addBos ? bos : addedToken(SEPARATOR)) ?? null
  return {
    encode(text) {
      const tokens = encode(text)
      if (start !== null) return [start, ...tokens]
      return tokens.length > 0 ? tokens : [bos ?? eos[0] ?? 0]
    },
    encodeContinuation: encode,
    fillIn: LEARNT_TO_FILL_IN.test(`${manifest.name} ${manifest.source.ref}`) ? fillInOf(addedToken) : null,
  }
}

function fillInOf(addedToken: FrameParts['addedToken']): FillIn | null {
  for (const [prefix, suffix, middle] of FILL_IN_TOKENS) {
    const found = { prefix: addedToken(prefix), suffix: addedToken(suffix), middle: addedToken(middle) }
    const { prefix: first, suffix: second, middle: third } = found
    if (first !== null && second !== null && third !== null) return { prefix: first, suffix: second, middle: third }
  }
  return null
}
