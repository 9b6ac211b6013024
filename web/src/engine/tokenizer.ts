/** Text ↔ token ids and the chat template, as the bundle's files say. Knows no model and no KV cache. */
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import type { ChatMessage } from './api.ts'
import { type StreamDecoder, streamDecoder } from './decoder.ts'
import { EngineError } from './errors.ts'
import type { Manifest } from './manifest.ts'

export interface TokenizerFiles {
  tokenizerJson: string
  tokenizerConfig: string
  /** Jinja source, null for a model without a chat format. */
  chatTemplate: string | null
}

export interface TextCodec {
  /** A raw prompt, with the beginning-of-text token in front where the model wants one. */
  encodePrompt(text: string): number[]
  /** @throws EngineError 'bad-request' where the model has no chat format or its template refuses the messages */
  encodeChat(messages: readonly ChatMessage[]): number[]
  /** A fresh decoder for one answer. */
  decoder(): StreamDecoder
}

/** @throws EngineError 'bad-manifest' for files that cannot be read */
export function createTextCodec(files: TokenizerFiles, manifest: Manifest): TextCodec {
  const { tokenizer, json, config } = readTokenizer(files)
  const template = files.chatTemplate === null ? null : readTemplate(files.chatTemplate)
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids
  return {
    encodePrompt(text) {
      const { bos, add_bos } = manifest.special_tokens
      return add_bos && bos !== null ? [bos, ...encode(text)] : encode(text)
    },
    encodeChat(messages) {
      return encode(renderChat(template, messages, { config, name: manifest.name }))
    },
    decoder: () => streamDecoder(tokenizer, json),
  }
}

/** The prompt that the template makes of a conversation, ending where the assistant begins to speak. */
export function renderChat(
  template: Template | null,
  messages: readonly ChatMessage[],
  { config, name }: { config: Record<string, unknown>; name: string },
): string {
  if (!template) {
    throw new EngineError('bad-request', `${name} continues text and has no chat format: use completions instead.`)
  }
  try {
    return template.render({ ...specialTokens(config), messages, add_generation_prompt: true })
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', `The model's chat template does not accept these messages (${said}).`, {
      cause,
    })
  }
}

export function readTemplate(source: string): Template {
  try {
    return new Template(source)
  } catch (cause) {
    const message = "The bundle's chat template cannot be read. Export the bundle again."
    throw new EngineError('bad-manifest', message, { cause })
  }
}

function readTokenizer({ tokenizerJson, tokenizerConfig }: TokenizerFiles) {
  try {
    const json: Record<string, unknown> = JSON.parse(tokenizerJson)
    const config: Record<string, unknown> = JSON.parse(tokenizerConfig)
    return { json, config, tokenizer: new Tokenizer(json, config) }
  } catch (cause) {
    const message = "The bundle's tokenizer cannot be read. Export the bundle again."
    throw new EngineError('bad-manifest', message, { cause })
  }
}

/** Templates name special tokens: `bos_token` and its like, as text or as an object with a `content`. */
function specialTokens(config: Record<string, unknown>): Record<string, string> {
  const tokens: Record<string, string> = {}
  for (const [key, value] of Object.entries(config)) {
    if (!key.endsWith('_token')) continue
    if (typeof value === 'string') tokens[key] = value
    else if (typeof value === 'object' && value !== null && 'content' in value) tokens[key] = String(value.content)
  }
  return tokens
}
