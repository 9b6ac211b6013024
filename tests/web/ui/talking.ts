/** A chat that is held with the scripted engine, which repeats what it is asked. */
import { expect, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { messages } from '../../../web/src/state/chat.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { fakeEngine } from '../engine/fake.ts'
import { openPage } from './page.ts'

export const box = () => page.getByRole('textbox', { name: 'Message' })
export const shown = () => messages.value.map(({ content }) => content)
export const echo = (prompt: string) => [`re: ${prompt}`]
export const button = (name: string | RegExp) => page.getByRole('button', { name })

export async function talked(...questions: string[]) {
  const store = new MemoryStore()
  const { load, conversation } = openPage(
    async () => fakeEngine({ answer: echo }),
    async () => store,
  )
  await load()
  for (const question of questions) await ask(question)
  return { store, conversation }
}

export async function ask(question: string) {
  await userEvent.fill(box(), question)
  await userEvent.keyboard('{Enter}')
  await vi.waitFor(() => expect(shown().at(-1)).toBe(`re: ${question}`))
  await vi.waitFor(() => expect(messages.value.at(-1)?.state).toBe('done'))
}
