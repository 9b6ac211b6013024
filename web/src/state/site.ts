/**
 * What an author made of this page: `site.json` beside it (docs/sites.md), read only where `<meta name="slm-site">` says so.
 * The playground has no such tag, and asks for nothing. Every text in it is shown as text.
 */
import { signal } from '@preact/signals'
import type { PageName } from './route.ts'

export interface SiteModel {
  id: string
  name: string
  /** Path or https address of a `manifest.json`; its folder is the bundle. */
  manifest: string
  /** The most that a first visit downloads. */
  bytes: number
}

export interface SiteLink {
  label: string
  href: string
}

/** Parts of the settings that a site may leave out. */
const CONTROLS = ['simple', 'advanced', 'format', 'presets', 'device'] as const
export type Controls = (typeof CONTROLS)[number]
const PAGES = ['chat', 'write', 'analyse', 'compare', 'models', 'device'] as const
const TASKS = ['autocomplete', 'grammar'] as const
/** The PDF reader, what draws formulas, what colours code: large, and not every site needs them. */
const EXTRAS = ['pdf', 'math', 'code'] as const
const WORK = ['write', 'grammar', 'analyse'] as const
export type SiteTask = (typeof WORK)[number]

export interface Site {
  title: string
  description: string
  author: { name: string; url: string | null } | null
  /** `#rrggbb` by theme. */
  accent: { light: string; dark: string } | null
  logo: string | null
  pages: readonly PageName[]
  tasks: readonly (typeof TASKS)[number][]
  controls: ReadonlySet<Controls>
  models: readonly SiteModel[]
  defaultModel: string
  perTask: Readonly<Partial<Record<SiteTask, string>>>
  examples: { chat: readonly string[]; write: readonly string[] }
  /** Preset files' content, unchecked: presets.ts reads them as it reads files. */
  presets: readonly unknown[]
  licence: string | null
  links: readonly SiteLink[]
  /** What of the page's parts is among the site's files. */
  extras: ReadonlySet<(typeof EXTRAS)[number]>
  isolation: 'headers' | 'worker' | 'none'
}

/** Null in the playground, and where `siteProblem` says why. */
export const site = signal<Site | null>(null)
/** Why `site.json` cannot be used, as a sentence. */
export const siteProblem = signal('')

const place = globalThis.document?.querySelector<HTMLMetaElement>('meta[name="slm-site"]')?.content ?? null
/** Whether this page is somebody's site: there is no server of ours then, and nothing asks for one. */
export const isSite: boolean = place !== null

/** Reads `site.json`; the page is shown after it. */
export async function loadSite(): Promise<void> {
  if (place === null) return
  try {
    const response = await fetch(new URL(place, document.baseURI), { cache: 'no-cache' })
    if (!response.ok) throw new Error(`HTTP ${response.status}`)
    site.value = readSite(await response.text())
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    siteProblem.value = `The description of this site (${place}) cannot be used: ${why}`
  }
}

/** Whether a part of the settings is shown. */
export function hasControls(part: Controls): boolean {
  return site.value?.controls.has(part) ?? true
}

/** Whether a site has this part of the page; the playground has all. */
export function hasExtra(extra: (typeof EXTRAS)[number]): boolean {
  return site.value?.extras.has(extra) ?? true
}

/** Whether the page for writing offers this. */
export function hasTask(task: (typeof TASKS)[number]): boolean {
  return site.value?.tasks.includes(task) ?? true
}

/** @throws Error naming the field, and what it should be */
export function readSite(json: string): Site {
  const data = record(JSON.parse(json), 'site.json')
  if (data.format !== 1) throw new Error(`format: this version reads format 1, found ${JSON.stringify(data.format)}`)
  const models = list(data.models, 'models').map((entry, index) => modelOf(entry, `models[${index}]`))
  const [first] = models
  if (!first) throw new Error('models: expected at least one')
  const known = (id: string, field: string) => {
    if (!models.some(model => model.id === id)) throw new Error(`${field}: no model has the id ${JSON.stringify(id)}`)
    return id
  }
  const pages = list(data.pages, 'pages').map(name => oneOf(PAGES, name, 'pages'))
  if (pages.length === 0) throw new Error('pages: expected at least one')
  const examples = record(data.examples ?? {}, 'examples')
  const perTask = record(data.per_task ?? {}, 'per_task')
  return {
    title: text(data.title, 'title'),
    description: optional(data.description, 'description', text) ?? '',
    author: optional(data.author, 'author', authorOf),
    accent: optional(data.accent, 'accent', accentOf),
    logo: optional(data.logo, 'logo', pathOf),
    pages: [...new Set(pages)],
    tasks: list(data.tasks ?? [], 'tasks').map(name => oneOf(TASKS, name, 'tasks')),
    controls: controlsOf(data.controls ?? 'all'),
    models,
    defaultModel: known(optional(data.default_model, 'default_model', text) ?? first.id, 'default_model'),
    perTask: Object.fromEntries(
      WORK.flatMap(task =>
        perTask[task] == null ? [] : [[task, known(text(perTask[task], task), `per_task.${task}`)]],
      ),
    ),
    examples: {
      chat: texts(examples.chat ?? [], 'examples.chat'),
      write: texts(examples.write ?? [], 'examples.write'),
    },
    presets: list(data.presets ?? [], 'presets'),
    licence: optional(data.licence, 'licence', text),
    links: list(data.links ?? [], 'links').map((entry, index) => linkOf(entry, `links[${index}]`)),
    extras: new Set(EXTRAS.filter(extra => data[extra] !== false)),
    isolation: oneOf(['headers', 'worker', 'none'] as const, data.isolation ?? 'none', 'isolation'),
  }
}

function modelOf(value: unknown, field: string): SiteModel {
  const { id, name, manifest, bytes } = record(value, field)
  if (typeof bytes !== 'number' || !(bytes >= 0)) throw new Error(`${field}.bytes: expected a number of bytes`)
  const at = addressOf(manifest, `${field}.manifest`)
  return { id: text(id, `${field}.id`), name: text(name, `${field}.name`), manifest: at, bytes }
}

function authorOf(value: unknown, field: string): { name: string; url: string | null } {
  const { name, url } = record(value, field)
  return { name: text(name, `${field}.name`), url: optional(url, `${field}.url`, httpsOf) }
}

function accentOf(value: unknown, field: string): { light: string; dark: string } {
  const { light, dark } = record(value, field)
  for (const colour of [light, dark])
    if (typeof colour !== 'string' || !/^#[0-9a-f]{6}$/i.test(colour))
      throw new Error(`${field}: expected colours such as "#1d5fd1"`)
  return { light: String(light), dark: String(dark) }
}

function linkOf(value: unknown, field: string): SiteLink {
  const { label, href } = record(value, field)
  return { label: text(label, `${field}.label`), href: addressOf(href, `${field}.href`) }
}

function controlsOf(value: unknown): ReadonlySet<Controls> {
  if (value === 'all') return new Set(CONTROLS)
  if (value === 'simple') return new Set(['simple'])
  return new Set(list(value, 'controls').map(name => oneOf(CONTROLS, name, 'controls')))
}

/** An https address or a path in the site; never `javascript:` or somebody else's scheme. */
function addressOf(value: unknown, field: string): string {
  return /^https:/i.test(text(value, field)) ? httpsOf(value, field) : pathOf(value, field)
}

function httpsOf(value: unknown, field: string): string {
  const address = text(value, field)
  if (!URL.canParse(address) || new URL(address).protocol !== 'https:')
    throw new Error(`${field}: expected an address that begins with https://`)
  return address
}

function pathOf(value: unknown, field: string): string {
  const path = text(value, field)
  const stays = path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
  if (!stays || /[\\:\0]/.test(path)) throw new Error(`${field}: expected a path inside the site`)
  return path
}

function texts(value: unknown, field: string): string[] {
  return list(value, field).map(entry => text(entry, field))
}

function text(value: unknown, field: string): string {
  if (typeof value !== 'string' || value === '') throw new Error(`${field}: expected a text`)
  return value
}

function list(value: unknown, field: string): unknown[] {
  if (!Array.isArray(value)) throw new Error(`${field}: expected a list`)
  return value
}

function record(value: unknown, field: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error(`${field}: expected an object`)
  return { ...value }
}

function oneOf<T extends string>(known: readonly T[], value: unknown, field: string): T {
  const found = known.find(name => name === value)
  if (!found) throw new Error(`${field}: expected ${known.join(', ')}, found ${JSON.stringify(value)}`)
  return found
}

function optional<T>(value: unknown, field: string, parse: (value: unknown, field: string) => T): T | null {
  return value === undefined || value === null || value === '' ? null : parse(value, field)
}
