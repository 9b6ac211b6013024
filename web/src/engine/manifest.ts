/**
 * Parses `manifest.json`. Mirrors export/slm_export/manifest.py field by field; both are tested against
 * tests/fixtures/manifests/. Unknown fields are ignored. Sizes are bytes, digests lower-case hexadecimal SHA-256.
 */
import * as v from 'valibot'
import { EngineError } from './errors.ts'

const FORMAT = 1

const text = v.pipe(v.string(), v.nonEmpty())
const whole = v.pipe(v.number(), v.integer(), v.minValue(0))
const positive = v.pipe(v.number(), v.integer(), v.minValue(1))
const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
const finite = v.pipe(v.number(), v.finite())
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const textTemplate = v.pipe(
  v.string(),
  v.check(value => value.split('{text}').length === 2, 'a text with {text} in it once'),
)
const safePath = v.pipe(v.string(), v.check(isSafePath))
const orNull = <S extends v.GenericSchema>(schema: S) => v.optional(v.nullable(schema), null)

/** An array is an object to valibot's `object`, and not to us. */
function object<E extends v.ObjectEntries>(entries: E) {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)
  return v.pipe(v.custom<Record<string, unknown>>(isObject, 'object'), v.object(entries))
}

const part = object({ path: safePath, size_bytes: positive, sha256 })
/** `parts`: where the file is not there itself; one after the other they are the file. */
const fileEntry = object({
  path: safePath,
  size_bytes: whole,
  sha256,
  parts: v.optional(v.nullable(v.pipe(v.array(part), v.nonEmpty()))),
})

const variant = object({
  name: text,
  device: v.picklist(['webgpu', 'cpu']),
  requires: v.array(text),
  /** Of an encoder-decoder: its decoder. The two below are its other graphs, null elsewhere. */
  graph: safePath,
  encoder_graph: orNull(safePath),
  embedding_graph: orNull(safePath),
  kv_dtype: v.picklist(['float16', 'float32']),
  bits_per_weight: amount,
  memory_bytes: whole,
  files: v.array(fileEntry),
  fidelity: object({
    tokens_compared: whole,
    top1_agreement: amount,
    mean_kl: amount,
    p99_kl: amount,
    perplexity_ratio: amount,
    greedy_prompts: whole,
    greedy_prompts_equal: whole,
    max_reference_logit_error: amount,
  }),
  reference_logits: orNull(v.array(finite)),
  /** For the engine's own CPU kernels (program/); null where only ONNX Runtime can run the graph. */
  program: orNull(object({ path: safePath, answer_logits: v.array(v.array(finite)), activation_error: amount })),
})

const decoder = object({ start: v.array(whole), max_tokens: positive, embedding_width: positive })

const encoder = object({
  task: v.picklist(['text-classification', 'token-classification', 'embeddings']),
  labels: v.array(text),
  multi_label: v.boolean(),
  pooling: v.picklist(['mean', 'cls', 'max', 'none']),
  normalize: v.boolean(),
  dimensions: positive,
  max_tokens: positive,
})

const manifest = object({
  format: v.literal(FORMAT),
  id: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._-]{0,99}$/)),
  name: text,
  description: v.string(),
  source: object({
    kind: text,
    ref: text,
    revision: orNull(text),
    sha256: orNull(sha256),
    adapter: orNull(object({ name: text, sha256 })),
  }),
  licence: object({ id: text, file: safePath }),
  family: text,
  architecture: v.picklist(['decoder', 'encoder-decoder', 'encoder']),
  tasks: v.array(text),
  parameters: positive,
  context_length: positive,
  vocab_size: positive,
  special_tokens: object({ bos: orNull(whole), eos: v.array(whole), pad: orNull(whole), add_bos: v.boolean() }),
  prompts: object({
    chat_template: orNull(safePath),
    prefixes: orNull(v.array(object({ task: text, prefix: text }))),
    tasks: orNull(
      v.array(
        object({
          ...{ task: text, user: textTemplate, system: orNull(text), least_gain: orNull(amount) },
          margins: orNull(v.array(object({ type: text, nats: amount }))),
        }),
      ),
    ),
  }),
  generation: object({
    temperature: amount,
    top_p: amount,
    top_k: whole,
    repetition_penalty: amount,
    max_tokens: positive,
  }),
  kv: orNull(object({ layers: positive, heads: positive, head_dim: positive })),
  reference: object({
    prompt_tokens: v.array(whole),
    tokens: v.array(whole),
    logits: v.array(object({ token: whole, logit: finite })),
    outputs: orNull(v.array(finite)),
  }),
  files: v.array(fileEntry),
  variants: v.pipe(v.array(variant), v.nonEmpty()),
  decoder: orNull(decoder),
  encoder: orNull(encoder),
})

export type Part = v.InferOutput<typeof part>
export type FileEntry = v.InferOutput<typeof fileEntry>
export type Variant = v.InferOutput<typeof variant>
export type Manifest = v.InferOutput<typeof manifest>
export type Encoder = v.InferOutput<typeof encoder>

/**
 * @param json the text of the file
 * @param where its URL or name, for messages
 * @throws EngineError 'bad-manifest', naming the field's path
 */
export function parseManifest(json: string, where: string): Manifest {
  const data = parseJson(json, where)
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw fault(where, 'manifest', data, 'an object')
  const format = 'format' in data ? data.format : undefined
  if (format !== FORMAT) {
    const facts = { path: where, known: FORMAT, found: shown(format) }
    throw new EngineError('bad-manifest', { kind: 'other-format', ...facts })
  }
  const parsed = v.safeParse(manifest, data, { abortEarly: true })
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw fault(where, pathOf(issue), issue.input, issue.expected ?? 'another value')
  }
  checkReferences(parsed.output, where)
  return parsed.output
}

/** Whatever the manifest points at must be listed with size and digest, else nobody can verify it. */
function checkReferences(parsed: Manifest, where: string): void {
  const names = parsed.variants.map(entry => entry.name)
  if (new Set(names).size !== names.length) throw fault(where, 'variants', names, 'variant names that differ')
  const shared = new Set(parsed.files.map(entry => entry.path))
  const template = parsed.prompts.chat_template
  if (template !== null && !shared.has(template)) {
    throw fault(where, 'prompts.chat_template', template, 'a path listed in files')
  }
  if (!shared.has(parsed.licence.file))
    throw fault(where, 'licence.file', parsed.licence.file, 'a path listed in files')
  checkParts(parsed, where)
  checkArchitecture(parsed, where)
  parsed.variants.forEach(({ graph, files, program, reference_logits: own }, index) => {
    if (!files.some(entry => entry.path === graph)) {
      throw fault(where, `variants[${index}].graph`, graph, `a path listed in variants[${index}].files`)
    }
    if (program !== null && !files.some(entry => entry.path === program.path)) {
      throw fault(where, `variants[${index}].program.path`, program.path, `a path listed in variants[${index}].files`)
    }
    const shape = program?.answer_logits.map(row => row.length) ?? []
    const { tokens, logits } = parsed.reference
    if (program !== null && shape.join() !== tokens.map(() => logits.length).join()) {
      const expected = 'a row per token of reference.tokens, each with a number per entry of reference.logits'
      throw fault(where, `variants[${index}].program.answer_logits`, shape, expected)
    }
    if (own !== null && own.length !== parsed.reference.logits.length) {
      throw fault(where, `variants[${index}].reference_logits`, own, 'one number per entry of reference.logits')
    }
  })
}

/** Parts are their file, no more and no less, and no two files lie at one place. */
function checkParts({ files, variants }: Manifest, where: string): void {
  const lists = [
    { at: 'files', files },
    ...variants.map((entry, index) => ({ ...entry, at: `variants[${index}].files` })),
  ]
  const entries = lists.flatMap(list => list.files.map((entry, index) => ({ ...entry, at: `${list.at}[${index}]` })))
  const taken = new Map(entries.map(({ path }) => [path, path])) // what lies at a path: variants may share a file
  for (const { at, path, size_bytes: size, parts } of entries) {
    if (!parts) continue
    const sum = parts.reduce((total, part) => total + part.size_bytes, 0)
    if (sum !== size) throw fault(where, `${at}.parts`, sum, `parts of ${size} bytes together`)
    const own = new Set<string>()
    for (const part of parts) {
      if (own.has(part.path) || (taken.get(part.path) ?? path) !== path || part.path === path)
        throw fault(where, `${at}.parts`, part.path, 'paths that no other file has')
      own.add(part.path)
      taken.set(part.path, path)
    }
  }
}

/** What each architecture needs, and paths of its further graphs. */
function checkArchitecture({ architecture, variants, ...parsed }: Manifest, where: string): void {
  const needed = NEEDED[architecture]
  for (const field of needed) {
    if (parsed[field] === null) throw fault(where, field, undefined, `an object, as every ${architecture} model has`)
  }
  if (architecture === 'encoder' && parsed.reference.outputs === null)
    throw fault(where, 'reference.outputs', undefined, 'a list, as every encoder model has')
  variants.forEach((entry, index) => {
    for (const field of ['encoder_graph', 'embedding_graph'] as const) {
      const path = entry[field]
      if (path === null ? architecture !== 'encoder-decoder' : entry.files.some(file => file.path === path)) continue
      throw fault(where, `variants[${index}].${field}`, path, `a path listed in variants[${index}].files`)
    }
  })
}

const NEEDED = { decoder: ['kv'], 'encoder-decoder': ['kv', 'decoder'], encoder: ['encoder'] } as const

/** True for a relative POSIX path that stays inside its folder and means the same on every system. */
export function isSafePath(path: string): boolean {
  if (/[\\:\0]/.test(path)) return false
  return path.split('/').every(part => part !== '' && part !== '.' && part !== '..')
}

function parseJson(json: string, where: string): unknown {
  try {
    return JSON.parse(json)
  } catch (cause) {
    throw new EngineError('bad-manifest', { kind: 'not-json', path: where }, { cause })
  }
}

function pathOf(issue: v.BaseIssue<unknown>): string {
  const keys = issue.path?.map(({ key }) => key) ?? []
  const path = keys.map(key => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
  return path.replace(/^\./, '') || 'manifest'
}

function fault(where: string, path: string, found: unknown, expected: string): EngineError {
  const facts = { path: where, field: path, expected, found: shown(found) }
  return new EngineError('bad-manifest', { kind: 'bad-field', ...facts })
}

function shown(value: unknown): string {
  return value === undefined || value === null ? 'nothing' : JSON.stringify(value).slice(0, 80)
}
