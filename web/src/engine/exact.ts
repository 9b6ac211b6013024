/** Parts of a tokenizer.json that @huggingface/tokenizers 0.2.0 has only nearly, put right in a tokenizer that it made. */
import {
  type Normalizer,
  PrecompiledNormalizer,
  type PreTokenizer,
  SequenceNormalizer,
  SequencePreTokenizer,
  type Tokenizer,
  WhitespaceSplitPreTokenizer,
} from '@huggingface/tokenizers'
import { readCharsmap } from './charsmap.ts'

/** @throws EngineError 'unsupported' where this browser lacks what a part needs */
export function useExactParts(tokenizer: Tokenizer): void {
  for (const part of normalizers(tokenizer.normalizer)) {
    // The library's own is an approximation by NFKC.
    if (part instanceof PrecompiledNormalizer && typeof part.charsmap === 'string') {
      part.normalize = readCharsmap(part.charsmap)
    }
  }
  for (const part of preTokenizers(tokenizer.pre_tokenizer)) {
    // JavaScript's \s lacks U+0085 and has U+FEFF; the original goes by Unicode's White_Space.
    if (part instanceof WhitespaceSplitPreTokenizer) {
      part.pre_tokenize_text = text => text.match(/\P{White_Space}+/gu) ?? []
    }
  }
}

function normalizers(part: Normalizer | null): Normalizer[] {
  if (part === null) return []
  return part instanceof SequenceNormalizer ? part.normalizers.flatMap(normalizers) : [part]
}

function preTokenizers(part: PreTokenizer | null): PreTokenizer[] {
  if (part === null) return []
  return part instanceof SequencePreTokenizer ? part.tokenizers.flatMap(preTokenizers) : [part]
}
