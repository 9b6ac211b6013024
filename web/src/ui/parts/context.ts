/** The two objects that act, handed down to components that need them. */
import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import type { Conversation } from '../../state/chat.ts'
import type { Loader } from '../../state/engine.ts'

export interface Actors {
  conversation: Conversation
  loader: Loader
}

export const ActorsContext = createContext<Actors | null>(null)

export function useActors(): Actors {
  const actors = useContext(ActorsContext)
  if (!actors) throw new Error('A component that acts was rendered outside of <App>.')
  return actors
}
