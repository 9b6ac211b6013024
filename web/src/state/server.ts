/** Writes to our own server: each brings the token that only our own page is told. */
import type { ServerSentence } from '../text/en/server.ts'

/** What the server said, in its own words and as a kind with facts. */
export class ServerError extends Error implements ServerSentence {
  readonly status: number
  readonly kind: string | null
  readonly facts: ServerSentence['facts']

  constructor(said: ServerSentence, status: number) {
    super(said.message)
    this.status = status
    this.kind = said.kind
    this.facts = said.facts
  }
}

let token: Promise<string> | null = null
let place = './api/'

/** Of a worker, whose own address lies elsewhere: where the page lies. */
export function serverBeside(page: string): void {
  place = new URL('./api/', page).href
}

/** The server was started anew: its token is another one. */
export function forgetToken(): void {
  token = null
}

/** Reads what is free to read. @throws ServerError; TypeError where no server answers */
export async function read(path: string): Promise<unknown> {
  const response = await fetch(place + path, { cache: 'no-store' })
  if (!response.ok) throw await failure(response)
  return response.json()
}

async function askToken(): Promise<string> {
  const response = await fetch(`${place}session`, { cache: 'no-store' })
  const { token: given } = Object(await response.json().catch(() => null))
  if (typeof given !== 'string') throw await failure(response)
  return given
}

export type Method = 'POST' | 'PUT' | 'DELETE'

/**
 * @param body JSON, or bytes of a file
 * @throws ServerError with the server's sentence; TypeError where no server answers
 */
export async function write(method: Method, path: string, body: unknown = {}, signal?: AbortSignal): Promise<unknown> {
  const isBytes = body instanceof Blob
  for (let again = true; ; again = false) {
    token ??= askToken()
    const known = await token.catch(error => {
      token = null
      throw error
    })
    const type = isBytes ? 'application/octet-stream' : 'application/json'
    const headers = { 'Content-Type': type, 'X-SLM-Token': known }
    const content = isBytes ? body : JSON.stringify(body)
    const response = await fetch(place + path, { method, headers, body: content, ...(signal ? { signal } : {}) })
    if (response.ok) return response.json()
    if (response.status !== 403 || !again) throw await failure(response)
    token = null // the server was started anew meanwhile
  }
}

async function failure(response: Response): Promise<ServerError> {
  const { error } = Object(await response.json().catch(() => null))
  return new ServerError(
    sentenceFrom(error) ?? { message: `HTTP ${response.status}`, kind: null, facts: {} },
    response.status,
  )
}

/** A sentence of the server out of JSON, null where it is none. */
function sentenceFrom(value: unknown): ServerSentence | null {
  const { message, kind, facts } = Object(value)
  if (typeof message !== 'string') return null
  const known = Object.entries(Object(facts)).filter((fact): fact is [string, string | number] =>
    ['string', 'number'].includes(typeof fact[1]),
  )
  return { message, kind: typeof kind === 'string' ? kind : null, facts: Object.fromEntries(known) }
}
