/** The address that makes an answer again: its model, variant, settings, seed and conversation. */
import { chat, type Message } from '../../state/chat.ts'
import { spokenBefore } from '../../state/chats/spoken.ts'
import { openComparison } from '../../state/compare.ts'
import { go } from '../../state/route.ts'
import type { Comparison } from '../../tasks/comparison.ts'
import { linkOf, sha256 } from '../../tasks/comparison.ts'

/** Whether the same question gives the same answer: not where somebody wrote in it or gave its beginning, or it was cut off. */
export function isReproducible({ origin, edited, state, content }: Message): boolean {
  return origin !== undefined && !origin.begun && !edited && state === 'done' && content !== ''
}

async function reproduction(message: Message): Promise<Comparison | null> {
  const { origin, parent, content } = message
  if (!origin || parent === null) return null
  const said = spokenBefore(chat.peek(), message, false)
  const question = said.at(-1)
  if (question?.role !== 'user') return null
  const plain = said.map(({ role, content: words }) => ({
    role: role === 'user' ? ('user' as const) : ('assistant' as const),
    content: typeof words === 'string' ? words : '',
  }))
  const { model, variant, device, backend, settings } = origin
  return {
    columns: [{ model, variant, device, backend: backend.startsWith('simd') ? 'simd' : 'ort', settings }],
    before: plain.slice(0, -1),
    prompts: [plain.at(-1)?.content ?? ''],
    expected: { text_sha256: await sha256(content), backend },
  }
}

/** Opens the page that makes the answer again. A conversation that is too long for an address is there all the same. */
export async function openReproduction(message: Message): Promise<void> {
  const found = await reproduction(message)
  if (!found) return
  const link = await linkOf(found)
  openComparison(found)
  go('compare', link ?? '')
}
