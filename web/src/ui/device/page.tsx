/** What this device can do for models: in plain words, in detail, and measured. */
import { useSignalEffect } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { isBusy } from '../../state/chat.ts'
import { look, lookAtDevice, lookAtLimits, lookAtStorage } from '../../state/device.ts'
import { engine } from '../../state/engine.ts'
import { speedState, stopSpeed } from '../../state/speed.ts'
import { text } from '../../text/index.ts'
import { Icon } from '../parts/icons.tsx'
import { Benchmark } from './benchmark.tsx'
import { Facts } from './facts.tsx'
import { History } from './history.tsx'
import { Meaning } from './meaning.tsx'
import '../css/device.css'

export function DevicePage() {
  const words = text.value.device
  useEffect(() => {
    void lookAtDevice()
    return stopSpeed
  }, [])
  useLimits()
  useSignalEffect(() => {
    if (engine.value) void lookAtStorage() // a model that was loaded has been stored
  })
  return (
    <div class="page">
      <div class="page-inner device">
        <div>
          <h2>{words.title}</h2>
          <p class="small">{words.lead}</p>
        </div>
        <Look />
        <Benchmark />
        <History />
      </div>
    </div>
  )
}

/** Measured while nothing else computes: it takes every core for a moment. */
function useLimits(): void {
  useSignalEffect(() => {
    const info = engine.value?.info
    if (!info?.work || isBusy.value || speedState.peek().status === 'running') return
    const stop = new AbortController()
    void lookAtLimits(info.threads, stop.signal)
    return () => stop.abort()
  })
}

function Look() {
  const words = text.value.device
  const state = look.value
  if (state.status === 'looking') {
    return (
      <p class="small" role="status">
        {words.looking}
      </p>
    )
  }
  if (state.status === 'seen') {
    return (
      <>
        <Meaning facts={state.facts} />
        <Facts facts={state.facts} />
      </>
    )
  }
  return (
    <section class="panel" role="alert">
      <h3 class="bad-title">
        <Icon name="alert" />
        {words.failed}
      </h3>
      <p>{state.message}</p>
      <button type="button" class="primary" onClick={() => lookAtDevice()}>
        {words.again}
      </button>
    </section>
  )
}
