/** One model: what it is, its variants with the verdict for this device, and what can be done with it. */
import { useComputed } from '@preact/signals'
import { choiceOf, deviceFacts, fitOf, memoryOf } from '../../state/fit.ts'
import { type ModelSummary, modelList, type VariantSummary } from '../../state/models.ts'
import { settings } from '../../state/settings.ts'
import { language, text } from '../../text/index.ts'
import { bytes, parameters } from '../parts/format.ts'
import { Table } from '../parts/table.tsx'
import { Actions } from './actions.tsx'

export function Card({ model, isOffline }: { model: ModelSummary; isOffline: boolean }) {
  const heading = `model-${model.id}`
  return (
    <li class="panel model-card" aria-labelledby={heading}>
      <h3 id={heading}>{model.name}</h3>
      {model.description ? <p>{model.description}</p> : null}
      <Facts model={model} isOffline={isOffline} />
      <Taken model={model} />
      <Variants model={model} />
      <Actions model={model} isOffline={isOffline} />
    </li>
  )
}

function Facts({ model, isOffline }: { model: ModelSummary; isOffline: boolean }) {
  const { facts, tasks } = text.value.models
  const { licence, licence_file: file, context_length: context, size_bytes: size } = model
  return (
    <ul class="facts">
      {model.parameters > 0 ? <li>{facts.parameters(parameters(model.parameters))}</li> : null}
      {model.family ? <li>{model.family}</li> : null}
      {model.tasks?.length ? <li>{model.tasks.map(task => tasks[task] ?? task).join(', ')}</li> : null}
      {context ? <li>{facts.context(context.toLocaleString(language.value))}</li> : null}
      {size ? <li>{facts.onDisk(bytes(size))}</li> : null}
      <li>
        {file && !isOffline ? (
          <a href={`.${model.url}${file}`} target="_blank" rel="noreferrer" title={facts.licenceFile(licence)}>
            {facts.licence(licence)}
          </a>
        ) : (
          facts.licence(licence)
        )}
      </li>
      {model.kind === 'onnx-repository' ? <li>{facts.foreign}</li> : null}
    </ul>
  )
}

/** Which variant this browser takes by itself, and why not a better one. */
function Taken({ model }: { model: ModelSummary }) {
  const words = text.value.models
  const facts = deviceFacts.value
  if (!facts) return null
  const wish = settings.value.device
  const choice = choiceOf(model.variants, facts, wish)
  if (!choice) return <p class="small bad">{words.takesNone}</p>
  const better = model.variants.find(({ device }) => device === 'webgpu')
  const [why] = better && choice.device === 'cpu' ? fitOf(better, facts, null).reasons : []
  const rest =
    wish !== 'auto'
      ? words.takesWish
      : better && why
        ? words.takesWhy(better.name, words.reasons[why])
        : words.takesBest
  return (
    <p class="small">
      <strong>{words.takes(choice.name)}</strong>
      {rest}
    </p>
  )
}

function Variants({ model }: { model: ModelSummary }) {
  const words = text.value.models
  const columns = [words.variant, words.verdict, words.download, words.memory, words.fidelity]
  return (
    <Table name={`${model.name}: ${words.variant}`} columns={columns}>
      {model.variants.map(variant => (
        <Row key={variant.name} variant={variant} />
      ))}
    </Table>
  )
}

function Row({ variant }: { variant: VariantSummary }) {
  const words = text.value.models
  const { name, download_bytes: size, fidelity } = variant
  const memory = memoryOf(variant)
  const isMeasured = fidelity && fidelity.tokens_compared > 0
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>
        <Verdict variant={variant} />
      </td>
      <td class="figure" data-column={words.download}>
        {bytes(size)}
      </td>
      <td class="figure" data-column={words.memory}>
        {memory ? bytes(memory) : words.unknown}
      </td>
      <td>{isMeasured ? words.same(fidelity.top1_agreement, fidelity.perplexity_ratio) : words.unmeasured}</td>
    </tr>
  )
}

/** "fits", "tight" or "no", and why. Without `needs` the files are there already. */
export function Verdict({ variant, needs = null }: { variant: Parameters<typeof fitOf>[0]; needs?: number | null }) {
  const words = text.value.models
  const fit = useComputed(() => {
    const facts = deviceFacts.value
    const free = modelList.value?.disk?.free_bytes ?? null
    return facts && fitOf(variant, facts, needs !== null && free !== null ? { needs, free } : null)
  }).value
  if (!fit) return null
  return (
    <span>
      <span class={`verdict ${fit.verdict}`}>{words.verdicts[fit.verdict]}</span>
      {fit.reasons.length > 0 ? (
        <span class="small"> {fit.reasons.map(reason => words.reasons[reason]).join('; ')}</span>
      ) : null}
    </span>
  )
}
