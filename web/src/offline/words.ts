/** Messages between the page and its service worker. An answer comes through the port that a question brings along. */

export type ToOffline =
  /** A new version is to begin, although an old page is open. */
  | { kind: 'take-over' }
  /** Fetch what the first installation left for later; the answer comes when it is there. */
  | { kind: 'fill' }
  /** Whether this version has the file with this address. */
  | { kind: 'has'; url: string }
  /** Note every request from now on under a name; and give what was noted. */
  | { kind: 'count'; name: string }
  | { kind: 'counted'; name: string }

export type FromOffline =
  | { kind: 'filled'; isWhole: boolean }
  | { kind: 'has'; has: boolean; files: number }
  | { kind: 'counted'; urls: string[] }
