/** Writes to our own server: each brings the token that only our own page is told. */

/** What the server said, in its own words. */
export class ServerError extends Error {
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

let token: Promise<string> | null = null

async function askToken(): Promise<string> {
  const response = await fetch('./api/session', { cache: 'no-store' })
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
    const response = await fetch(`./api/${path}`, { method, headers, body: content, ...(signal ? { signal } : {}) })
    if (response.ok) return response.json()
    if (response.status !== 403 || !again) throw await failure(response)
    token = null // the server was started anew meanwhile
  }
}

async function failure(response: Response): Promise<ServerError> {
  const { error } = Object(await response.json().catch(() => null))
  const { message } = Object(error)
  return new ServerError(typeof message === 'string' ? message : `HTTP ${response.status}`, response.status)
}
