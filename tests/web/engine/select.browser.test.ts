/** Candidates selected on the GPU (SwiftShader here) against the whole row of logits, sorted in JavaScript. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findGpu, thisBrowser } from '../../../web/src/engine/device.ts'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { randomNumbers } from '../../../web/src/engine/random.ts'
import { releaseSelection, Selector } from '../../../web/src/engine/select.ts'

let device: GPUDevice
beforeAll(async () => {
  const { gpu, missing } = await findGpu(thisBrowser(), { allowSoftware: true })
  if (!gpu) throw new EngineError('unsupported', missing)
  device = gpu.device
})
afterAll(() => device?.destroy())

/** Bell-shaped, as logits are, with ties: rounded to steps of 1/64. */
function drawLogits(count: number, seed: number): Float32Array {
  const random = randomNumbers(seed)
  return Float32Array.from({ length: count }, () => {
    const bell = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
    return Math.round(64 * 4 * bell) / 64
  })
}

async function select(logits: Float32Array<ArrayBuffer>, vocabularySize: number, perRow?: number) {
  const tokens = logits.length / vocabularySize
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST
  const buffer = device.createBuffer({ size: Math.ceil(logits.byteLength / 16) * 16, usage })
  device.queue.writeBuffer(buffer, 0, logits)
  const selector = await Selector.create(device, vocabularySize, perRow)
  const selection = selector.bind(buffer, tokens)
  const bytes = selection.readable.size / tokens
  const found = await selector.select(selection)
  releaseSelection(selection)
  buffer.destroy()
  return { found, bytes }
}

/** SmolLM2, Gemma 3; then what fits one row, and one token too many for it. */
const VOCABULARIES = [49_152, 262_144, 31, 2049]

describe.each(VOCABULARIES)('%i tokens', vocabularySize => {
  test('the listed logits are the model’s, nothing missing is above the floor, the sum is that of all', async () => {
    const logits = new Float32Array(drawLogits(2 * vocabularySize, vocabularySize))
    const { found, bytes } = await select(logits, vocabularySize)
    expect(bytes).toBeLessThanOrEqual(16_384)
    expect(found.length).toBe(2)
    found.forEach((candidates, token) => {
      const row = logits.subarray(token * vocabularySize, (token + 1) * vocabularySize)
      const { ids, floor } = candidates
      expect(ids.length % candidates.perRow).toBe(0)
      expect(new Set(ids).size).toBe(ids.length)
      expect(candidates.logits).toEqual(Float32Array.from(ids, id => row[id] ?? Number.NaN))
      const listed = new Set(ids)
      let highestMissing = Number.NEGATIVE_INFINITY
      row.forEach((logit, id) => {
        if (!listed.has(id)) highestMissing = Math.max(highestMissing, logit)
      })
      expect(floor).toBeGreaterThanOrEqual(highestMissing)
      expect(floor === Number.NEGATIVE_INFINITY).toBe(ids.length === vocabularySize)
      const exact = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0))
      expect(Math.abs(candidates.logSumExp - exact)).toBeLessThan(1e-5)
      // The argmax of the whole row, lower token first: what greedy needs.
      const best = row.reduce((so, logit, id) => (logit > (row[so] ?? Number.NaN) ? id : so), 0)
      const top = [...ids.keys()].sort(
        (a, b) => (candidates.logits[b] ?? 0) - (candidates.logits[a] ?? 0) || (ids[a] ?? 0) - (ids[b] ?? 0),
      )
      expect(ids[top[0] ?? -1]).toBe(best)
    })
  })
})

test('enough tokens are above the floor for every usual top-k, without another read', async () => {
  // The floor of a large vocabulary is the highest: 128 rows of 15.
  const { found } = await select(new Float32Array(drawLogits(262_144, 5)), 262_144)
  const [candidates] = found
  const above = candidates?.logits.filter(logit => logit > candidates.floor).length ?? 0
  expect(above).toBeGreaterThan(100)
})

test('equal logits everywhere: the lower tokens of each row, and the sum of all', async () => {
  const { found } = await select(new Float32Array(5000).fill(-2.5), 5000, 10)
  expect(Array.from(found[0]?.ids ?? []).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, id) => id))
  expect(found[0]?.logSumExp).toBeCloseTo(Math.log(5000) - 2.5, 5)
})

test('logits far from zero neither overflow nor vanish', async () => {
  const shifts = [-3000, 3000]
  const logits = shifts.map((shift, token) => drawLogits(4096, token).map(logit => logit + shift))
  const { found } = await select(Float32Array.from(logits.flatMap(row => Array.from(row))), 4096)
  shifts.forEach((shift, token) => {
    const exact =
      shift + Math.log((logits[token] ?? new Float32Array()).reduce((sum, logit) => sum + Math.exp(logit - shift), 0))
    expect(Math.abs((found[token]?.logSumExp ?? 0) - exact)).toBeLessThan(1e-3) // float32 steps by 2e-4 out there
  })
})
