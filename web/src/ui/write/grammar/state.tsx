/** What the corrections do just now, in a few words. */
import { grammar as settings } from '../../../state/grammar/settings.ts'
import { language, text } from '../../../text/index.ts'
import type { GrammarDesk } from './desk.ts'

export function MarkState({ desk: { checker } }: { desk: GrammarDesk }) {
  const { state, model: words } = text.value.grammar
  const number = (count: number) => count.toLocaleString(language.value)
  const { helpers } = checker
  if (!settings.value.enabled) return <>{state.off}</>
  const progress = checker.progress.value
  if (checker.isStopped.value) return <>{state.stopped}</>
  if (progress) return <>{state.checking(number(progress.done), number(progress.total))}</>
  const { status } = helpers.model.value
  if (status === 'loading') return <>{words.loading}</>
  const nobody = helpers.engine.value === null && helpers.rules.value === null
  if (nobody && status !== 'idle') return <>{status === 'missing' ? words.missing : state.nothing}</>
  const [count, tooLong] = [checker.marks.value.length, checker.tooLong.value]
  const found = count > 0 ? [state.count(number(count), count === 1)] : []
  const left = tooLong > 0 ? [state.tooLong(number(tooLong), tooLong === 1)] : []
  return <>{[...found, ...left].join(' · ') || state.none}</>
}
