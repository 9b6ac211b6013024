/** Keys as they are lettered where the page's language is spoken. */
import { text } from '../../text/index.ts'

/** "Ctrl+Shift+O" → "Strg+Umschalt+O" */
export function lettered(keys: string): string {
  const names: Readonly<Record<string, string>> = text.value.shell.keyNames
  return keys.replace(/\w+/g, key => names[key] ?? key)
}
