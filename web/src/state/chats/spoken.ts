/** A conversation as a model is asked to continue it. Pure. */
import type { ChatMessageParam, EngineInfo } from '../../engine/api.ts'
import type { ChatSettings } from '../../tasks/chat.ts'
import type { Sources } from '../../tasks/sources.ts'
import { pathTo } from './tree.ts'
import type { Chat, Message, Origin } from './types.ts'

/**
 * What was said before an answer; then, where `withPrefix`, the text that it has already. Templates of many models refuse
 * two messages of one role behind one another (an imported chat, a question asked again): those are joined.
 */
export function spokenBefore(chat: Chat, answer: Message, withPrefix: boolean): ChatMessageParam[] {
  const before = answer.parent === null ? [] : pathTo(chat, answer.parent)
  const spoken = dialogue(answer.sources ? withPassages(before, answer.sources) : before)
  return withPrefix && answer.content
    ? [...spoken, { role: 'assistant', content: answer.content, prefix: true }]
    : spoken
}

/** All that was said, as the next question will find it: of long attached texts the passages that the last answer had. */
export function spokenSoFar(messages: readonly Message[]): ChatMessageParam[] {
  const sources = messages.findLast(message => message.sources)?.sources
  return dialogue(sources ? withPassages(messages, sources) : messages)
}

/** Long attached texts are not given whole: their passages stand before the last question. */
function withPassages(messages: readonly Message[], { passages }: Sources): Message[] {
  const attached = new Map(messages.flatMap(({ attachments = [] }) => attachments.map(entry => [entry.id, entry])))
  const parts = [...attached.values()].flatMap(entry => {
    const own = passages.filter(({ attachment }) => attachment === entry.id)
    const text = own.map(({ start, end }) => entry.text.slice(start, end)).join('\n[…]\n')
    return own.length > 0 ? [{ ...entry, text }] : []
  })
  const last = messages.findLastIndex(({ role }) => role === 'user')
  return messages.map(({ attachments: _, ...message }, index) =>
    index === last ? { ...message, attachments: parts } : message,
  )
}

/** Messages in turns, without empty ones; attached texts stand before the question that they came with. */
export function dialogue(messages: readonly Message[]): ChatMessageParam[] {
  const turns: { role: Message['role']; content: string }[] = []
  for (const message of messages) {
    const content = wholeText(message)
    const last = turns.at(-1)
    if (content === '') continue
    if (last?.role === message.role) last.content += `\n\n${content}`
    else turns.push({ role: message.role, content })
  }
  return turns
}

function wholeText({ content, attachments = [] }: Message): string {
  return [...attachments.map(({ name, text }) => `${name}:\n${text}`), content].filter(part => part !== '').join('\n\n')
}

export function originOf({ bundle, variant, device, backend }: EngineInfo, settings: ChatSettings): Origin {
  return { model: bundle.id, model_name: bundle.name, variant, device, backend, settings }
}
