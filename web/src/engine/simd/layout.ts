/** Addresses that JavaScript shares with the kernels: web/kernels/memory.ts says what lies there. */
export const STATE = 1024
export const DONE = 1088
export const FAILED = 1344
export const STOP = 1408
export const RUN = 1472
export const THREADS = RUN + 12
export const STALLS = 1600
/** What each of them takes. */
export const STALL_MS = 0.2
export const SCRATCH_BYTES = 589_824
/** The first byte that is free for other things. */
export const FREE = 2048
