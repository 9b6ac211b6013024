/**
 * A test server that spoils bundles on the way: `/damaged/<kind>/<anything>/<bundle>/<file>`. `<anything>` makes the
 * address new, so that a "once" means once per test.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import path from 'node:path'
import type { Plugin } from 'vite'

interface Answer {
  status: number
  body: Uint8Array
  headers?: Record<string, string>
  /** No end: nothing more comes, until a request of `/damaged/break/<anything>/` breaks the connection. */
  stalls?: true
}
type Damage = (
  answer: Answer,
  request: { file: string; folder: string; visits: number; range: string | undefined },
) => Answer

const isWeights = (file: string) => file.endsWith('.data')
const isGpu = (file: string) => file.startsWith('webgpu')

function flipBytes(body: Uint8Array): Uint8Array {
  // From the middle on, so that headers stay readable and the numbers do not.
  return body.map((byte, index) => (index > body.length / 2 ? byte ^ 0x55 : byte))
}

const half = ({ status, body }: Answer): Answer => ({ status, body: body.subarray(0, body.length / 2), stalls: true })

/** The rest of a file that `Range: bytes=<from>-` asks for; whoever asks for the whole is refused. */
function rest({ body }: Answer, range: string | undefined): Answer {
  const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? Number.NaN)
  if (!(from < body.length)) return { status: 500, body: new Uint8Array() }
  const headers = { 'Content-Range': `bytes ${from}-${body.length - 1}/${body.length}` }
  return { status: 206, body: body.subarray(from), headers }
}

function part({ body }: Answer, range: string): Answer {
  const [, first = '', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? []
  const [from, to] = [Number(first), last === '' ? body.length : Math.min(Number(last) + 1, body.length)]
  const headers = { 'Content-Range': `bytes ${from}-${to - 1}/${body.length}` }
  return { status: 206, body: body.subarray(from, to), headers }
}

/** `model.onnx.data.002`: the second of four parts of a file, as sites have them. */
function fourth(answer: Answer, { file, folder }: { file: string; folder: string }): Answer {
  const [, name = '', number = ''] = /^(.*)\.(\d{3})$/.exec(file) ?? []
  if (!number) return answer
  const whole = readFileSync(path.join(folder, name))
  const size = Math.ceil(whole.length / 4)
  return { status: 200, body: whole.subarray(size * (Number(number) - 1), size * Number(number)) }
}

interface ManifestLike {
  format: number
  context_length: number
  files: { path: string; size_bytes: number; sha256: string }[]
  variants: { device: string; files: { path: string; size_bytes: number; sha256: string }[] }[]
}

function withManifest(answer: Answer, change: (manifest: ManifestLike) => void): Answer {
  const manifest: ManifestLike = JSON.parse(Buffer.from(answer.body).toString('utf8'))
  change(manifest)
  return { ...answer, body: Buffer.from(JSON.stringify(manifest)) }
}

function withProgram(
  answer: Answer,
  { file, folder }: { file: string; folder: string },
  change: (text: string) => string,
): Answer {
  const changed = (body: Uint8Array) => Buffer.from(change(Buffer.from(body).toString('utf8')))
  if (file.endsWith('program.json')) return { ...answer, body: changed(answer.body) }
  if (file !== 'manifest.json') return answer
  return withManifest(answer, ({ variants }) => {
    for (const entry of variants.flatMap(({ files }) => files)) {
      if (!entry.path.endsWith('program.json')) continue
      const body = changed(readFileSync(path.join(folder, entry.path)))
      entry.sha256 = createHash('sha256').update(body).digest('hex')
      entry.size_bytes = body.length
    }
  })
}

const KINDS: Record<string, Damage> = {
  corrupted: (answer, { file }) => (isWeights(file) ? { ...answer, body: flipBytes(answer.body) } : answer),
  'corrupted-once': (answer, { file, visits }) =>
    isWeights(file) && visits === 1 ? { ...answer, body: flipBytes(answer.body) } : answer,
  truncated: (answer, { file }) =>
    isWeights(file) ? { ...answer, body: answer.body.subarray(0, answer.body.length - 100) } : answer,
  longer: (answer, { file }) =>
    isWeights(file) ? { ...answer, body: Buffer.concat([answer.body, Buffer.alloc(7)]) } : answer,
  /** The first answer stays without an end; then only what is missing may be asked for. */
  stalls: (answer, { file, visits, range }) => {
    if (!isWeights(file)) return answer
    return visits === 1 ? half(answer) : rest(answer, range)
  },
  /** Every range, bounded or not. */
  windows: (answer, { range }) => {
    const { headers, ...sent } = range ? part(answer, range) : answer
    return { ...sent, headers: { ...headers, ETag: '"1"' } }
  },
  /** The same, and no page of another origin may see which range came. */
  'windows-unsaid': (answer, { range }) => {
    const { headers: _, ...sent } = range ? part(answer, range) : answer
    return sent
  },
  /** A server that has another file by the time of the third request. */
  'windows-change': (answer, { file, visits, range }) => {
    const { body } = answer
    return range
      ? part(isWeights(file) && visits > 2 ? { ...answer, body: body.map(byte => byte ^ 1) } : answer, range)
      : answer
  },
  parts: fourth,
  'parts-ranged': (answer, request) => {
    const { headers, ...sent } = request.range ? part(fourth(answer, request), request.range) : fourth(answer, request)
    return headers ? { ...sent, headers } : sent
  },
  'parts-bad': (answer, request) => {
    const sound = fourth(answer, request)
    return request.file.endsWith('.002') ? { ...sound, body: flipBytes(sound.body) } : sound
  },
  'parts-bad-once': (answer, request) => {
    const sound = fourth(answer, request)
    return request.file.endsWith('.002') && request.visits === 1 ? { ...sound, body: flipBytes(sound.body) } : sound
  },
  'gone-later': (answer, { file, visits }) =>
    isWeights(file) && visits > 1 ? { status: 404, body: new Uint8Array() } : answer,
  ranged: (answer, { range }) => (range ? rest(answer, range) : answer),
  'missing-file': (answer, { file }) => (isWeights(file) ? { status: 404, body: new Uint8Array() } : answer),
  'format-2': (answer, { file }) =>
    file === 'manifest.json' ? withManifest(answer, manifest => (manifest.format = 2)) : answer,
  'not-json': (answer, { file }) =>
    file === 'manifest.json' ? { ...answer, body: Buffer.from('{"format": 1,') } : answer,
  /** Weights of the GPU variants that are what the manifest says, and compute nonsense: only the self-test can tell. */
  'wrong-gpu-weights': (answer, { file, folder }) => {
    if (isWeights(file) && isGpu(file)) return { ...answer, body: flipBytes(answer.body) }
    if (file !== 'manifest.json') return answer
    return withManifest(answer, ({ variants }) => {
      for (const entry of variants.filter(({ device }) => device === 'webgpu').flatMap(({ files }) => files)) {
        if (!isWeights(entry.path)) continue
        const spoiled = flipBytes(readFileSync(path.join(folder, entry.path)))
        entry.sha256 = createHash('sha256').update(spoiled).digest('hex')
      }
    })
  },
  /** A program that the manifest vouches for, and that is not the model: norms count half. */
  'wrong-program': (answer, request) =>
    withProgram(answer, request, text => text.replaceAll('"group": 96', '"group": 48')),
  /** A program of a later exporter. */
  'new-program': (answer, request) =>
    withProgram(answer, request, text => text.replace('"op": "embed"', '"op": "hash"')),
  /** The bundle with another chat template: `template-hermes` has tests/fixtures/templates/tools/hermes.jinja. */
  ...Object.fromEntries(
    ['hermes', 'llama3'].map(name => {
      const body = readFileSync(new URL(`../../fixtures/templates/tools/${name}.jinja`, import.meta.url))
      const damage: Damage = (answer, { file }) => {
        if (file === 'chat_template.jinja') return { ...answer, body }
        if (file !== 'manifest.json') return answer
        return withManifest(answer, ({ files }) => {
          const entry = files.find(({ path: name }) => name === 'chat_template.jinja')
          if (!entry) throw new Error('the bundle has no chat template')
          entry.size_bytes = body.length
          entry.sha256 = createHash('sha256').update(body).digest('hex')
        })
      }
      return [`template-${name}`, damage]
    }),
  ),
  'short-context': (answer, { file }) =>
    file === 'manifest.json' ? withManifest(answer, manifest => (manifest.context_length = 128)) : answer,
}

export function damagedBundles(folders: Record<string, string>): Plugin {
  const visits = new Map<string, number>()
  const stalled = new Map<string, ServerResponse>()
  return {
    name: 'slm-damaged-bundles',
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const url = new URL(request.url ?? '/', 'http://localhost').pathname
        const prefix = Object.keys(folders).find(start => url.startsWith(start))
        if (!prefix) return next()
        const [kind = '', anything = '', bundle = '', ...rest] = url.slice(prefix.length).split('/')
        if (kind === 'break') {
          stalled.get(anything)?.destroy()
          return response.end()
        }
        const file = rest.join('/')
        const folder = path.join(folders[prefix] ?? '', bundle)
        visits.set(url, (visits.get(url) ?? 0) + 1)
        const found = existsSync(path.join(folder, file))
        const sound: Answer = found
          ? { status: 200, body: readFileSync(path.join(folder, file)) }
          : { status: 404, body: new Uint8Array() }
        const { range } = request.headers
        const answer = KINDS[kind]?.(sound, { file, folder, visits: visits.get(url) ?? 1, range }) ?? sound
        response.writeHead(answer.status, { 'Content-Type': 'application/octet-stream', ...answer.headers })
        if (!answer.stalls) return response.end(answer.body)
        response.write(answer.body)
        stalled.set(anything, response)
      })
    },
  }
}
