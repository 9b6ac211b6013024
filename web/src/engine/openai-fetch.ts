/**
 * A `fetch` that ends in the engine instead of a server: what OpenAI's client library, or anything else that speaks its
 * REST API, is given. Answers and errors have OpenAI's shapes and status codes; streams are server-sent events.
 */
import type { ChatChunk, ChatCompletion, Completion, CompletionChunk, Embeddings, Engine, Usage } from './api.ts'
import { EngineError, type ErrorCode } from './errors.ts'
import { now } from './openai-shapes.ts'
import { textsArgs } from './request.ts'
import { wrong } from './wrong.ts'

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/**
 * Routes POST …/chat/completions, …/completions, …/embeddings and GET …/models to the engine, whatever comes before that.
 *
 *     new OpenAI({ apiKey: 'none', baseURL: 'http://engine/v1', fetch: createOpenAIFetch(engine) })
 */
export function createOpenAIFetch(engine: Engine): Fetch {
  return async (input, init) => {
    const request = new Request(input, init)
    request.signal.throwIfAborted()
    try {
      return await answer(engine, request)
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason
      return failure(error)
    }
  }
}

async function answer(engine: Engine, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  const route = `${request.method} ${/\/(chat\/completions|completions|embeddings|models)(\/|$)/.exec(pathname)?.[1]}`
  switch (route) {
    case 'POST chat/completions':
      return chat(engine, await bodyOf(request), request.signal)
    case 'POST completions':
      return completion(engine, await bodyOf(request), request.signal)
    case 'POST embeddings':
      return json(await embeddings(engine, await bodyOf(request), request.signal))
    case 'GET models':
      return json(models(engine, decodeURIComponent(pathname.split('/models/')[1] ?? '')))
    default:
      throw new OpenAIFailure(404, `${request.method} ${pathname}: the engine has no such endpoint.`)
  }
}

type Body = Record<string, unknown>

async function bodyOf(request: Request): Promise<Body> {
  const text = await request.text()
  try {
    const body: unknown = JSON.parse(text)
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return { ...body }
  } catch {}
  throw new OpenAIFailure(400, 'The body of the request is not a JSON object.')
}

interface Streaming {
  isStream: boolean
  includeUsage: boolean
  /** The request without what concerns the stream. */
  rest: Body
}

function streaming({ stream, stream_options: options, ...rest }: Body): Streaming {
  if (stream !== undefined && stream !== null && typeof stream !== 'boolean')
    throw wrong('stream', 'true or false', stream)
  const isStream = stream === true
  if (options === undefined || options === null) return { isStream, includeUsage: false, rest }
  if (!isStream) throw wrong('stream_options', 'nothing, since stream is not true', options)
  const { include_usage: include = false, ...others } = Object(options)
  if (typeof include !== 'boolean') throw wrong('stream_options.include_usage', 'true or false', include)
  for (const name of Object.keys(others)) {
    if (name !== 'include_obfuscation')
      throw new EngineError('bad-request', `stream_options.${name}: is not supported.`)
  }
  return { isStream, includeUsage: include, rest }
}

// What a body holds is checked by the engine, field by field: the casts below promise nothing.
async function chat({ chat: { completions } }: Engine, body: Body, signal: AbortSignal): Promise<Response> {
  checkModel(body)
  const { isStream, includeUsage, rest } = streaming(body)
  const request = { ...rest, signal } as unknown as Parameters<typeof completions.create>[0]
  if (isStream) return events(completions.create({ ...request, stream: true }), includeUsage)
  const whole: ChatCompletion = await completions.create({ ...request, stream: false })
  const [{ message, ...choice }] = whole.choices
  const content = message.tool_calls && message.content === '' ? null : message.content
  return json({ ...whole, choices: [{ logprobs: null, ...choice, message: { ...message, content, refusal: null } }] })
}

async function completion({ completions }: Engine, body: Body, signal: AbortSignal): Promise<Response> {
  checkModel(body)
  const { isStream, includeUsage, rest } = streaming(body)
  const request = { ...rest, signal } as unknown as Parameters<typeof completions.create>[0]
  if (isStream) return events(completions.create({ ...request, stream: true }), includeUsage)
  const whole: Completion = await completions.create({ ...request, stream: false })
  return json({ ...whole, choices: [{ logprobs: null, ...whole.choices[0] }] })
}

function checkModel({ model }: Body): void {
  if (typeof model !== 'string') throw wrong('model', "the bundle's id", model)
}

async function embeddings(engine: Engine, body: Body, signal: AbortSignal): Promise<object> {
  const { input, model, encoding_format: format = 'float', user: _user, ...others } = body
  checkModel(body)
  if (model !== engine.info.bundle.id) throw wrong('model', `"${engine.info.bundle.id}", which is loaded`, model)
  for (const name of Object.keys(others))
    throw new EngineError('bad-request', `${name}: is not supported. Leave it out.`)
  if (format !== 'float' && format !== 'base64') throw wrong('encoding_format', '"float" or "base64"', format)
  const texts = textsArgs(typeof input === 'string' ? [input] : input)
  const { vectors, promptTokens }: Embeddings = await engine.embed(texts, { signal })
  const data = vectors.map((vector, index) => {
    const embedding = format === 'base64' ? base64(vector) : Array.from(vector)
    return { object: 'embedding', index, embedding }
  })
  return { object: 'list', data, model, usage: { prompt_tokens: promptTokens, total_tokens: promptTokens } }
}

/** Little-endian float32, as every machine that runs a browser has it. */
function base64(vector: Float32Array): string {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''))
}

function models({ info: { bundle } }: Engine, wanted: string): object {
  const model = { id: bundle.id, object: 'model', created: now(), owned_by: 'slm-playground' }
  if (wanted === '') return { object: 'list', data: [model] }
  if (wanted === bundle.id) return model
  throw new OpenAIFailure(404, `The model "${wanted}" is not loaded: "${bundle.id}" is.`, 'model_not_found')
}

/** Waits for the first text, so that what goes wrong before it still has its status code. */
async function events(chunks: AsyncIterable<ChatChunk | CompletionChunk>, includeUsage: boolean): Promise<Response> {
  const reader = chunks[Symbol.asyncIterator]()
  const begun = [await reader.next(), await reader.next()]
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const send = (value: unknown) => controller.enqueue(encoder.encode(`data: ${JSON.stringify(value)}\n\n`))
      try {
        const next = begun.shift() ?? (await reader.next())
        if (!next.done) {
          const { usage, ...chunk } = next.value
          send(includeUsage ? { ...chunk, usage: null } : chunk)
          if (usage && includeUsage) send({ ...chunk, choices: [], usage: usage satisfies Usage })
          return
        }
        controller.enqueue(encoder.encode('data: [DONE]\n\n'))
      } catch (error) {
        if (isAbort(error)) return controller.error(error)
        send({ error: errorBody(error).error })
      }
      controller.close()
    },
    async cancel() {
      await reader.return?.()
    },
  })
  return new Response(body, { headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' } })
}

function json(value: object): Response {
  return new Response(JSON.stringify(value), { headers: { 'Content-Type': 'application/json' } })
}

/** What only this interface can get wrong: a path, a body, a model's name. */
class OpenAIFailure extends Error {
  readonly status: number
  readonly code: string | null

  constructor(status: number, message: string, code: string | null = null) {
    super(message)
    this.status = status
    this.code = code
  }
}

const STATUS: Record<ErrorCode, number> = {
  'bad-request': 400,
  unsupported: 400,
  'no-model': 404,
  'bad-manifest': 500,
  download: 502,
  integrity: 502,
  quota: 507,
  'out-of-memory': 503,
  'device-lost': 503,
  internal: 500,
}

function failure(error: unknown): Response {
  const { status, ...body } = errorBody(error)
  // The client library repeats what failed with 409, 429 and 5xx on its own: here that would only fail again.
  const headers = { 'Content-Type': 'application/json', 'x-should-retry': 'false' }
  return new Response(JSON.stringify(body), { status, headers })
}

function errorBody(error: unknown) {
  const message = error instanceof Error ? error.message : String(error)
  const own = error instanceof OpenAIFailure ? error : null
  const code = own ? own.code : error instanceof EngineError ? error.code : 'internal'
  const status = own?.status ?? STATUS[error instanceof EngineError ? error.code : 'internal']
  const type = status < 500 ? 'invalid_request_error' : 'server_error'
  const param = /^([\w.[\]]+): /.exec(message)?.[1] ?? null // messages about a field begin with its name
  return { status, error: { message, type, param: status === 400 ? param : null, code } }
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}
