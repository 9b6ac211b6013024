/**
 * The public types in one file: what the compiler emits for `src/slm.ts` and the modules it names, brought together. Goes
 * by the text of the emitted declarations, which has one form: what begins at a line's beginning is a declaration.
 */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

export interface Declaration {
  name: string
  /** The module it comes from, relative to `src`: `engine/api.ts`. */
  module: string
  isPublic: boolean
  /** The comment in front, with its marks; '' where there is none. */
  comment: string
  /** Without `export` and `declare`. */
  text: string
}

interface Module {
  file: string
  declarations: Map<string, Omit<Declaration, 'isPublic'>>
  /** By local name: where it is declared. */
  imports: Map<string, string>
  /** Names that are exported; '*' stands for all of a module. */
  exports: { name: string; from: string | null }[]
}

/** What `/slm.js` exports, and everything that this names, in order of the modules. */
export async function publicDeclarations(): Promise<Declaration[]> {
  const folder = await mkdtemp(path.join(tmpdir(), 'slm-types-'))
  try {
    const tsc = path.join(path.dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')
    const project = fileURLToPath(new URL('./tsconfig.types.json', import.meta.url))
    await promisify(execFile)(process.execPath, [tsc, '--project', project, '--outDir', folder])
    return await collect(file => readFile(path.join(folder, file.replace(/\.ts$/, '.d.ts')), 'utf8'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** `slm.d.ts`: the same as one module. */
export function declarationFile(declarations: readonly Declaration[]): string {
  const parts = declarations.map(({ comment, text, isPublic }) => {
    const isType = /^(interface|type) /.test(text)
    return `${comment}${isPublic ? 'export ' : ''}${isType ? '' : 'declare '}${text}`
  })
  return `${parts.join('\n\n')}\n\nexport {}\n`
}

async function collect(read: (file: string) => Promise<string>): Promise<Declaration[]> {
  const modules = new Map<string, Module>()
  const open = async (file: string): Promise<Module> => {
    const known = modules.get(file)
    if (known) return known
    const opened = parse(await read(file), file)
    modules.set(file, opened)
    return opened
  }
  const found = new Map<string, Declaration>()
  const take = async (name: string, from: Module, isPublic: boolean): Promise<void> => {
    const imported = from.imports.get(name)
    if (imported !== undefined) return take(name, await open(imported), isPublic)
    const declaration = from.declarations.get(name)
    if (!declaration) return
    const known = found.get(name)
    if (known && known.module !== from.file)
      throw new Error(`Two public types are called ${name}: in ${known.module} and ${from.file}. Rename one.`)
    if (known) known.isPublic ||= isPublic
    else {
      found.set(name, { ...declaration, isPublic })
      for (const word of new Set(declaration.text.match(/\b[A-Z]\w*/g))) await take(word, from, false)
    }
  }
  const takeExports = async (module: Module): Promise<void> => {
    for (const { name, from } of module.exports) {
      if (name === '*' && from) await takeExports(await open(from))
      else await take(name, from ? await open(from) : module, true)
    }
  }
  await takeExports(await open('slm.ts'))
  const order = [...modules.keys()]
  return [...found.values()].sort((a, b) => order.indexOf(a.module) - order.indexOf(b.module))
}

/** One emitted file, by its top-level statements. */
function parse(source: string, file: string): Module {
  const module: Module = { file, declarations: new Map(), imports: new Map(), exports: [] }
  const statement =
    /((?:^\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n)*)^((?:import|export|declare|interface|type)\b[\s\S]*?)(?=\n(?:\/\*\*|import|export|declare|interface|type)|\n*$(?![\s\S]))/gm
  for (const [, comments = '', text = ''] of source.matchAll(statement)) {
    const comment = /\/\*\*(?:(?!\*\/)[\s\S])*\*\/\n$/.exec(comments)?.[0] ?? ''
    const outside = /^(import|export) (?:type )?(\*|\{[^}]*\}) from '(.+)';$/.exec(text)
    if (outside) readList(module, outside)
    else if (text !== 'export {};') readDeclaration(module, { text, comment })
  }
  return module
}

function readList(module: Module, [, kind, list = '', from = '']: readonly string[]): void {
  if (!from.startsWith('.')) return // a package's types are named, not copied
  const target = path.posix.join(path.posix.dirname(module.file), from)
  if (list === '*') module.exports.push({ name: '*', from: target })
  for (const entry of list.match(/[\w ]+/g)?.filter(name => name.trim() !== '') ?? []) {
    const name = entry.replace(/^\s*type /, '').trim()
    if (name.includes(' as ')) throw new Error(`${module.file}: ${name}: public types keep their names.`)
    if (list !== '*' && kind === 'export') module.exports.push({ name, from: target })
    else if (list !== '*') module.imports.set(name, target)
  }
}

function readDeclaration(module: Module, { text, comment }: { text: string; comment: string }): void {
  const bare = text.replace(/^(export )?(declare )?/, '').trimEnd()
  const name = /^(?:interface|type|class|function|const) (\w+)/.exec(bare)?.[1]
  if (name === undefined) throw new Error(`${module.file}: cannot read "${text.slice(0, 60)}".`)
  module.declarations.set(name, { name, module: module.file, comment, text: tidy(bare) })
  if (text.startsWith('export ')) module.exports.push({ name, from: null })
}

/** As the sources are written: two spaces, no semicolons, nothing private. */
function tidy(text: string): string {
  return text
    .replace(/^ +#private;\n/gm, '')
    .replace(/^( {4})+/gm, indent => ' '.repeat(indent.length / 2))
    .replace(/;$/gm, '')
}
