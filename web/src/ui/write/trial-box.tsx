/** One sentence of the typing trial: the real editor, with or without suggestions, and a clock from the first key to Enter. */
import { type Extension, Prec } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { useEffect, useRef } from 'preact/hooks'
import { Assistant } from '../../state/suggestions/assistant.ts'
import { writing } from '../../state/suggestions/settings.ts'
import type { Attempt } from '../../state/suggestions/trial.ts'
import { text } from '../../text/index.ts'
import { Editor } from './editor.ts'
import { ghostText } from './ghost.ts'
import { ghostKeys } from './ghost-keys.ts'

type Measured = Omit<Attempt, 'assisted' | 'target'>

interface TrialBoxProps {
  label: string
  assisted: boolean
  onDone: (measured: Measured) => void
}

const MODIFIERS: ReadonlySet<string> = new Set(['Shift', 'Control', 'Alt', 'Meta', 'AltGraph', 'CapsLock'])

export function TrialBox({ label, assisted, onDone }: TrialBoxProps) {
  const host = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!host.current) return
    const assistant = new Assistant({ enabled: () => assisted, keeps: false })
    const { keys, tabAccepts } = writing.peek()
    const watch = measured(onDone)
    const editor = new Editor(
      host.current,
      {
        ...{ label, placeholder: '', phrases: text.peek().write.phrases, over: [ghostText(assistant)] },
        keys: [watch, ghostKeys(assistant, { keys, tabAccepts, tabIndentsLists: false, onFocusMode: () => {} })],
      },
      { onChange: () => {}, onMove: () => {} },
    )
    const stop = assistant.start()
    editor.focus()
    return () => {
      stop()
      editor.destroy()
    }
  }, [])
  return <div class="trial-box" ref={host} />
}

function measured(onDone: (measured: Measured) => void): Extension {
  let startedAt: number | null = null
  let keystrokes = 0
  let takenCharacters = 0
  const done = (view: EditorView) => {
    const typed = view.state.doc.toString().trim()
    if (startedAt === null || !typed) return true
    onDone({ typed, ms: performance.now() - startedAt, keystrokes, takenCharacters })
    return true
  }
  return [
    Prec.highest(keymap.of([{ key: 'Enter', run: done }])),
    Prec.highest(
      EditorView.domEventHandlers({
        keydown: ({ key }) => {
          if (MODIFIERS.has(key)) return false
          startedAt ??= performance.now()
          keystrokes += 1
          return false
        },
        paste: event => {
          event.preventDefault() // it is about typing
          return true
        },
      }),
    ),
    EditorView.updateListener.of(({ transactions, state, startState }) => {
      if (transactions.some(transaction => transaction.isUserEvent('input.complete'))) {
        takenCharacters += state.doc.length - startState.doc.length
      }
    }),
  ]
}
