/** What the analyse page can do with a text. */
export const KINDS = ['sentiment', 'names', 'question', 'summary', 'translation'] as const
export type Kind = (typeof KINDS)[number]
