/**
 * Describes a model that somebody else exported to ONNX (optimum, transformers.js, onnx-community): a folder with
 * config.json, tokenizer files and graphs named by their kind of number, and no manifest. What the folder does not say is
 * empty: checksums, reference answers, a licence.
 */
import * as v from 'valibot'
import { EngineError } from './errors.ts'
import { Folder, listOf } from './foreign-folder.ts'
import { type Encoder, type Manifest, parseManifest } from './manifest.ts'
import { fetchManifest } from './store.ts'

/** @throws EngineError 'no-model' where there is neither a manifest nor a config.json */
export async function describeBundle(bundleUrl: string, signal: AbortSignal): Promise<Manifest> {
  try {
    const { text, where } = await fetchManifest(bundleUrl, signal)
    const listed = listOf(text)
    return listed ? await describeListed(new Folder(bundleUrl, signal, listed)) : parseManifest(text, where)
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'no-model') throw error
    const folder = new Folder(bundleUrl, signal, null)
    const config = await folder.json('config.json')
    if (!config) throw error
    return describe(folder, config)
  }
}

async function describeListed(folder: Folder): Promise<Manifest> {
  const config = await folder.json('config.json')
  if (!config) throw folder.fault('config.json is needed')
  const described = await describe(folder, config)
  const { id = described.id, name = described.name, licence } = folder.list ?? {}
  return { ...described, id, name, licence: { id: licence?.id ?? 'unknown', file: '' } }
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
  decoder_start_token_id: tokenIds,
  forced_bos_token_id: tokenIds,
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
  decoder_start_token_id: tokenIds,
  forced_bos_token_id: tokenIds,
})
type Config = v.InferOutput<typeof configFields>
type Defaults = v.InferOutput<typeof generationFields>

async function describe(folder: Folder, json: Record<string, unknown>): Promise<Manifest> {
  // Models that also see or hear keep what concerns text apart.
  const inner = typeof json.text_config === 'object' ? { ...json, ...json.text_config } : json
  const config = folder.parse(configFields, inner, 'config.json')
  const answers = /ForConditionalGeneration$/.test(config.architectures[0] ?? '')
  const [generation, tokenizer, tokenizerConfig] = await Promise.all([
    folder.json('generation_config.json'),
    folder.json('tokenizer.json'),
    folder.json('tokenizer_config.json'),
  ])
  const defaults = folder.parse(generationFields, generation ?? {}, 'generation_config.json')
  const template = await folder.size('chat_template.jinja')
  const paths = ['tokenizer.json', 'tokenizer_config.json', ...(template === null ? [] : ['chat_template.jinja'])]
  if (!tokenizer || !tokenizerConfig) throw folder.fault('tokenizer.json and tokenizer_config.json are needed')
  const reader = answers ? null : encoderOf(config, tokenizerConfig)
  const encoder = reader?.task === 'embeddings' ? { ...reader, pooling: await poolingOf(folder) } : reader
  const bos = ids(config.bos_token_id)[0] ?? null
  return {
    format: 1,
    id: folder.name.toLowerCase().replace(/[^a-z0-9._-]/g, '-'),
    name: folder.name,
    description: '',
    source: { kind: FOREIGN, ref: folder.url, revision: null, sha256: null, adapter: null },
    licence: { id: 'unknown', file: '' },
    family: config.model_type,
    architecture: answers ? 'encoder-decoder' : encoder ? 'encoder' : 'decoder',
    tasks: [],
    parameters: 0,
    context_length: encoder?.max_tokens ?? config.max_position_embeddings ?? config.n_positions ?? 2048,
    vocab_size: config.vocab_size,
    special_tokens: {
      bos,
      eos: [...new Set([...ids(defaults.eos_token_id), ...ids(config.eos_token_id)])],
      pad: ids(config.pad_token_id)[0] ?? null,
      add_bos: addsFirst(tokenizer, tokenizerConfig, bos),
    },
    prompts: { chat_template: template === null ? null : 'chat_template.jinja', prefixes: null, tasks: null },
    generation: generationOf(defaults),
    kv: null,
    reference: { prompt_tokens: [...SOME_TOKENS], tokens: [], logits: [], outputs: null },
    files: await Promise.all(paths.map(path => folder.entry(path))),
    variants: await folder.variants(answers),
    decoder: answers ? decoderOf(config, defaults) : null,
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

/** How answers of an encoder-decoder begin, and how long they may get. */
function decoderOf(config: Config, defaults: Defaults): Manifest['decoder'] {
  const first = ids(defaults.decoder_start_token_id ?? config.decoder_start_token_id)
  const forced = ids(defaults.forced_bos_token_id ?? config.forced_bos_token_id)
  const start = first.length > 0 ? first : ids(config.pad_token_id)
  return { start: [...start.slice(0, 1), ...forced], max_tokens: defaults.max_new_tokens ?? 512, embedding_width: 1 }
}

function generationOf(defaults: Defaults): Manifest['generation'] {
  return {
    temperature: defaults.temperature ?? (defaults.do_sample ? 1 : 0),
    top_p: defaults.top_p ?? 1,
    top_k: defaults.top_k ?? 0,
    repetition_penalty: defaults.repetition_penalty ?? 1,
    max_tokens: defaults.max_new_tokens ?? 512,
  }
}

const POOLING = '1_Pooling/config.json'
const POOLINGS: Readonly<Record<string, Encoder['pooling']>> = {
  pooling_mode_mean_tokens: 'mean',
  pooling_mode_cls_token: 'cls',
  pooling_mode_max_tokens: 'max',
}

/** How vectors of tokens become one, as sentence-transformers write it down; their mean where nothing is said. */
async function poolingOf(folder: Folder): Promise<Encoder['pooling']> {
  const said = Object.entries((await folder.json(POOLING)) ?? {})
  const modes = said.flatMap(([key, value]) => (key.startsWith('pooling_mode') && value === true ? [key] : []))
  const [mode = 'pooling_mode_mean_tokens', ...others] = modes
  const pooling = POOLINGS[mode]
  if (pooling && others.length === 0) return pooling
  throw folder.fault(`${POOLING} asks for ${modes.join(', ')}; supported is one of ${Object.keys(POOLINGS).join(', ')}`)
}

/** Null for a model that writes. */
function encoderOf(config: Config, tokenizerConfig: Record<string, unknown>): Encoder | null {
  const kind = config.architectures[0] ?? ''
  if (/ForCausalLM$|LMHeadModel$/.test(kind)) return null
  const task = /ForSequenceClassification$/.test(kind)
    ? 'text-classification'
    : /ForTokenClassification$/.test(kind)
      ? 'token-classification'
      : 'embeddings'
  const labels = Object.entries(config.id2label).sort(([a], [b]) => Number(a) - Number(b))
  const isVector = task === 'embeddings'
  // Not every position may be a text's: RoBERTa has 514 and begins to count at 2.
  const allowed = Number(tokenizerConfig.model_max_length) || Number.POSITIVE_INFINITY
  return {
    task,
    labels: isVector ? [] : labels.map(([, label]) => label),
    multi_label: config.problem_type === 'multi_label_classification',
    pooling: isVector ? 'mean' : 'none',
    normalize: isVector,
    dimensions: isVector ? (config.hidden_size ?? config.dim ?? 0) : labels.length,
    max_tokens: Math.min(config.max_position_embeddings ?? 512, allowed),
  }
}
