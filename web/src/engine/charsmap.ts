/**
 * SentencePiece's compiled normaliser (`precompiled_charsmap`, the tokenizers of T5 and mT5) as Hugging Face's tokenizers
 * apply it. @huggingface/tokenizers has an approximation by NFKC, which gives other token ids for some texts.
 *
 * The map is [u32 size of the trie in bytes, little-endian][trie][texts in UTF-8, each with a zero at its end]. The trie is
 * Darts-clone's double array of u32 units (sentencepiece, src/normalizer.cc; darts-clone, include/darts.h); a leaf's value
 * is where its text begins.
 */
import { EngineError } from './errors.ts'

/** Longer clusters are looked up code point by code point: so do the tokenizers that models were trained with. */
const MAX_CLUSTER_BYTES = 5
/** Code points that join the one before. */
const JOINING = String.raw`(?:\p{M}|\p{Emoji_Modifier}|\u200c|\u200d|\uff9e|\uff9f|[\u{e0020}-\u{e007f}])`
/** Those that join the one behind. */
const PREPENDED = String.raw`[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e]`
/**
 * Where several code points may make a cluster that short. Only these places are segmented: for a whole text that takes time
 * that grows with the square of its length (Node 20: 26 ms for 8,000 characters, 345 ms for 32,000).
 */
const SHORT_CLUSTERS = new RegExp(String.raw`(\r\n|${PREPENDED}.?${JOINING}*|.?${JOINING}+)`, 'su')

/**
 * @param base64 the map as tokenizer.json has it
 * @throws EngineError 'unsupported' in a browser without Intl.Segmenter
 */
export function readCharsmap(base64: string): (text: string) => string {
  const lookUp = openTrie(Uint8Array.from(atob(base64), letter => letter.charCodeAt(0)))
  if (!('Segmenter' in Intl)) {
    throw new EngineError('unsupported', { kind: 'no-segmenter' })
  }
  const clusters = new Intl.Segmenter('en', { granularity: 'grapheme' })
  const encoder = new TextEncoder()
  const ofCodePoint = (letter: string) => lookUp(encoder.encode(letter)) ?? letter
  const ofCluster = (cluster: string) => {
    const bytes = encoder.encode(cluster)
    const whole = bytes.length <= MAX_CLUSTER_BYTES ? lookUp(bytes) : null
    return whole ?? Array.from(cluster, ofCodePoint).join('')
  }
  const ofClusters = (text: string) => Array.from(clusters.segment(text), ({ segment }) => ofCluster(segment)).join('')
  return text => {
    const parts = text.split(SHORT_CLUSTERS).map((part, index) => {
      return index % 2 === 1 ? ofClusters(part) : Array.from(part, ofCodePoint).join('')
    })
    return parts.join('')
  }
}

/** Finds the text that stands for the shortest beginning of a key that is in the map, null where there is none. */
function openTrie(map: Uint8Array): (key: Uint8Array) => string | null {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength)
  const trieBytes = view.getUint32(0, true)
  const units = Uint32Array.from({ length: trieBytes / 4 }, (_, index) => view.getUint32(4 + 4 * index, true))
  const texts = map.subarray(4 + trieBytes)
  const decoder = new TextDecoder()
  return key => {
    let place = offsetOf(units[0] ?? 0)
    for (const byte of key) {
      if (byte === 0) return null
      place ^= byte
      const unit = units[place] ?? 0
      // The top bit tells a value from a label: a unit that has it is no node.
      if ((unit & 0x800000ff) !== byte) return null
      place ^= offsetOf(unit)
      if ((unit >>> 8) & 1) {
        const start = (units[place] ?? 0) & 0x7fffffff
        return decoder.decode(texts.subarray(start, texts.indexOf(0, start)))
      }
    }
    return null
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6)
}
