/** Settings that other tabs, and by way of the server other shells, share: how each of them gives and takes its part. */

export interface SharedArea {
  name: string
  /** In localStorage. */
  key: string
  /** Field → value, where it is not as it is without a choice. */
  read: () => Readonly<Record<string, unknown>>
  /** Takes all fields over; what is impossible in them is left as it is without a choice. */
  write: (values: Readonly<Record<string, unknown>>) => void
  /** Another tab of this browser has changed them. */
  reload: () => void
}

const areas: SharedArea[] = []

/** An area that follows what other tabs of this browser change, from `followTabs` on. */
export function sharedArea(area: SharedArea): SharedArea {
  areas.push(area)
  return area
}

export function followTabs(): void {
  addEventListener('storage', (event: StorageEvent) => areas.find(({ key }) => key === event.key)?.reload())
}

/** Those of the named fields that differ from their default. */
export function chosen<T extends object>(
  values: T,
  defaults: Readonly<Record<keyof T, unknown>>,
  names: readonly string[],
): Record<string, unknown> {
  const entries = Object.entries(values).filter(([name]) => names.includes(name))
  const usual: Readonly<Record<string, unknown>> = defaults
  return Object.fromEntries(entries.filter(([name, value]) => JSON.stringify(value) !== JSON.stringify(usual[name])))
}
