/** A page that waits longer for its own turn is felt. */
const LONGEST_TASK_MS = 8

/** Lets the page have its turn where much was done without a pause. */
export function breather(): () => Promise<void> {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < LONGEST_TASK_MS) return
    await new Promise(resolve => setTimeout(resolve))
    last = performance.now()
  }
}
