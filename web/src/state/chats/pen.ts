/** Collects text and shows it once a frame: tokens may come faster than a screen can show them. */
export class Pen {
  readonly #show: (text: string) => void
  #text: string
  #frame = 0

  constructor(begun: string, show: (text: string) => void) {
    this.#text = begun
    this.#show = show
  }

  get text(): string {
    return this.#text
  }

  write(text: string): void {
    this.#text += text
    if (!text || this.#frame) return
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0
      this.#show(this.#text)
    })
  }

  /** Shows what was written since the last frame: in a hidden page there are none. */
  flush(): void {
    if (!this.#frame) return
    this.#cancel()
    this.#show(this.#text)
  }

  /** All that was written; nothing is shown by itself after this. */
  end(): string {
    this.#cancel()
    return this.#text
  }

  #cancel(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
  }
}
