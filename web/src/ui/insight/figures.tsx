/** What an answer took: a line to glance at, everything on demand. */
import type { Stats } from '../../engine/api.ts'
import type { Origin } from '../../state/chats/types.ts'
import { runsOn } from '../../state/engine.ts'
import { text } from '../../text/index.ts'
import { duration, speed } from '../parts/format.ts'
import { count } from './numbers.ts'
import '../css/insight.css'

interface FiguresProps {
  stats: Stats
  /** Null where nobody knows what wrote it: in an imported chat. */
  origin: Pick<Origin, 'model_name' | 'variant' | 'device' | 'backend' | 'settings'> | null
}

export function Figures({ stats, origin }: FiguresProps) {
  const words = text.value.insight.figures
  const { tokensPerSecond, timeToFirstTokenMs, outputTokens, promptTokens, cachedTokens } = stats
  const items = [
    tokensPerSecond > 0 ? words.speed(speed(tokensPerSecond)) : null,
    words.first(duration(timeToFirstTokenMs)),
    words.output(count(outputTokens), outputTokens === 1),
    words.prompt(count(promptTokens), cachedTokens > 0 ? count(cachedTokens) : null),
    origin ? runsOn(origin) : null,
  ].filter(item => item)
  return (
    <details class="figures-box">
      <summary>
        <ul class="figures" aria-label={words.label}>
          {items.map(item => (
            <li key={item}>{item}</li>
          ))}
        </ul>
        <span class="visually-hidden">{words.details}</span>
      </summary>
      <dl class="figures-table">
        {rows({ stats, origin }).map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </details>
  )
}

function rows({ stats, origin }: FiguresProps): [string, string][] {
  const { rows: names, ends, speed: speedWords } = text.value.insight.figures
  const about: [string, string][] = origin
    ? [
        [names.model, origin.model_name],
        [names.variant, origin.variant],
        [names.runs, `${origin.device === 'webgpu' ? 'WebGPU' : 'CPU'} (${origin.backend})`],
        ...(origin.settings.seed === null ? [] : [[names.seed, String(origin.settings.seed)] as [string, string]]),
      ]
    : []
  return [
    [names.prompt, count(stats.promptTokens)],
    [names.cached, count(stats.cachedTokens)],
    [names.output, count(stats.outputTokens)],
    [names.first, duration(stats.timeToFirstTokenMs)],
    [names.reading, duration(stats.prefillMs)],
    [names.writing, duration(stats.decodeMs)],
    [names.speed, stats.tokensPerSecond > 0 ? speedWords(speed(stats.tokensPerSecond)) : '–'],
    [names.stop, ends[stats.stopReason]],
    ...(stats.droppedMessages > 0 ? [[names.dropped, count(stats.droppedMessages)] as [string, string]] : []),
    ...(stats.recoveries > 0 ? [[names.recoveries, count(stats.recoveries)] as [string, string]] : []),
    ...about,
  ]
}
