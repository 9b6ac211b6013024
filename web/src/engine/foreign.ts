/**
 * Describes a model that somebody else exported to ONNX (optimum, transformers.js, onnx-community): a folder with
 * config.json, tokenizer files and graphs named by their kind of number, and no manifest. What the folder does not say is
 * empty: checksums, reference answers, a licence.
 */
import * as v from 'valibot'
import { EngineError } from './errors.ts'
import type { Encoder, FileEntry, Manifest, Variant } from './manifest.ts'
import { fetchManifest } from './store.ts'

/** @throws EngineError 'no-model' where there is neither a manifest nor a config.json */
export async function describeBundle(bundleUrl: string, signal: AbortSignal): Promise<Manifest> {
  try {
    return await fetchManifest(bundleUrl, signal)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-model') throw error
    const folder = new Folder(bundleUrl, signal)
    const config = await folder.json('config.json')
    if (!config) throw error
    return describe(folder, config)
  }
}

const tokenIds = v.optional(v.nullable(v.union([v.number(), v.array(v.number())])))
const count = v.optional(v.nullable(v.number()))
const configFields = v.object({
  architectures: v.optional(v.array(v.string()), []),
  model_type: v.optional(v.string(), 'unknown'),
  vocab_size: v.optional(v.number(), 0),
  hidden_size: count,
  dim: count,
  max_position_embeddings: count,
  n_positions: count,
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
  id2label: v.optional(v.record(v.string(), v.string()), {}),
  problem_type: v.optional(v.nullable(v.string())),
})
const generationFields = v.object({
  do_sample: v.optional(v.boolean(), false),
  temperature: count,
  top_p: count,
  top_k: count,
  repetition_penalty: count,
  max_new_tokens: count,
  eos_token_id: tokenIds,
})
type Config = v.InferOutput<typeof configFields>

async function describe(folder: Folder, json: Record<string, unknown>): Promise<Manifest> {
  // Models that also see or hear keep what concerns text apart.
  const inner = typeof json.text_config === 'object' ? { ...json, ...json.text_config } : json
  const config = folder.parse(configFields, inner, 'config.json')
  const encoder = encoderOf(config)
  const [generation, tokenizer, tokenizerConfig] = await Promise.all([
    folder.json('generation_config.json'),
    folder.json('tokenizer.json'),
    folder.json('tokenizer_config.json'),
  ])
  const defaults = folder.parse(generationFields, generation ?? {}, 'generation_config.json')
  const template = await folder.size('chat_template.jinja')
  const paths = ['tokenizer.json', 'tokenizer_config.json', ...(template === null ? [] : ['chat_template.jinja'])]
  if (!tokenizer || !tokenizerConfig) throw folder.fault('tokenizer.json and tokenizer_config.json are needed')
  const bos = ids(config.bos_token_id)[0] ?? null
  return {
    format: 1,
    id: folder.name.toLowerCase().replace(/[^a-z0-9._-]/g, '-'),
    name: folder.name,
    description: '',
    source: { kind: FOREIGN, ref: folder.url, revision: null, sha256: null, adapter: null },
    licence: { id: 'unknown', file: '' },
    family: config.model_type,
    architecture: encoder ? 'encoder' : 'decoder',
    tasks: [],
    parameters: 0,
    context_length: config.max_position_embeddings ?? config.n_positions ?? 2048,
    vocab_size: config.vocab_size,
    special_tokens: {
      bos,
      eos: [...new Set([...ids(defaults.eos_token_id), ...ids(config.eos_token_id)])],
      pad: ids(config.pad_token_id)[0] ?? null,
      add_bos: addsFirst(tokenizer, tokenizerConfig, bos),
    },
    prompts: { chat_template: template === null ? null : 'chat_template.jinja', prefixes: null, tasks: null },
    generation: {
      temperature: defaults.temperature ?? (defaults.do_sample ? 1 : 0),
      top_p: defaults.top_p ?? 1,
      top_k: defaults.top_k ?? 0,
      repetition_penalty: defaults.repetition_penalty ?? 1,
      max_tokens: defaults.max_new_tokens ?? 512,
    },
    kv: null,
    reference: { prompt_tokens: [...SOME_TOKENS], tokens: [], logits: [], outputs: null },
    files: await Promise.all(paths.map(path => folder.entry(path))),
    variants: await folder.variants(),
    decoder: null,
    encoder,
  }
}

const templates = v.object({
  chat_template: v.optional(v.union([v.string(), v.array(v.object({ name: v.string(), template: v.string() }))])),
})

/** The chat template in tokenizer_config.json, one of several by the name `default`; null where there is none. */
export function templateInside(tokenizerConfig: string): string | null {
  const parsed = v.safeParse(templates, JSON.parse(tokenizerConfig))
  const found = parsed.success ? parsed.output.chat_template : undefined
  if (typeof found === 'string') return found
  return found?.find(({ name }) => name === 'default')?.template ?? null
}

/** `source.kind` of what is described here. */
export const FOREIGN = 'onnx-repository'

/** For a first run whose numbers nobody has stated; every tokenizer has as many. */
const SOME_TOKENS = Array.from({ length: 32 }, (_, index) => 3 + index)

function ids(field: number | number[] | null | undefined): number[] {
  return field === null || field === undefined ? [] : [field].flat()
}

/** Whether the tokenizer's own rules put the beginning-of-text token in front. */
function addsFirst(tokenizer: Record<string, unknown>, config: Record<string, unknown>, bos: number | null): boolean {
  if (bos === null) return false
  if (typeof config.add_bos_token === 'boolean') return config.add_bos_token
  const token = typeof config.bos_token === 'string' ? config.bos_token : null
  const rules = JSON.stringify(tokenizer.post_processor ?? null)
  return token !== null && rules.includes(`{"SpecialToken":{"id":${JSON.stringify(token)}`)
}

/** Null for a model that writes. */
function encoderOf(config: Config): Encoder | null {
  const kind = config.architectures[0] ?? ''
  if (/ForConditionalGeneration$/.test(kind)) {
    const message = `Models of the kind ${kind} need a bundle of our exporter: slm-export model …`
    throw new EngineError('unsupported', message)
  }
  if (/ForCausalLM$|LMHeadModel$/.test(kind)) return null
  const task = /ForSequenceClassification$/.test(kind)
    ? 'text-classification'
    : /ForTokenClassification$/.test(kind)
      ? 'token-classification'
      : 'embeddings'
  const labels = Object.entries(config.id2label).sort(([a], [b]) => Number(a) - Number(b))
  const isVector = task === 'embeddings'
  return {
    task,
    labels: isVector ? [] : labels.map(([, label]) => label),
    multi_label: config.problem_type === 'multi_label_classification',
    pooling: isVector ? 'mean' : 'none',
    normalize: isVector,
    dimensions: isVector ? (config.hidden_size ?? config.dim ?? 0) : labels.length,
    max_tokens: config.max_position_embeddings ?? 512,
  }
}

/** Graph names' endings, best first: what the device computes fast, then what it can compute. */
const KINDS: Record<'webgpu' | 'cpu', { ending: string; type: 'float16' | 'float32' }[]> = {
  webgpu: [
    { ending: '_q4f16', type: 'float16' },
    { ending: '_q4', type: 'float32' },
    { ending: '_fp16', type: 'float16' },
    { ending: '', type: 'float32' },
  ],
  cpu: [
    { ending: '_quantized', type: 'float32' },
    { ending: '_int8', type: 'float32' },
    { ending: '_uint8', type: 'float32' },
    { ending: '', type: 'float32' },
    { ending: '_q4', type: 'float32' },
  ],
}
/** Where graphs lie: transformers.js' way, its older one, optimum's. */
const PLACES = ['onnx/model', 'onnx/decoder_model_merged', 'model']

class Folder {
  readonly url: string
  readonly name: string
  readonly #signal: AbortSignal

  constructor(url: string, signal: AbortSignal) {
    this.url = url
    this.name = decodeURIComponent(new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? 'model')
    this.#signal = signal
  }

  /** An object from a JSON file, null where there is none. */
  async json(path: string): Promise<Record<string, unknown> | null> {
    const response = await this.#ask(path, 'GET')
    if (!response) return null
    try {
      const data: unknown = await response.json()
      if (typeof data === 'object' && data !== null && !Array.isArray(data)) return { ...data }
    } catch {
      this.#signal.throwIfAborted()
    }
    throw this.fault(`${path} is no JSON object`)
  }

  /** Bytes of a file as the server states them, 0 where it does not; null where there is no such file. */
  async size(path: string): Promise<number | null> {
    const response = await this.#ask(path, 'HEAD')
    return response && Number(response.headers.get('Content-Length') ?? 0)
  }

  async entry(path: string): Promise<FileEntry> {
    return { path, size_bytes: (await this.size(path)) ?? 0, sha256: '' }
  }

  /** @throws EngineError 'no-model' where no graph has a name that is known */
  async variants(): Promise<Variant[]> {
    const endings = [...new Set(Object.values(KINDS).flatMap(kinds => kinds.map(({ ending }) => ending)))]
    for (const place of PLACES) {
      const found = new Map<string, FileEntry[]>()
      await Promise.all(endings.map(async ending => found.set(ending, await this.#graph(`${place}${ending}.onnx`))))
      const variants = (['webgpu', 'cpu'] as const).flatMap(device =>
        KINDS[device].flatMap(({ ending, type }) => {
          const [graph, ...data] = found.get(ending) ?? []
          return graph ? [variantOf(device, { ending, type, files: [graph, ...data], graph: graph.path })] : []
        }),
      )
      if (variants.length > 0) return variants
    }
    throw new EngineError('no-model', `There is a config.json at ${this.url} but no ONNX graph under a usual name.`)
  }

  parse<S extends v.GenericSchema>(schema: S, data: unknown, path: string): v.InferOutput<S> {
    const parsed = v.safeParse(schema, data, { abortEarly: true })
    if (parsed.success) return parsed.output
    const [issue] = parsed.issues
    throw this.fault(`${path}: ${v.getDotPath(issue) ?? 'it'} is not as expected`)
  }

  fault(what: string): EngineError {
    return new EngineError('bad-manifest', `${this.url}: ${what}. Use a repository that transformers.js can load.`)
  }

  /** A graph and the files of its weights; none where there is no graph. */
  async #graph(path: string): Promise<FileEntry[]> {
    const size = await this.size(path)
    if (size === null) return []
    const files = [{ path, size_bytes: size, sha256: '' }]
    for (let part = 0; ; part++) {
      const data = `${path}_data${part === 0 ? '' : `_${part}`}`
      const bytes = await this.size(data)
      if (bytes === null) return files
      files.push({ path: data, size_bytes: bytes, sha256: '' })
    }
  }

  async #ask(path: string, method: 'GET' | 'HEAD'): Promise<Response | null> {
    let response: Response
    try {
      response = await fetch(new URL(path, this.url), { method, signal: this.#signal })
    } catch (cause) {
      this.#signal.throwIfAborted()
      throw new EngineError('download', `${this.url}${path} could not be asked for. Check the address.`, { cause })
    }
    // Servers of single pages answer every address with their page.
    const isPage = response.headers.get('Content-Type')?.startsWith('text/html') ?? false
    return response.ok && !isPage ? response : null
  }
}

interface Graph {
  ending: string
  type: 'float16' | 'float32'
  files: FileEntry[]
  graph: string
}

function variantOf(device: 'webgpu' | 'cpu', { ending, type, files, graph }: Graph): Variant {
  return {
    name: `${device}-${ending.slice(1) || 'fp32'}`,
    device,
    requires: type === 'float16' ? ['shader-f16'] : [],
    graph,
    encoder_graph: null,
    embedding_graph: null,
    kv_dtype: type,
    bits_per_weight: 0,
    memory_bytes: 2 * files.reduce((total, { size_bytes }) => total + size_bytes, 0),
    files,
    fidelity: {
      tokens_compared: 0,
      top1_agreement: 0,
      mean_kl: 0,
      p99_kl: 0,
      perplexity_ratio: 0,
      greedy_prompts: 0,
      greedy_prompts_equal: 0,
      max_reference_logit_error: 0,
    },
    reference_logits: null,
    program: null,
  }
}
