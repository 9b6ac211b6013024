/** What tests/bench/cpu_fidelity.mjs runs in a worker: the kernels over windows of text, beside what PyTorch said of them. */
import { openSimd, type SimdBackend } from '../../web/src/engine/backend-simd.ts'
import { parseManifest } from '../../web/src/engine/manifest.ts'
import { argmax } from '../../web/src/engine/sampler.ts'
import { openMachine } from '../../web/src/engine/simd/machine.ts'

interface Window {
  tokens: number[]
  /** PyTorch's most likely token after each. */
  best: number[]
  /** PyTorch's loss of each following token, in nats. */
  losses: number[]
}

interface Request {
  bundleUrl: string
  threads: number
  windows: Window[]
}

/** Sums over tokens. */
interface Count {
  tokens: number
  agreed: number
  predicted: number
  loss: number
  originalLoss: number
}

self.onmessage = async ({ data }: MessageEvent<Request>) => {
  try {
    self.postMessage(await compare(data))
  } catch (error) {
    self.postMessage({ error: String(error) })
  }
}

async function compare({ bundleUrl, threads, windows }: Request) {
  const backend = await open(bundleUrl, threads)
  const [first] = windows
  if (!first) throw new Error('There is no text.')
  const sums = { tokens: 0, agreed: 0, predicted: 0, loss: 0, originalLoss: 0 }
  for (const window of windows) {
    backend.truncate(0)
    count(sums, window, await backend.verify(window.tokens))
  }
  const same_token_by_token = await isSameTokenByToken(backend, first.tokens)
  await backend.dispose()
  return { backend: backend.name, threads: backend.threads, ...shares(sums), same_token_by_token }
}

/** Are the logits after each of the tokens, decoded one by one, those of the prompt in one go, to the last bit? */
async function isSameTokenByToken(backend: SimdBackend, tokens: readonly number[]): Promise<boolean> {
  backend.truncate(0)
  const rows = await backend.verify(tokens)
  backend.truncate(0)
  for (const [index, token] of tokens.entries()) {
    const row = await backend.decode(token)
    if (!row.every((logit, id) => Object.is(logit, rows[index]?.[id]))) return false
  }
  return true
}

async function open(bundleUrl: string, threads: number): Promise<SimdBackend> {
  const fetched = async (path: string) => (await fetch(bundleUrl + path)).blob()
  const manifest = parseManifest(await (await fetched('manifest.json')).text(), 'manifest.json')
  const variant = manifest.variants.find(({ program }) => program !== null)
  if (!variant) throw new Error('The bundle has no variant with a program.')
  const blobs = new Map<string, Blob>()
  for (const { path } of variant.files) blobs.set(path, await fetched(path))
  const files = { blob: (path: string) => blobs.get(path) ?? new Blob() }
  const { signal } = new AbortController()
  return openSimd({ manifest, variant, files, signal, openMachine: needs => openMachine({ ...needs, threads }) })
}

function count(sums: Count, { tokens, best, losses }: Window, rows: readonly Float32Array[]): void {
  rows.forEach((row, index) => {
    sums.tokens++
    if (argmax(row) === best[index]) sums.agreed++
    const next = tokens[index + 1]
    if (next === undefined) return
    sums.predicted++
    sums.loss += logSumExp(row) - (row[next] ?? Number.NaN)
    sums.originalLoss += losses[index] ?? Number.NaN
  })
}

function logSumExp(row: Float32Array): number {
  const largest = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  return largest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - largest), 0))
}

function shares({ tokens, agreed, predicted, loss, originalLoss }: Count) {
  return {
    tokens,
    perplexity: Math.exp(loss / predicted),
    perplexity_original: Math.exp(originalLoss / predicted),
    perplexity_ratio: Math.exp((loss - originalLoss) / predicted),
    top1_agreement: agreed / tokens,
  }
}
