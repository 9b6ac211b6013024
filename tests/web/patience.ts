/**
 * Read before every test in the browser. `vi.waitFor` gives up after a second, which a busy machine may take over anything, and
 * Vitest has no setting for it; `expect.element` and `expect.poll` have theirs in web/vitest.config.ts.
 */
import { vi } from 'vitest'

const PATIENCE_MS = 60_000
const { waitFor } = vi
vi.waitFor = (callback, options = PATIENCE_MS) => waitFor(callback, options)
