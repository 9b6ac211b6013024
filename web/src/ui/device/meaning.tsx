/** The facts in plain words: where models run and why, what that costs, what to expect. */
import type { Inspection } from '../../engine/inspect.ts'
import { type Expected, expectedSpeed, storageFacts } from '../../state/device.ts'
import { engine } from '../../state/engine.ts'
import { reasonsInWords } from '../../state/in-words.ts'
import { text } from '../../text/index.ts'
import { duration, speed } from '../parts/format.ts'

export function Meaning({ facts }: { facts: Inspection }) {
  const words = text.value.device
  const kept = storageFacts.value
  const sentences = [
    ...gpuSentences(facts),
    cpuSentence(facts),
    ...(kept ? [kept.isPersistent ? words.stored : words.mayClear] : []),
    expectedSentence(),
  ]
  return (
    <section class="panel" aria-labelledby="device-meaning">
      <h3 id="device-meaning">{words.meaning}</h3>
      <ul class="device-meaning">
        {sentences.map(sentence => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </section>
  )
}

function gpuSentences({ hasWebGpu, gpu, gpuMissing }: Inspection): string[] {
  const words = text.value.device
  if (!hasWebGpu) return [words.onCpuNoWebGpu]
  if (!gpu) return [words.onCpuNoAdapter]
  if (gpu.isSoftware) return [words.onCpuSoftware]
  if (gpuMissing !== null) return [words.onCpuBroken(reasonsInWords([gpuMissing]))]
  return [words.onGpu(gpu.name), gpu.hasF16 ? words.f16 : words.noF16]
}

function cpuSentence({ simd, isolated, threads, cores }: Inspection): string {
  const words = text.value.device
  if (!simd) return words.noSimd
  if (!isolated) return words.notIsolated
  return threads > 1 ? words.manyThreads(threads, cores) : words.oneCore
}

/** English and German have about 1.4 tokens to a word in these models' vocabularies; a short prompt comes before. */
const ANSWER = { words: 200, tokensPerWord: 1.4, promptTokens: 40 }

function expectedSentence(): string {
  const words = text.value.device
  const current = engine.value
  if (!current) return words.expectedNoModel
  const expected = expectedSpeed(current.info)
  if (!expected) return words.expectedUnknown
  const { prefillTokensPerSecond: reading, decodeTokensPerSecond: writing, isMeasured } = expected
  const say = isMeasured ? words.expected : words.expectedAbout
  return say(speed(writing), speed(reading), duration(answerMs(expected)))
}

function answerMs({ prefillTokensPerSecond, decodeTokensPerSecond }: Expected): number {
  const seconds =
    ANSWER.promptTokens / prefillTokensPerSecond + (ANSWER.words * ANSWER.tokensPerWord) / decodeTokensPerSecond
  return 1000 * seconds
}
