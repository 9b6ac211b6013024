/** Numbers as people read them. */
import { describe, expect, it } from 'vitest'
import { speak } from '../../../web/src/text/index.ts'
import { bytes, decimal, duration, parameters, speed, whole } from '../../../web/src/ui/parts/format.ts'

describe('numbers', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [999_600, '1.0 MB'],
    [149_400_000, '149.4 MB'],
    [999_960_000, '1.00 GB'],
    [2_340_000_000, '2.34 GB'],
  ])('%d bytes', (count, text) => expect(bytes(count)).toBe(text))

  it.each([
    [0, '0 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [1000, '1.0 s'],
    [59_940, '59.9 s'],
    [59_980, '1 min 0 s'],
    [119_700, '2 min 0 s'],
    [61_000, '1 min 1 s'],
  ])('%d ms', (ms, text) => expect(duration(ms)).toBe(text))

  it.each([
    [134_515_008, '135 M'],
    [120_400, '0.1 M'],
    [9_600_000, '10 M'],
    [999_600_000, '1.0 B'],
    [1_700_000_000, '1.7 B'],
  ])('%d parameters', (count, text) => expect(parameters(count)).toBe(text))

  it('in the page’s language', async () => {
    expect([whole(1234), decimal(3.5, 2), speed(1203.7), speed(23.45)]).toEqual(['1,234', '3.50', '1,204', '23.5'])
    await speak('de')
    expect([whole(1234), bytes(2_340_000_000), duration(1500), speed(23.44)]).toEqual([
      ...['1.234', '2,34 GB', '1,5 s', '23,4'],
    ])
    await speak('en')
  })
})
