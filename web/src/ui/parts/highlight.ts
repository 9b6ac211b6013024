/** Colours of code: highlight.js with a few languages, each fetched when a block of it is first seen. */

import type { LanguageFn } from 'highlight.js'
import hljs from 'highlight.js/lib/core'

const LOAD: Readonly<Record<string, () => Promise<{ default: LanguageFn }>>> = {
  bash: () => import('highlight.js/lib/languages/bash'),
  c: () => import('highlight.js/lib/languages/c'),
  cpp: () => import('highlight.js/lib/languages/cpp'),
  css: () => import('highlight.js/lib/languages/css'),
  go: () => import('highlight.js/lib/languages/go'),
  java: () => import('highlight.js/lib/languages/java'),
  javascript: () => import('highlight.js/lib/languages/javascript'),
  json: () => import('highlight.js/lib/languages/json'),
  python: () => import('highlight.js/lib/languages/python'),
  rust: () => import('highlight.js/lib/languages/rust'),
  sql: () => import('highlight.js/lib/languages/sql'),
  typescript: () => import('highlight.js/lib/languages/typescript'),
  xml: () => import('highlight.js/lib/languages/xml'),
  yaml: () => import('highlight.js/lib/languages/yaml'),
}
const OTHER_NAMES: Readonly<Record<string, string>> = {
  ...{
    sh: 'bash',
    shell: 'bash',
    zsh: 'bash',
    console: 'bash',
    h: 'c',
    'c++': 'cpp',
    cc: 'cpp',
    hpp: 'cpp',
    golang: 'go',
  },
  ...{ js: 'javascript', jsx: 'javascript', mjs: 'javascript', py: 'python', python3: 'python', rs: 'rust' },
  ...{ ts: 'typescript', tsx: 'typescript', html: 'xml', svg: 'xml', yml: 'yaml' },
}

/** HTML of the code with `hljs-` classes; null for a language that is not known here. */
export async function highlighted(code: string, language: string): Promise<string | null> {
  const given = language.toLowerCase()
  const name = OTHER_NAMES[given] ?? given
  const load = Object.hasOwn(LOAD, name) ? LOAD[name] : undefined
  if (!load) return null
  if (!hljs.getLanguage(name)) hljs.registerLanguage(name, (await load()).default)
  return hljs.highlight(code, { language: name, ignoreIllegals: true }).value
}
