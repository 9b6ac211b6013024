/** The folder of a model that somebody else exported: which graphs it has, asked for by name or read from a list of its files. */
import * as v from 'valibot'
import { EngineError } from './errors.ts'
import { type FileEntry, isSafePath, type Variant } from './manifest.ts'

/** What our server writes beside a repository that it downloaded: the files, with sizes and checksums. */
const listFields = v.object({
  kind: v.literal('onnx-repository'),
  id: v.string(),
  name: v.string(),
  licence: v.object({ id: v.string() }),
  files: v.array(
    v.object({ path: v.pipe(v.string(), v.check(isSafePath)), size_bytes: v.number(), sha256: v.string() }),
  ),
})
type List = v.InferOutput<typeof listFields>

/** Null for what is no such list: a bundle's manifest, most likely. */
export function listOf(text: string): List | null {
  try {
    const parsed = v.safeParse(listFields, JSON.parse(text))
    return parsed.success ? parsed.output : null
  } catch {
    return null
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
/** Of encoder-decoders, whose encoder lies beside the decoder. They run on the CPU. */
const MERGED_PLACES = ['onnx/decoder_model_merged', 'decoder_model_merged']

export class Folder {
  readonly url: string
  readonly name: string
  readonly list: List | null
  readonly #signal: AbortSignal

  constructor(url: string, signal: AbortSignal, list: List | null) {
    this.list = list
    this.url = url
    this.name = decodeURIComponent(new URL(url).pathname.split('/').filter(Boolean).at(-1) ?? 'model')
    this.#signal = signal
  }

  /** An object from a JSON file, null where there is none. */
  async json(path: string): Promise<Record<string, unknown> | null> {
    if (this.list && (await this.size(path)) === null) return null
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
    if (this.list) return this.list.files.find(file => file.path === path)?.size_bytes ?? null
    const response = await this.#ask(path, 'HEAD')
    return response && Number(response.headers.get('Content-Length') ?? 0)
  }

  async entry(path: string): Promise<FileEntry> {
    return { path, size_bytes: (await this.size(path)) ?? 0, sha256: this.#digest(path) }
  }

  /** Empty where nobody states it. */
  #digest(path: string): string {
    return this.list?.files.find(file => file.path === path)?.sha256 ?? ''
  }

  /** @throws EngineError 'no-model' where no graph has a name that is known */
  async variants(answers: boolean): Promise<Variant[]> {
    const endings = [...new Set(Object.values(KINDS).flatMap(kinds => kinds.map(({ ending }) => ending)))]
    for (const place of answers ? MERGED_PLACES : PLACES) {
      const found = new Map<string, FileEntry[]>()
      const encoders = new Map<string, FileEntry[]>()
      const encoderPlace = place.replace('decoder_model_merged', 'encoder_model')
      await Promise.all(
        endings.map(async ending => {
          found.set(ending, await this.#graph(`${place}${ending}.onnx`))
          if (answers) encoders.set(ending, await this.#graph(`${encoderPlace}${ending}.onnx`))
        }),
      )
      const devices = answers ? (['cpu'] as const) : (['webgpu', 'cpu'] as const)
      const variants = devices.flatMap(device =>
        KINDS[device].flatMap(({ ending, type }) => {
          const [graph, ...data] = found.get(ending) ?? []
          const [encoder, ...encoderData] = encoders.get(ending) ?? []
          if (!graph || (answers && !encoder)) return []
          const files = [graph, ...data, ...(encoder ? [encoder, ...encoderData] : [])]
          return [
            { ...variantOf(device, { ending, type, files, graph: graph.path }), encoder_graph: encoder?.path ?? null },
          ]
        }),
      )
      if (variants.length > 0) return variants
    }
    const graphs = answers ? 'decoder_model_merged.onnx with its encoder_model.onnx' : 'ONNX graph under a usual name'
    throw new EngineError('no-model', { kind: 'no-graph-there', url: this.url.toString(), graphs })
  }

  parse<S extends v.GenericSchema>(schema: S, data: unknown, path: string): v.InferOutput<S> {
    const parsed = v.safeParse(schema, data, { abortEarly: true })
    if (parsed.success) return parsed.output
    const [issue] = parsed.issues
    throw this.fault(`${path}: ${v.getDotPath(issue) ?? 'it'} is not as expected`)
  }

  fault(what: string): EngineError {
    return new EngineError('bad-manifest', { kind: 'odd-repository', url: this.url.toString(), said: what })
  }

  /** A graph and the files of its weights; none where there is no graph. */
  async #graph(path: string): Promise<FileEntry[]> {
    const size = await this.size(path)
    if (size === null) return []
    const files = [{ path, size_bytes: size, sha256: this.#digest(path) }]
    for (let part = 0; ; part++) {
      const data = `${path}_data${part === 0 ? '' : `_${part}`}`
      const bytes = await this.size(data)
      if (bytes === null) return files
      files.push({ path: data, size_bytes: bytes, sha256: this.#digest(data) })
    }
  }

  async #ask(path: string, method: 'GET' | 'HEAD'): Promise<Response | null> {
    let response: Response
    try {
      response = await fetch(new URL(path, this.url), { method, signal: this.#signal })
    } catch (cause) {
      this.#signal.throwIfAborted()
      throw new EngineError('download', { kind: 'not-asked', url: `${this.url}${path}` }, { cause })
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
