/** The list of requests, and a test that an answer asks for nothing. */
import { type Signal, useSignal } from '@preact/signals'
import { announcement } from '../../state/announce.ts'
import { engine } from '../../state/engine.ts'
import { inWords } from '../../state/in-words.ts'
import { type Proof, proveSilence, type Requested, requests } from '../../state/requests.ts'
import { language, text } from '../../text/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { bytes } from '../parts/format.ts'
import { Table } from '../parts/table.tsx'

export function Requests({ open }: { open: Signal<boolean> }) {
  const words = text.value.models
  return (
    <Dialog open={open} title={words.requestsTitle} closeLabel={words.closeRequests}>
      <p class="small">{words.requestsLead}</p>
      <Prove />
      {open.value ? <List /> : null}
    </Dialog>
  )
}

function Prove() {
  const words = text.value.models
  const running = useSignal(false)
  const proof = useSignal<Proof | null>(null)
  const failed = useSignal('')
  const current = engine.value
  const test = async () => {
    if (!current) return
    running.value = true
    proof.value = null
    failed.value = ''
    try {
      proof.value = await proveSilence(current)
      announcement.value = sentenceOf(proof.value)
    } catch (error) {
      failed.value = inWords(error)
    } finally {
      running.value = false
    }
  }
  return (
    <div class="prove">
      <button type="button" class="primary" disabled={!current || running.value} onClick={() => void test()}>
        {running.value ? words.proving : words.prove}
      </button>
      {current ? null : <p class="small">{words.needsModel}</p>}
      {failed.value ? (
        <p class="small bad" role="alert">
          {failed.value}
        </p>
      ) : null}
      {proof.value ? <Result proof={proof.value} /> : null}
    </div>
  )
}

function sentenceOf({ urls, tokens }: Proof): string {
  const words = text.value.models
  return urls.length === 0 ? words.proved(tokens) : words.disproved(urls.length)
}

function Result({ proof }: { proof: Proof }) {
  const words = text.value.models
  return (
    <div class={proof.urls.length === 0 ? 'note' : 'note bad'}>
      <p>
        <strong>{sentenceOf(proof)}</strong>
      </p>
      {proof.urls.length > 0 ? (
        <ul>
          {proof.urls.map(url => (
            <li key={url}>{url}</li>
          ))}
        </ul>
      ) : null}
      <p class="small">{proof.witnessed ? words.witnessed : words.unwitnessed}</p>
    </div>
  )
}

function List() {
  const words = text.value.models
  const newest = [...requests.value].reverse()
  if (newest.length === 0) return <p>{words.requestsNone}</p>
  return (
    <Table name={words.requestsTitle} columns={[words.time, words.address, words.bytes, words.why]}>
      {newest.map((request, index) => (
        <Row key={newest.length - index} request={request} />
      ))}
    </Table>
  )
}

function Row({ request: { url, at, networkBytes, isLocal, why, from } }: { request: Requested }) {
  const words = text.value.models
  const { origin, pathname, search } = new URL(url)
  return (
    <tr>
      <td class="time">{new Date(at).toLocaleTimeString(language.value)}</td>
      <td class="address">{origin === location.origin ? pathname + search : url}</td>
      <td>{isLocal ? words.local : bytes(networkBytes)}</td>
      <td>
        {words.whys[why]}
        {from === 'worker' ? ` (${words.worker})` : ''}
      </td>
    </tr>
  )
}
