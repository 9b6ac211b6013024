/** Writing and reading ONNX Runtime's heap tensors as numbers. Views are valid until the next run: the heap may move. */
import type { OrtRunner, OrtTensor } from './ort-module.ts'

/** A tensor int64 [1, n] with these values. */
export function int64Row(runner: OrtRunner, values: readonly number[]): OrtTensor {
  const tensor = runner.heapTensor('int64', [1, values.length])
  const { buffer, byteOffset, byteLength } = runner.bytes(tensor)
  new BigInt64Array(buffer, byteOffset, byteLength / 8).set(values.map(BigInt))
  return tensor
}

/** What a float32 tensor holds, as a view. */
export function floats(runner: OrtRunner, tensor: OrtTensor): Float32Array {
  const { buffer, byteOffset, byteLength } = runner.bytes(tensor)
  return new Float32Array(buffer, byteOffset, byteLength / 4)
}
