/** Where the room goes: the server's disk and what this browser keeps, each as a bar with its figures beside it. */
import { useSignal } from '@preact/signals'
import { askPersistence, deviceFacts } from '../../state/fit.ts'
import { type ModelSummary, modelList } from '../../state/models.ts'
import { text } from '../../text/index.ts'
import { bytes } from '../parts/format.ts'

export function DiskSpace() {
  const words = text.value.models
  return (
    <section class="panel" aria-label={words.disk}>
      <h3>{words.disk}</h3>
      <ServerDisk />
      <BrowserDisk />
    </section>
  )
}

function ServerDisk() {
  const words = text.value.models
  const list = modelList.value
  if (!list?.disk) return null
  const { total_bytes: total, free_bytes: free } = list.disk
  const used = list.models.reduce((sum, { size_bytes: size }) => sum + (size ?? 0), 0)
  return (
    <div class="disk">
      <p class="small">{words.folder(list.models_dir)}</p>
      <Bar
        total={total}
        parts={list.models.map(partOf)}
        rest={Math.max(0, total - free - used)}
        restName={words.diskOther}
      />
      <p class="small">{words.diskPicture(bytes(used), bytes(free), bytes(total))}</p>
    </div>
  )
}

function partOf({ name, size_bytes: size }: ModelSummary) {
  return { name, size: size ?? 0 }
}

function BrowserDisk() {
  const words = text.value.models
  const facts = deviceFacts.value
  const refused = useSignal(false)
  if (!facts) return null
  const { quotaBytes: quota, usedBytes: used, isPersistent } = facts
  return (
    <div class="disk">
      <p class="small">{words.browser}</p>
      {quota && used !== null ? (
        <>
          <Bar total={quota} parts={[{ name: words.browser, size: used }]} rest={0} restName="" />
          <p class="small">{words.browserPicture(bytes(used), bytes(quota))}</p>
        </>
      ) : (
        <p class="small">{words.browserUnknown}</p>
      )}
      <div class="panel-row start">
        <span class="small">{isPersistent ? words.persistent : words.notPersistent}</span>
        {isPersistent ? null : (
          <button
            type="button"
            class="quiet"
            onClick={async () => {
              refused.value = !(await askPersistence())
            }}
          >
            {words.askPersistent}
          </button>
        )}
      </div>
      {refused.value ? <p class="small note">{words.refusedPersistent}</p> : null}
    </div>
  )
}

interface BarProps {
  total: number
  parts: { name: string; size: number }[]
  /** What is used by others. */
  rest: number
  restName: string
}

/** The figures stand beside it: the picture is for the eye alone. */
function Bar({ total, parts, rest, restName }: BarProps) {
  let x = 0
  const place = (size: number) => {
    const at = x
    const width = (size / total) * 100
    x += width
    return { x: at, width }
  }
  return (
    <svg class="disk-bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      {parts.map(({ name, size }, index) => (
        <rect key={name} class={index % 2 === 0 ? 'used' : 'used other'} height="4" {...place(size)}>
          <title>{`${name}: ${bytes(size)}`}</title>
        </rect>
      ))}
      {rest > 0 ? (
        <rect class="rest" height="4" {...place(rest)}>
          <title>{`${restName}: ${bytes(rest)}`}</title>
        </rect>
      ) : null}
    </svg>
  )
}
