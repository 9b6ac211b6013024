/** An answer of the chat under the microscope: its stored tokens, and branches from them. */
import { useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { announcement } from '../../state/announce.ts'
import { chat, isBusy, type Message } from '../../state/chat.ts'
import { settingsOf } from '../../state/controls.ts'
import { branchText, withoutHeldBack } from '../../tasks/tokens.ts'
import { type Trace, type TracedStep, type TracedToken, unpack } from '../../tasks/trace.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { restFocus } from '../parts/focus.ts'
import { Microscope } from './microscope.tsx'

type Found = { trace: Trace; steps: readonly TracedStep[] } | 'loading' | 'none' | 'damaged'

export function AnswerTokens({ message }: { message: Message }) {
  const words = text.value.insight.tokens
  const found = useTokens(message)
  const { conversation } = useActors()
  const shape = message.origin?.settings.format.type ?? 'text'
  if (typeof found === 'string') return <p class="small">{words[found]}</p>
  const branch = (at: number, other: TracedToken) => {
    const { trace, steps } = found
    const { top } = steps[at] ?? { top: [] }
    const begun = [...steps.slice(0, at), { ...other, top }]
    const given = message.content.slice(0, trace.text_offset)
    const spelled = branchText(steps, at, other, message.content.slice(trace.text_offset))
    const content = withoutHeldBack(given + spelled, settingsOf(chat.peek().head).stop)
    // Behind a beginning that was given as text, its tokens are not known: the branch is given as text too.
    const isExact = trace.text_offset === 0
    conversation.branchAnswer(
      message.id,
      content,
      isExact ? { tokens: begun.map(({ id }) => id), steps: begun, textOffset: 0 } : null,
    )
    announcement.value = words.branched
    restFocus()
  }
  return (
    <Microscope
      steps={found.steps}
      onBranch={isBusy.value ? null : branch}
      blocked={shape === 'text' ? null : words.goBlocked}
    />
  )
}

function useTokens({ id, has_tokens }: Message): Found {
  const { conversation } = useActors()
  const trace = useSignal<Trace | 'loading' | 'none'>(has_tokens ? 'loading' : 'none')
  useEffect(() => {
    if (!has_tokens) return
    let isCurrent = true
    conversation.library.tokens(chat.peek().head.id, id).then(
      table => {
        if (isCurrent) trace.value = table ?? 'none'
      },
      () => {
        if (isCurrent) trace.value = 'none'
      },
    )
    return () => {
      isCurrent = false
    }
  }, [id, has_tokens])
  const table = trace.value
  return useMemo(() => {
    if (typeof table === 'string') return table
    try {
      return { trace: table, steps: unpack(table) }
    } catch {
      return 'damaged' // an imported file, spoilt on its way
    }
  }, [table])
}
