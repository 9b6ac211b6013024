// Where things lie in WASM memory, for the kernels and for machine.ts (which repeats these numbers). Everything that
// threads share to agree on work has a cache line of its own.

/** i64: epoch of the current op (high half), its chunks and the next one to take (16 bits each). */
export const STATE: usize = 1024
/** i32: chunks of the current op that are finished. */
export const DONE: usize = 1088
/** i32: address of the current op. */
export const CURRENT: usize = 1152
/** i32: not 0 while a helper may sleep. */
export const HELPERS_SLEEP: usize = 1216
/** i32: not 0 while the thread that runs the list sleeps. */
export const RUNNER_SLEEPS: usize = 1280
/** i32: not 0 when a helper failed; set by its JavaScript. */
export const FAILED: usize = 1344
/** i32: not 0 when helpers shall end. */
export const STOP: usize = 1408
/** i32: tokens, position of the first, outputs, threads; address of the token ids, of the threads' scratch memory. */
export const RUN: usize = 1472
/** i32: threads that take part in the run. The others sleep on it. */
export const THREADS: usize = RUN + 12
/** i32: the block that attention's current round begins with. */
export const ROUND: usize = 1536
/** i32: how often in this run its thread slept in vain, waiting for another that the system had put aside. */
export const STALLS: usize = 1600

/** Each thread's own memory: 8 rows of a matrix with 65,536 columns, and the state of attention. */
export const SCRATCH_BYTES: usize = 589824
export const SCRATCH_STATE: usize = 524288

export function runTokens(): i32 {
  return load<i32>(RUN)
}

export function runPosition(): i32 {
  return load<i32>(RUN, 4)
}

export function runOutputs(): i32 {
  return load<i32>(RUN, 8)
}

export function runThreads(): i32 {
  return load<i32>(THREADS)
}

export function tokenAt(index: i32): i32 {
  return load<i32>(<usize>load<u32>(RUN, 16) + ((<usize>index) << 2))
}

export function scratch(thread: i32): usize {
  return <usize>load<u32>(RUN, 20) + <usize>thread * SCRATCH_BYTES
}

/** Argument `index` of an op (ops.ts, `argumentsOf`). */
export function argument(op: usize, index: i32): i32 {
  return load<i32>(op + ((<usize>index) << 2), 8)
}

export function pointer(op: usize, index: i32): usize {
  return <usize>load<u32>(op + ((<usize>index) << 2), 8)
}

export function float(op: usize, index: i32): f32 {
  return load<f32>(op + ((<usize>index) << 2), 8)
}

/** Address of row `row` of the value whose address and stride are arguments `index` and `index + 1`. */
export function rowAt(op: usize, index: i32, row: i32): usize {
  return pointer(op, index) + ((<usize>row * <usize>argument(op, index + 1)) << 2)
}

/** Rows of this run that the op is for. */
export function opRows(op: usize): i32 {
  return load<i32>(op, 4) ? runOutputs() : runTokens()
}
