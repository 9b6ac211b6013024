/**
 * Every sentence that people read on the page, by language and area. English is the measure: the other languages have
 * its shape, so that a missing sentence does not compile. A language is a folder like `de/` and a line in `LOAD`.
 */
import { signal } from '@preact/signals'
import { text as english, type Text } from './en/index.ts'

export type Language = 'en' | 'de'

/** As each calls itself. */
export const LANGUAGES: Readonly<Record<Language, string>> = { en: 'English', de: 'Deutsch' }

const LOAD: Readonly<Record<Language, () => Promise<{ text: Text }>>> = {
  en: async () => ({ text: english }),
  de: () => import('./de/index.ts'),
}

/** Which language the page speaks now: for numbers, dates and the document's `lang`. */
export const language = signal<Language>('en')
export const text = signal<Text>(english)

/** The first of the reader's languages that there is, else English. */
export function preferred(wanted: readonly string[] = navigator.languages): Language {
  for (const tag of wanted) {
    const code = tag.toLowerCase().split('-')[0]
    if (code === 'en' || code === 'de') return code
  }
  return 'en'
}

let latest = 0

/** Turns the page to another language; where its words cannot be loaded it stays as it is. */
export async function speak(choice: Language): Promise<void> {
  const turn = ++latest
  try {
    const loaded = await LOAD[choice]()
    if (turn !== latest) return
    text.value = loaded.text
    language.value = choice
  } catch {
    // Offline before that language was ever used: the page goes on in the one it has.
  }
}
