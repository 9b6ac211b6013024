/** Media queries that decide what is drawn, not only how. */
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

export function useMatches(query: string): boolean {
  const matches = useSignal(matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const look = () => {
      matches.value = list.matches
    }
    list.addEventListener('change', look)
    return () => list.removeEventListener('change', look)
  }, [query])
  return matches.value
}
