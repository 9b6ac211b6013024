/** Answers a prompt on the kernels as the engine's worker does: threads wait for each other, which a page must not. */
import { argmax } from '../../../web/src/engine/sampler.ts'
import { openMachine } from '../../../web/src/engine/simd/machine.ts'
import { openOn, readBundle } from './bundles.ts'

export interface AnswerRequest {
  url: string
  threads: number
  prompt: number[]
}

export interface Answer {
  threads: number
  build: string
  /** Logits after the prompt, then after each of ten tokens. */
  rows: Float32Array[]
}

self.onmessage = async ({ data }: MessageEvent<AnswerRequest>) => {
  const tiny = await readBundle(async path => new Uint8Array(await (await fetch(data.url + path)).arrayBuffer()))
  const backend = await openOn(tiny, needs => openMachine({ ...needs, threads: data.threads }))
  const rows = [(await backend.prefill(data.prompt, 0)).slice()]
  while (rows.length <= 10) rows.push((await backend.decode(argmax(rows.at(-1) ?? new Float32Array()))).slice())
  const answer: Answer = { threads: backend.threads, build: backend.name, rows }
  self.postMessage(answer)
  await backend.dispose()
}
