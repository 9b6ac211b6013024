/** Small parts of OpenAI's objects: ids, times, usage, log probabilities, calls of tools put together. */
import type {
  ChatLogprobs,
  CompletionLogprobs,
  Stats,
  TokenLogprob,
  ToolCall,
  ToolCallDelta,
  ToolFormat,
  Usage,
} from './api.ts'
import type { TokenInfo, TokenInfoWithTop } from './protocol.ts'

export function newId(kind: string): string {
  return `${kind}-${crypto.getRandomValues(new Uint32Array(3)).reduce((id, word) => id + word.toString(36), '')}`
}

/** Of a call: Mistral's templates take ids of nine letters and digits only. */
export function callId(format: ToolFormat): string {
  return format === 'mistral'
    ? newId('call')
        .replace(/[^a-z0-9]/g, '')
        .padEnd(13, '0')
        .slice(4, 13)
    : newId('call')
}

/** Seconds since 1970. */
export function now(): number {
  return Math.floor(Date.now() / 1000)
}

export function usage({ promptTokens, outputTokens, cachedTokens }: Stats): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  }
}

export function chatLogprobs(infos: readonly TokenInfoWithTop[]): ChatLogprobs {
  const content = infos.map(info => ({ ...tokenLogprob(info), top_logprobs: info.top.map(tokenLogprob) }))
  return { content, refusal: null }
}

function tokenLogprob({ id, text, logprob, bytes }: TokenInfo): TokenLogprob {
  return { token: text, token_id: id, logprob, bytes: bytes.length > 0 ? bytes : null }
}

/** @param offset where the first of the tokens begins in the answer */
export function completionLogprobs(infos: readonly TokenInfoWithTop[], offset: number): CompletionLogprobs {
  let at = offset
  return {
    tokens: infos.map(({ text }) => text),
    token_logprobs: infos.map(({ logprob }) => logprob),
    top_logprobs: infos.map(({ top }) => Object.fromEntries(top.map(({ text, logprob }) => [text, logprob]))),
    text_offset: infos.map(({ text }) => {
      at += text.length
      return at - text.length
    }),
  }
}

export function joinedCompletionLogprobs(parts: readonly CompletionLogprobs[]): CompletionLogprobs {
  return {
    tokens: parts.flatMap(({ tokens }) => tokens),
    token_logprobs: parts.flatMap(({ token_logprobs }) => token_logprobs),
    top_logprobs: parts.flatMap(({ top_logprobs }) => top_logprobs),
    text_offset: parts.flatMap(({ text_offset }) => text_offset),
  }
}

/** Whole calls from their pieces. */
export function joinedCalls(deltas: readonly ToolCallDelta[]): ToolCall[] {
  const calls: ToolCall[] = []
  for (const { index, id, function: piece } of deltas) {
    const call = calls[index]
    if (call) call.function.arguments += piece.arguments
    else
      calls[index] = {
        id: id ?? '',
        type: 'function',
        function: { name: piece.name ?? '', arguments: piece.arguments },
      }
  }
  return calls
}
