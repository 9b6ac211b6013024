/** How alike two words are, from 0 to 1: 1 − edits ÷ length of the longer; two swapped letters are one edit. Case is not looked at. */
export function similarity(one: string, other: string): number {
  const a = [...one.toLowerCase()]
  const b = [...other.toLowerCase()]
  const longer = Math.max(a.length, b.length)
  if (longer === 0) return 1
  if (longer > MOST_LETTERS) return one.toLowerCase() === other.toLowerCase() ? 1 : 0
  return 1 - editsBetween(a, b) / longer
}

/** No word that is worth comparing letter by letter is longer. */
const MOST_LETTERS = 64

/** Optimal string alignment distance (Damerau–Levenshtein without edits inside of swaps). */
function editsBetween(a: readonly string[], b: readonly string[]): number {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, letter] of a.entries()) {
    const row = [i + 1]
    for (const [j, other] of b.entries()) {
      let least = Math.min((row[j] ?? 0) + 1, (last[j + 1] ?? 0) + 1, (last[j] ?? 0) + (letter === other ? 0 : 1))
      if (i > 0 && j > 0 && letter === b[j - 1] && a[i - 1] === other) least = Math.min(least, (before[j - 1] ?? 0) + 1)
      row.push(least)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}
