/** What the engine says: in English in its own words. */
export { SENTENCES as engine } from '../../engine/errors.ts'
