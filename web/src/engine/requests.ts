/** Which requests a worker made, told to the page: a page's own list of requests has none of its workers'. */

/** One request as the browser timed it. */
export interface RequestNote {
  url: string
  /** Bytes that came over the network, headers included; 0 where the answer was in this browser. */
  networkBytes: number
  /** Bytes of the answer. */
  bytes: number
  /** Milliseconds since 1970. */
  at: number
  from: 'page' | 'worker'
}

/** Calls `report` with every request of this page or worker, those before the call too. */
export function watchRequests(from: RequestNote['from'], report: (notes: RequestNote[]) => void): void {
  const observer = new PerformanceObserver(list => {
    const notes = list.getEntries().flatMap(entry => (isResource(entry) ? [noteOf(entry, from)] : []))
    if (notes.length > 0) report(notes)
  })
  observer.observe({ type: 'resource', buffered: true })
}

const listeners = new Set<(notes: readonly RequestNote[]) => void>()

/** Hears of the requests that engines' workers make. */
export function onWorkerRequests(listener: (notes: readonly RequestNote[]) => void): void {
  listeners.add(listener)
}

export function tellRequests(notes: readonly RequestNote[]): void {
  for (const listener of listeners) listener(notes)
}

function isResource(entry: PerformanceEntry): entry is PerformanceResourceTiming {
  return entry instanceof PerformanceResourceTiming && /^https?:/.test(entry.name)
}

function noteOf(entry: PerformanceResourceTiming, from: RequestNote['from']): RequestNote {
  const { name, transferSize, decodedBodySize, startTime } = entry
  return {
    url: name,
    networkBytes: transferSize,
    bytes: decodedBodySize,
    at: performance.timeOrigin + startTime,
    from,
  }
}
