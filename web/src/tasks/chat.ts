/** The chat task: which request a conversation and the user's settings make. Pure. */
import type { ChatMessage, ChatRequest } from '../engine/api.ts'

export interface ChatSettings {
  system: string
  temperature: number | null
  max_tokens: number | null
  seed: number | null
}

/** Settings that are null are left to the model's defaults. */
export function chatRequest(
  messages: readonly ChatMessage[],
  { system, temperature, max_tokens, seed }: ChatSettings,
  signal: AbortSignal,
): ChatRequest & { stream: true } {
  const spoken = messages.map(({ role, content }) => ({ role, content }))
  const instructed: ChatMessage[] = system.trim() ? [{ role: 'system', content: system.trim() }, ...spoken] : spoken
  return {
    messages: instructed,
    stream: true,
    signal,
    ...(temperature === null ? {} : { temperature }),
    ...(max_tokens === null ? {} : { max_tokens }),
    ...(seed === null ? {} : { seed }),
  }
}
