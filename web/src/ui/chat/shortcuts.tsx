/** Every key of the chat page. */
import type { Signal } from '@preact/signals'
import { text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { lettered } from '../parts/keys.ts'

export function Shortcuts({ open }: { open: Signal<boolean> }) {
  const { shortcuts, closeShortcuts, shortcutAreas: areas, keys } = text.value.chat
  const all: [string, [string, string][]][] = [
    [
      areas.page,
      [
        ['Ctrl+Shift+O', keys.newChat],
        ['Ctrl+Shift+F', keys.search],
        ['/', keys.box],
        ['Esc', keys.stop],
        ['← →', keys.versions],
        ['Alt+↑ Alt+↓', keys.messages],
        ['Ctrl+K', keys.palette],
        ['?', keys.list],
      ],
    ],
    [
      areas.box,
      [
        ['Enter', keys.send],
        ['Shift+Enter', keys.newLine],
        ['↑', keys.editLast],
      ],
    ],
    [
      areas.message,
      [
        ['E Enter', keys.edit],
        ['C', keys.copy],
        ['R', keys.regenerate],
        ['W', keys.goOn],
        ['F', keys.fork],
        ['T', keys.raw],
        ['M', text.value.insight.tokens.key],
        ['P', text.value.insight.figures.reproduce],
        ['Delete', keys.remove],
        ['Ctrl+Enter', keys.saveEdit],
        ['Esc', keys.cancelEdit],
      ],
    ],
  ]
  return (
    <Dialog open={open} title={shortcuts} closeLabel={closeShortcuts}>
      {open.value ? <List areas={all} /> : null}
    </Dialog>
  )
}

function List({ areas }: { areas: [string, [string, string][]][] }) {
  return (
    <div class="shortcuts">
      {areas.map(([area, list]) => (
        <section key={area}>
          <h3>{area}</h3>
          <dl>
            {list.map(([key, does]) => (
              <div key={does}>
                <dt>
                  {key.split(' ').map(part => (
                    <kbd key={part}>{lettered(part)}</kbd>
                  ))}
                </dt>
                <dd>{does}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </div>
  )
}
