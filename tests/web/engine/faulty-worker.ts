/** The engine's worker over the real backend, whose runs can be made to fail: for what comes after a failure. */
import './faulty-backend.ts'
import '../../../web/src/engine/worker.ts'
