/** A component whose code comes behind the page's own. Once it is there it stays. */
import { signal } from '@preact/signals'
import type { FunctionComponent } from 'preact'

export class Late<Props> {
  readonly component = signal<FunctionComponent<Props> | null>(null)
  /** Whether it did not come: without a network, or from a server that has another version by now. */
  readonly isMissing = signal(false)
  readonly #load: () => Promise<FunctionComponent<Props>>
  #isAsked = false

  constructor(load: () => Promise<FunctionComponent<Props>>) {
    this.#load = load
  }

  ask(): void {
    if (this.#isAsked) return
    this.#isAsked = true
    this.#load().then(
      component => {
        this.component.value = component
      },
      () => {
        this.isMissing.value = true
      },
    )
  }
}
