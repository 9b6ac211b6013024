/** What an answer may look like, and how the loop asks which tokens may come next. Imports nothing. */

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }

/** A JSON Schema (2020-12, and draft 7's spellings of the same). */
export type JsonSchema = boolean | { [key: string]: JsonValue }

/**
 * The shape of a whole answer, as plain data that a message can carry. A pattern is a JavaScript regular expression
 * that the whole answer matches; `where` is the field it came from, for messages.
 */
export type ConstraintSpec =
  | { kind: 'json-schema'; schema: JsonSchema; where: string }
  | { kind: 'regex'; pattern: string; where: string }
  | { kind: 'text'; text: string }
  | { kind: 'sequence'; parts: ConstraintSpec[] }
  | { kind: 'choice'; options: ConstraintSpec[] }
  /** `of` once or several times, each time but the first behind `separator`. */
  | { kind: 'list'; of: ConstraintSpec; separator: string }
  /** Any text without `opening` in it, and `behind` after it or not. `behind` begins with the opening. */
  | { kind: 'text-before'; opening: string; behind: ConstraintSpec }

/** One answer's way through its constraint. */
export interface Constraint {
  /**
   * The tokens that may come next: bit `id & 31` of word `id >>> 5`. Tokens that end the turn are among them where the
   * answer may end here. The array must not be changed.
   * @param tokensLeft how many tokens may still come, this one included. Near the end only those are allowed after
   *   which the answer can still be completed, wherever that is possible at all.
   * @throws EngineError 'unsupported' where no token of the vocabulary can go on
   */
  allowed(tokensLeft: number): Uint32Array
  /**
   * Goes on behind a token that was allowed, also one that ends the turn.
   * @throws EngineError 'internal' for one that was not
   */
  accept(token: number): void
  /** True where the answer is whole and nothing may follow but the end of the turn. */
  readonly done: boolean
}
