/** Text ↔ token ids and the chat template, as the bundle's files say. Knows no model and no KV cache. */
import { Template } from '@huggingface/jinja'
import { Tokenizer } from '@huggingface/tokenizers'
import type { ChatMessage, Tool, ToolFormat } from './api.ts'
import { Constraints } from './constraint/constraint.ts'
import { type Spelling, spell } from './constraint/spelling.ts'
import { Vocabulary } from './constraint/vocabulary.ts'
import { type Spell, type StreamDecoder, spellToken, streamDecoder } from './decoder.ts'
import { EngineError } from './errors.ts'
import { useExactParts } from './exact.ts'
import type { Manifest } from './manifest.ts'
import { type TemplateInput, type ToolStyle, templateMessage, toolStyle } from './tool-style.ts'
import { splitWords, type Word } from './words.ts'

export interface TokenizerFiles {
  tokenizerJson: string
  tokenizerConfig: string
  /** Jinja source, null for a model without a chat format. */
  chatTemplate: string | null
}

export interface TextCodec {
  /** A raw prompt, with the beginning-of-text token in front where the model wants one, an encoder-decoder's whole. */
  encodePrompt(text: string): number[]
  /** A text that goes on behind others: no tokens are put around it. */
  encodeContinuation(text: string): number[]
  /**
   * @param prefix what the assistant's answer begins with already
   * @throws EngineError 'bad-request' where the model has no chat format or its template refuses the messages
   */
  encodeChat(messages: readonly ChatMessage[], use?: { tools: readonly Tool[]; prefix: string }): number[]
  /** Whether the model has a chat format. */
  chats: boolean
  /** How the chat template has tools called, null where it knows none. */
  toolFormat: ToolFormat | null
  /** A text as an encoder reads it, special tokens included, cut where it has more than `maxTokens`. */
  encodeText(text: string, maxTokens: number): EncodedText
  /**
   * The same with the words' places, for tags: `firstTokens[i]` is where the tokens of word i begin.
   * @throws EngineError 'unsupported' for a tokenizer that does not work word by word
   */
  encodeWords(text: string, maxTokens: number): EncodedText & { words: Word[]; firstTokens: number[] }
  /** A fresh decoder for one answer. */
  decoder(): StreamDecoder
  /** What a token spells alone. */
  spell: Spell
  /** What every token spells, as bytes. @throws EngineError 'unsupported' like `constraints` */
  spelling(): Spelling
  /** The id of an added token by its text, null where there is none. */
  addedToken(text: string): number | null
  /**
   * What holds answers to a shape, made when it is first asked for.
   * @param vocabularySize tokens that the model has logits for
   * @throws EngineError 'unsupported' for a tokenizer that does not say which bytes a token stands for
   */
  constraints(vocabularySize: number): Constraints
}

export interface EncodedText {
  tokens: number[]
  truncated: boolean
}

/** @throws EngineError 'bad-manifest' for files that cannot be read, 'unsupported' where this browser lacks what they need */
export function createTextCodec(files: TokenizerFiles, manifest: Manifest): TextCodec {
  const { tokenizer, json, config } = readTokenizer(files)
  const template = files.chatTemplate === null ? null : readTemplate(files.chatTemplate)
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false }).ids
  const render = (input: TemplateInput) => renderTemplate(template, input, { config, name: manifest.name })
  const style = template && toolStyle(render)
  let constraints: Constraints | null = null
  return {
    encodePrompt(text) {
      if (manifest.architecture === 'encoder-decoder') return tokenizer.encode(text).ids
      const { bos, add_bos } = manifest.special_tokens
      return add_bos && bos !== null ? [bos, ...encode(text)] : encode(text)
    },
    encodeChat(messages, { tools, prefix } = { tools: [], prefix: '' }) {
      const input = { messages: messages.map(message => templateMessage(message, style)), add_generation_prompt: true }
      return encode(render({ ...input, ...toolVariable(tools, style) }) + prefix)
    },
    chats: template !== null,
    toolFormat: style?.format ?? null,
    encodeText: (text, maxTokens) => cut(tokenizer, encode(text), maxTokens),
    encodeWords: (text, maxTokens) => cutWords(tokenizer, { json, text, maxTokens }),
    encodeContinuation: encode,
    decoder: () => streamDecoder(tokenizer, json),
    spell: token => spellToken(tokenizer, json, token),
    spelling: () => spell(tokenizer, json),
    addedToken(text) {
      for (const [id, { content }] of tokenizer.get_added_tokens_decoder()) if (content === text) return id
      return null
    },
    constraints(vocabularySize) {
      constraints ??= new Constraints(new Vocabulary(spell(tokenizer, json), vocabularySize))
      return constraints
    },
  }
}

/** Puts the special tokens around `content`, of which the first `kept` are left where all together would be too long. */
function cut(tokenizer: Tokenizer, content: number[], maxTokens: number) {
  const { before, after } = frame(tokenizer)
  const kept = content.slice(0, Math.max(0, maxTokens - before.length - after.length))
  const tokens = [...before, ...kept, ...after]
  return { tokens, truncated: kept.length < content.length, prefix: before.length, kept: kept.length }
}

/** The special tokens around any text, found around a probe. */
function frame(tokenizer: Tokenizer): { before: number[]; after: number[] } {
  const probe = tokenizer.encode('a', { add_special_tokens: false }).ids
  const { ids } = tokenizer.encode('a')
  const at = ids.findIndex((_, index) => probe.every((token, place) => ids[index + place] === token))
  return { before: ids.slice(0, at), after: ids.slice(at + probe.length) }
}

function cutWords(
  tokenizer: Tokenizer,
  { json, text, maxTokens }: { json: Record<string, unknown>; text: string; maxTokens: number },
) {
  if (typeOf(json.pre_tokenizer) !== 'BertPreTokenizer' || typeOf(json.model) !== 'WordPiece') {
    throw new EngineError('unsupported', { kind: 'no-word-places' })
  }
  const added = Array.from(tokenizer.get_added_tokens_decoder().values(), ({ content }) => content)
  const content: number[] = []
  const places: { word: Word; first: number }[] = []
  for (const word of splitWords(text, added)) {
    const { ids } = tokenizer.encode(word.text, { add_special_tokens: false })
    if (ids.length > 0) places.push({ word, first: content.length })
    content.push(...ids)
  }
  const { tokens, truncated, prefix, kept } = cut(tokenizer, content, maxTokens)
  const read = places.filter(({ first }) => first < kept)
  return {
    tokens,
    truncated,
    words: read.map(({ word }) => word),
    firstTokens: read.map(({ first }) => prefix + first),
  }
}

function typeOf(part: unknown): unknown {
  return typeof part === 'object' && part !== null && 'type' in part ? part.type : null
}

function toolVariable(tools: readonly Tool[], style: ToolStyle | null): Pick<TemplateInput, 'tools' | 'xml_tools'> {
  return tools.length === 0 || !style ? {} : { [style.variable]: tools }
}

/** The prompt that the template makes of a conversation, ending where the assistant begins to speak. */
export function renderChat(
  template: Template | null,
  messages: readonly ChatMessage[],
  { config, name }: { config: Record<string, unknown>; name: string },
): string {
  return renderTemplate(template, { messages, add_generation_prompt: true }, { config, name })
}

function renderTemplate(
  template: Template | null,
  input: TemplateInput,
  { config, name }: { config: Record<string, unknown>; name: string },
): string {
  if (!template) {
    throw new EngineError('bad-request', { kind: 'no-chat-format', model: name })
  }
  try {
    // What transformers passes too: templates ask `tools is not none`, and what is not there at all is not none.
    const absent = { tools: null, documents: null }
    return template.render({ ...specialTokens(config), ...absent, ...input })
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause)
    throw new EngineError('bad-request', { kind: 'odd-messages', said }, { cause })
  }
}

export function readTemplate(source: string): Template {
  try {
    return new Template(source)
  } catch (cause) {
    throw new EngineError('bad-manifest', { kind: 'bad-template' }, { cause })
  }
}

function readTokenizer({ tokenizerJson, tokenizerConfig }: TokenizerFiles) {
  try {
    const json: Record<string, unknown> = JSON.parse(tokenizerJson)
    const config: Record<string, unknown> = JSON.parse(tokenizerConfig)
    const tokenizer = new Tokenizer(json, config)
    useExactParts(tokenizer)
    return { json, config, tokenizer }
  } catch (cause) {
    if (cause instanceof EngineError) throw cause
    throw new EngineError('bad-manifest', { kind: 'bad-tokenizer' }, { cause })
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
