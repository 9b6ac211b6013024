/** Whether the browser lets this page keep anything at all. */

/** True where it does not: the user has blocked "site data". False in workers, which cannot tell. */
export function isStorageRefused(): boolean {
  try {
    return 'localStorage' in globalThis && globalThis.localStorage === null
  } catch {
    return true // even to look at it is refused
  }
}
