/** What an encoder's numbers mean: a vector, label scores, tagged spans. Pure; text offsets are UTF-16 code units. */
import type { Entity, Label } from './api.ts'
import type { Encoder } from './manifest.ts'
import type { Word } from './words.ts'

/** One vector [dimensions] of hidden states [n, dimensions], pooled and scaled as the model says. */
export function pooled(states: Float32Array, { dimensions, pooling, normalize }: Encoder): Float32Array {
  const rows = states.length / dimensions
  const vector = states.slice(0, dimensions) // `cls`: the first row as it is
  if (pooling === 'mean' || pooling === 'max') {
    for (let row = 1; row < rows; row++) {
      for (let column = 0; column < dimensions; column++) {
        const value = states[row * dimensions + column] ?? 0
        const so = vector[column] ?? 0
        vector[column] = pooling === 'mean' ? so + value : Math.max(so, value)
      }
    }
  }
  const scale = pooling === 'mean' ? 1 / rows : 1
  const length = normalize ? Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) * scale : 1
  return vector.map(value => (value * scale) / (length || 1))
}

/** Every label with its score, best first. Scores of labels that exclude each other add up to 1. */
export function labelScores(logits: Float32Array, { labels, multi_label }: Encoder): Label[] {
  const scores = multi_label || logits.length === 1 ? logits.map(value => 1 / (1 + Math.exp(-value))) : softmax(logits)
  return labels.map((label, index) => ({ label, score: scores[index] ?? 0 })).sort((a, b) => b.score - a.score)
}

/**
 * Spans of words with the same kind of tag: a word counts by its first token, `B-` begins a new span, `I-` goes on with
 * one, and words tagged `O` belong to none. A span's score is the mean of its words'.
 * @param logits [n, labels] of the tokens; `firstTokens` are the places of the words' first tokens among them
 */
export function spans(
  text: string,
  { words, firstTokens }: { words: readonly Word[]; firstTokens: readonly number[] },
  { logits, labels }: { logits: Float32Array; labels: readonly string[] },
): Entity[] {
  const found: { kind: string; scores: number[]; start: number; end: number }[] = []
  words.forEach(({ start, end }, index) => {
    const from = (firstTokens[index] ?? 0) * labels.length
    const chances = softmax(logits.subarray(from, from + labels.length))
    const best = chances.indexOf(Math.max(...chances))
    const [, position, kind] = /^(?:([BI])-)?(.*)$/s.exec(labels[best] ?? '') ?? []
    const last = found.at(-1)
    if (last && last.kind === kind && position !== 'B') {
      last.scores.push(chances[best] ?? 0)
      last.end = end
    } else found.push({ kind: kind ?? '', scores: [chances[best] ?? 0], start, end })
  })
  return found
    .filter(({ kind }) => kind !== 'O')
    .map(({ kind, scores, start, end }) => ({
      label: kind,
      score: scores.reduce((sum, score) => sum + score, 0) / scores.length,
      text: text.slice(start, end),
      start,
      end,
    }))
}

function softmax(logits: Float32Array): Float32Array {
  const highest = Math.max(...logits)
  const powers = logits.map(value => Math.exp(value - highest))
  const sum = powers.reduce((total, value) => total + value, 0)
  return powers.map(value => value / sum)
}
