/**
 * Memory for values that live for a while: a place is given back when its value is read for the last time, and taken by
 * the next of the same size. Knows ids and bytes only.
 */

export interface Life {
  /** Ids that are read here. */
  reads: readonly number[]
  /** The id that is made here, and its bytes. */
  makes: number
  bytes: number
  /** The id whose place the new one may take, where this is its last reading. */
  over: number | null
}

/**
 * An address for every id. While a life is worked on, what it reads and what it makes are all in places of their own
 * (but for `over`).
 * @param kept an id that is wanted after the end
 */
export function assignPlaces(
  lives: readonly Life[],
  kept: number,
  allocate: (bytes: number) => number,
): Map<number, number> {
  const last = new Map<number, number>()
  lives.forEach(({ reads, makes }, index) => {
    for (const id of [...reads, makes]) last.set(id, index)
  })
  last.set(kept, lives.length)
  const sizes = new Map(lives.map(({ makes, bytes }) => [makes, bytes]))
  const places = new Map<number, number>()
  const free = new Map<number, number[]>() // bytes → addresses
  lives.forEach(({ reads, makes, bytes, over }, index) => {
    const dying = [...new Set([...reads, makes])].filter(id => last.get(id) === index)
    const taken = over !== null && dying.includes(over) && sizes.get(over) === bytes ? over : null
    const place = taken === null ? (free.get(bytes)?.pop() ?? allocate(bytes)) : (places.get(taken) ?? allocate(bytes))
    places.set(makes, place)
    for (const id of dying) {
      const [size, address] = [sizes.get(id), places.get(id)]
      if (id === taken || size === undefined || address === undefined) continue
      free.set(size, [...(free.get(size) ?? []), address])
    }
  })
  return places
}
