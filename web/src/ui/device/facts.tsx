/** The facts one by one, as a table that can be read out to somebody who helps. */
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Inspection } from '../../engine/inspect.ts'
import { keepStorage, limits, storageFacts } from '../../state/device.ts'
import { engine, runsOn } from '../../state/engine.ts'
import { text } from '../../text/index.ts'
import { bytes, decimal } from '../parts/format.ts'

/** Limits that are numbers of threads; the others are bytes. */
const COUNTS: ReadonlySet<string> = new Set(['maxComputeInvocationsPerWorkgroup'])

export function Facts({ facts }: { facts: Inspection }) {
  const words = text.value.device
  const { gpu, simd, relaxedSimd, isolated, threads, cores, jspi } = facts
  const yes = (is: boolean) => (is ? words.yes : words.no)
  const most = limits.value
  const info = engine.value?.info
  return (
    <section class="panel" aria-labelledby="device-detail">
      <h3 id="device-detail">{words.detail}</h3>
      <table class="device-facts">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">{words.fact}</th>
            <th scope="col">{words.value}</th>
          </tr>
        </thead>
        <tbody>
          {info ? <Fact name={words.running}>{`${info.bundle.name} · ${runsOn(info)} · ${info.backend}`}</Fact> : null}
          <Fact name={words.adapter}>
            {gpu ? [gpu.name, gpu.isSoftware && words.emulated].filter(Boolean).join(', ') : words.none}
          </Fact>
          {gpu ? <Fact name={words.floats}>{yes(gpu.hasF16)}</Fact> : null}
          {Object.entries(gpu?.limits ?? {}).map(([name, limit]) => (
            <Fact key={name} name={limitName(name)}>
              {COUNTS.has(name) ? String(limit) : bytes(limit)}
            </Fact>
          ))}
          <Fact name={words.threads}>{words.threadsOf(threads, cores)}</Fact>
          <Fact name={words.isolation}>{yes(isolated)}</Fact>
          <Fact name={words.simd}>{simd && relaxedSimd ? words.simdRelaxed : yes(simd)}</Fact>
          <Fact name={words.jspi}>{yes(jspi)}</Fact>
          {most ? <Fact name={words.memorySpeed}>{perSecond(most.readBytesPerSecond)}</Fact> : null}
          {most ? <Fact name={words.products}>{products(most.productsPerSecond)}</Fact> : null}
          <StorageRows />
        </tbody>
      </table>
    </section>
  )
}

function limitName(name: string): string {
  const names: Record<string, string> = text.value.device.limit
  return names[name] ?? name
}

export function perSecond(count: number): string {
  return `${decimal(count / 1e9, 1)} GB/s`
}

/** 10^9 multiply-adds a second. */
export function products(count: number): string {
  return `${decimal(count / 1e9, 1)} GMAC/s`
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  )
}

function StorageRows() {
  const words = text.value.device
  const refused = useSignal(false)
  const facts = storageFacts.value
  if (!facts) return null
  const { usageBytes, quotaBytes, isPersistent } = facts
  const keep = async () => {
    refused.value = !(await keepStorage())
  }
  return (
    <>
      <Fact name={words.storage}>
        {usageBytes === null || quotaBytes === null
          ? words.unknown
          : words.storageOf(bytes(usageBytes), bytes(quotaBytes))}
      </Fact>
      <Fact name={words.persistence}>
        {isPersistent ? (
          words.yes
        ) : (
          <span class="device-keep">
            {words.no}
            <button type="button" class="secondary" onClick={keep}>
              {words.keep}
            </button>
            {refused.value ? <span role="status">{words.keepRefused}</span> : null}
          </span>
        )}
      </Fact>
    </>
  )
}
