/**
 * The likeliest tokens of logits that lie on the GPU, [tokens, vocabulary] f32, selected there: a few kilobytes cross to
 * the CPU per token instead of a whole row.
 *
 * The vocabulary is dealt out to rows of at most 2,048 tokens, token t to row t mod `rows`, so that common tokens, which
 * have low numbers, spread over all rows. One workgroup sorts a row in its shared memory, larger logits first and lower
 * tokens first among equal ones, and gives its best `perRow` and the sum of exp(logit - largest). That is one dispatch
 * for all rows of all tokens, where ONNX's TopK over a whole vocabulary takes more than a hundred (a sort in global
 * memory), and unlike operators in the graph it works on the logits of any model, whoever exported it.
 */
import type { Candidates } from './backend.ts'

/** A row's logits and places, 8 bytes a token, fill WebGPU's smallest workgroup memory, 16,384 bytes. */
const MOST_PER_ROW = 2048
/** Read back for one token, at most. */
const READ_BYTES = 16_384
const WORKGROUP = 256

export class Selector {
  readonly #device: GPUDevice
  readonly #shape: Shape
  readonly #pipeline: GPUComputePipeline

  private constructor(device: GPUDevice, shape: Shape, pipeline: GPUComputePipeline) {
    this.#device = device
    this.#shape = shape
    this.#pipeline = pipeline
  }

  /** @param perRow how many of a row to take; by default as many as 16 KB for a token hold */
  static async create(device: GPUDevice, vocabularySize: number, perRow = Number.POSITIVE_INFINITY): Promise<Selector> {
    const shape = shapeOf(vocabularySize, perRow)
    const module = device.createShaderModule({ code: shader(shape) })
    const pipeline = await device.createComputePipelineAsync({ layout: 'auto', compute: { module } })
    return new Selector(device, shape, pipeline)
  }

  /** Where `select` reads `tokens` rows of logits from `logits`; keep it as long as that buffer. */
  bind(logits: GPUBuffer, tokens: number): Selection {
    const size = tokens * this.#shape.bytes
    const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage
    const found = this.#device.createBuffer({ size, usage: STORAGE | COPY_SRC })
    const readable = this.#device.createBuffer({ size, usage: COPY_DST | MAP_READ })
    const entries = [logits, found].map((buffer, binding) => ({ binding, resource: { buffer } }))
    const bindings = this.#device.createBindGroup({ layout: this.#pipeline.getBindGroupLayout(0), entries })
    return { tokens, found, readable, bindings }
  }

  /** After everything that the device's queue has to do already. */
  async select({ tokens, found, readable, bindings }: Selection): Promise<Candidates[]> {
    const encoder = this.#device.createCommandEncoder()
    const pass = encoder.beginComputePass()
    pass.setPipeline(this.#pipeline)
    pass.setBindGroup(0, bindings)
    pass.dispatchWorkgroups(this.#shape.rows, tokens)
    pass.end()
    encoder.copyBufferToBuffer(found, 0, readable, 0, found.size)
    this.#device.queue.submit([encoder.finish()])
    const data = await contents(readable)
    return Array.from({ length: tokens }, (_, token) => read(data, token * this.#shape.bytes, this.#shape))
  }
}

export interface Selection {
  tokens: number
  found: GPUBuffer
  readable: GPUBuffer
  bindings: GPUBindGroup
}

export function releaseSelection({ found, readable }: Selection): void {
  found.destroy()
  readable.destroy()
}

/** A copy of what a buffer holds once the queue has come to it; the buffer has MAP_READ. */
export async function contents(buffer: GPUBuffer): Promise<ArrayBuffer> {
  await buffer.mapAsync(GPUMapMode.READ)
  const copy = buffer.getMappedRange().slice(0)
  buffer.unmap()
  return copy
}

interface Shape {
  vocabularySize: number
  rows: number
  perRow: number
  /** Of one token: logits [rows, perRow] f32, ids [rows, perRow] u32, sums [rows] f32. */
  bytes: number
}

function shapeOf(vocabularySize: number, wanted: number): Shape {
  const rows = Math.ceil(vocabularySize / MOST_PER_ROW)
  const fitting = Math.floor((READ_BYTES / rows - 4) / 8)
  const perRow = Math.min(Math.floor(vocabularySize / rows), fitting, wanted)
  return { vocabularySize, rows, perRow, bytes: rows * (8 * perRow + 4) }
}

function read(data: ArrayBuffer, at: number, { vocabularySize, rows, perRow }: Shape): Candidates {
  const count = rows * perRow
  const logits = new Float32Array(data, at, count)
  const ids = new Int32Array(data, at + 4 * count, count)
  const sums = new Float32Array(data, at + 8 * count, rows)
  let highest = Number.NEGATIVE_INFINITY
  let floor = Number.NEGATIVE_INFINITY
  for (let row = 0; row < rows; row++) {
    highest = Math.max(highest, logits[row * perRow] ?? highest)
    if (count < vocabularySize) floor = Math.max(floor, logits[(row + 1) * perRow - 1] ?? floor)
  }
  let sum = 0
  for (let row = 0; row < rows; row++) sum += (sums[row] ?? 0) * Math.exp((logits[row * perRow] ?? highest) - highest)
  return { ids, logits, logSumExp: highest + Math.log(sum), floor, perRow }
}

function shader({ vocabularySize, rows, perRow }: Shape): string {
  const size = Math.max(WORKGROUP, 2 ** Math.ceil(Math.log2(vocabularySize / rows)))
  return `
@group(0) @binding(0) var<storage, read> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> found: array<u32>;
var<workgroup> value: array<f32, ${size}>;
var<workgroup> place: array<u32, ${size}>;

@compute @workgroup_size(${WORKGROUP})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) thread: u32) {
  let row = group.x;
  let own = (${vocabularySize + rows - 1}u - row) / ${rows}u; // tokens of this row; some rows have one fewer than others
  for (var i = thread; i < ${size}u; i += ${WORKGROUP}u) {
    place[i] = i;
    value[i] = -3.4028234e38;
    if (i < own) { value[i] = logits[group.y * ${vocabularySize}u + i * ${rows}u + row]; }
  }
  // Bitonic sort: runs of 2, 4, ... in alternating direction, each merged by halving gaps.
  for (var run = 2u; run <= ${size}u; run *= 2u) {
    for (var gap = run / 2u; gap > 0u; gap /= 2u) {
      workgroupBarrier();
      for (var pair = thread; pair < ${size / 2}u; pair += ${WORKGROUP}u) {
        let a = 2u * gap * (pair / gap) + pair % gap;
        let b = a + gap;
        let swapped = value[a] < value[b] || (value[a] == value[b] && place[a] > place[b]);
        if (swapped == ((a & run) == 0u)) {
          let heldValue = value[a];
          value[a] = value[b];
          value[b] = heldValue;
          let heldPlace = place[a];
          place[a] = place[b];
          place[b] = heldPlace;
        }
      }
    }
  }
  workgroupBarrier();
  let start = group.y * ${rows * (2 * perRow + 1)}u;
  for (var i = thread; i < ${perRow}u; i += ${WORKGROUP}u) {
    let at = start + row * ${perRow}u + i;
    found[at] = bitcast<u32>(value[i]);
    found[at + ${rows * perRow}u] = place[i] * ${rows}u + row;
  }
  var sum = 0.0;
  for (var i = thread; i < own; i += ${WORKGROUP}u) { sum += exp(value[i] - value[0]); }
  workgroupBarrier(); // everybody has read: the memory takes the threads' sums now, added up as a tree
  value[thread] = sum;
  for (var half = ${WORKGROUP / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (thread < half) { value[thread] += value[thread + half]; }
  }
  if (thread == 0u) { found[start + ${2 * rows * perRow}u + row] = bitcast<u32>(value[0]); }
}`
}
