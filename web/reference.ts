/** docs/api.md: one page of reference, from the public types and their comments. */
import type { Declaration } from './declarations.ts'

const INTRODUCTION = `# API of \`/slm.js\`

Made from the sources by \`npm run docs\`; do not edit by hand. \`slm.d.ts\` beside \`slm.js\` has the same types.

\`\`\`js
import { createEngine } from './slm.js'
const engine = await createEngine({ bundle: '/models/smollm2-135m-instruct/' })
for await (const chunk of engine.chat.completions.create({ messages: [{ role: 'user', content: 'Hello!' }], stream: true }))
  console.log(chunk.choices[0].delta.content ?? '')
\`\`\`
`

const SECTIONS: [title: string, modules: string[]][] = [
  ['Making an engine', ['slm.ts']],
  ['The engine', ['engine/api.ts']],
  ['Chat and completion', ['engine/chat-types.ts']],
  ['Completion at a caret', ['engine/complete/types.ts']],
  ['Proofreading', ['engine/proofread/types.ts']],
  ["OpenAI's client library", ['engine/openai-fetch.ts']],
  ["The browsers' LanguageModel and Proofreader", ['engine/facade/shapes.ts']],
  ['Errors', ['engine/errors.ts', 'engine/sentences.ts']],
  ['Memory and disk', ['engine/memory.ts', 'engine/disk.ts']],
]

/** @throws Error where a public type belongs to no section */
export function referencePage(declarations: readonly Declaration[]): string {
  const left = new Set(declarations)
  const sections = SECTIONS.map(([title, modules]) => {
    const own = declarations.filter(({ module }) => modules.includes(module))
    for (const declaration of own) left.delete(declaration)
    return [`## ${title}`, ...own.map(entry)].join('\n\n')
  })
  const [homeless] = left
  if (homeless)
    throw new Error(`${homeless.name} (${homeless.module}) is public: give it a section in web/reference.ts.`)
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`.replaceAll(/\n{3,}/g, '\n\n')
}

function entry({ name, comment, text }: Declaration): string {
  return [`### \`${name}\``, prose(comment), `\`\`\`ts\n${text}\n\`\`\``].filter(part => part !== '').join('\n\n')
}

/** A comment's text: its lines joined, examples kept. */
function prose(comment: string): string {
  const lines = comment
    .replace(/^\/\*\*|\*\/\s*$/g, '')
    .split('\n')
    .map(line => line.replace(/^\s*\* ?/, '').trimEnd())
  const text = lines.join('\n').trim()
  return text
    .replaceAll(/^ {5,}(?=\S)/gm, '    ')
    .replaceAll(/^@param (\w+)/gm, '\n`$1`:')
    .replaceAll(/^@throws (.*)/gm, '\nThrows $1')
    .replaceAll('|', '\\|')
    .trim()
}
