/**
 * `<slm-chat bundle="models/smollm2-135m-instruct/">`: a conversation with a model in anybody's page. Attributes: `bundle`,
 * `heading`, `placeholder`, `system`, `device`, `max-tokens`, `temperature`, `autostart`. Events bubble and leave the shadow
 * root: `slm-progress`, `slm-ready`, `slm-answer`, `slm-error`. Nothing is downloaded before somebody starts it.
 */
import type { ChatMessage, Engine, EngineOptions, LoadProgress } from '../engine/api.ts'
import { createEngine, EngineError } from '../slm.ts'
import { embed as german } from '../text/de/embed.ts'
import { type EmbedWords, embed as english } from '../text/en/embed.ts'
import { addMessage, buildView, type View } from './view.ts'

type Status = 'idle' | 'loading' | 'ready' | 'answering' | 'failed'

export class SlmChatElement extends HTMLElement {
  static readonly observedAttributes = ['bundle', 'heading', 'placeholder', 'lang']

  readonly #view: View
  #status: Status = 'idle'
  #engine: Engine | null = null
  #messages: ChatMessage[] = []
  #work = new AbortController()
  #words: EmbedWords = english
  #language = 'en'

  constructor() {
    super()
    this.#view = buildView(this.attachShadow({ mode: 'open', delegatesFocus: true }))
    const { form, box, stop, clear, start } = this.#view
    form.addEventListener('submit', event => {
      event.preventDefault()
      void this.send(box.value)
    })
    box.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault()
        form.requestSubmit()
      } else if (event.key === 'Escape') this.stop()
    })
    stop.addEventListener('click', () => this.stop())
    clear.addEventListener('click', () => this.clear())
    start.addEventListener('click', () => {
      void this.start()
      box.focus()
    })
  }

  connectedCallback(): void {
    this.#speak()
    this.#show('idle')
    if (this.hasAttribute('autostart')) void this.start()
    else void this.#tellSize()
  }

  /** Gives the memory back; moved elsewhere in the page it starts anew. */
  disconnectedCallback(): void {
    this.#work.abort()
    void this.#engine?.dispose()
    this.#engine = null
    this.#status = 'idle'
  }

  attributeChangedCallback(name: string, before: string | null): void {
    if (!this.isConnected) return
    if (name === 'bundle' && before !== null) {
      this.disconnectedCallback()
      this.clear()
      this.connectedCallback()
    } else this.#speak()
  }

  /** The running engine, for whatever else the page wants of it; null before it is ready. */
  get engine(): Engine | null {
    return this.#engine
  }

  /** Loads the model. Resolves when it is ready, or when an `slm-error` has said why it is not. */
  async start(): Promise<void> {
    if (this.#status !== 'idle' && this.#status !== 'failed') return
    const bundle = this.getAttribute('bundle')
    if (!bundle) return this.#fail(new EngineError('bad-request', this.#words.noBundle))
    const work = new AbortController()
    this.#work = work
    this.#show('loading')
    try {
      const engine = await createEngine({
        bundle,
        ...this.#device(),
        signal: work.signal,
        onProgress: p => this.#load(p),
      })
      if (work.signal.aborted) return void engine.dispose()
      this.#engine = engine
      this.#show('ready', this.#words.ready)
      this.#tell('slm-ready', engine.info)
      if (this.#messages.at(-1)?.role === 'user') await this.#answer(engine) // sent before it was ready
    } catch (error) {
      if (!work.signal.aborted) this.#fail(error)
    }
  }

  /** Sends a message, and starts the model for it where it does not run; `slm-answer` tells what came. */
  async send(words: string): Promise<void> {
    const content = words.trim()
    const { box } = this.#view
    if (content === '' || this.#messages.at(-1)?.role === 'user') return // one at a time
    box.value = ''
    addMessage(this.#view, 'user', this.#words.you).data = content
    this.#messages.push({ role: 'user', content })
    await (this.#engine ? this.#answer(this.#engine) : this.start())
  }

  /** Stops the answer that is being written; what there is of it stays. */
  stop(): void {
    if (this.#status === 'answering') this.#work.abort()
  }

  /** Forgets the conversation. */
  clear(): void {
    this.stop()
    this.#messages = []
    this.#view.list.replaceChildren()
  }

  async #answer(engine: Engine): Promise<void> {
    const { log } = this.#view
    const messages = this.#messages
    const work = new AbortController()
    this.#work = work
    const place = addMessage(this.#view, 'assistant', this.#words.model)
    this.#show('answering', this.#words.answering)
    try {
      const request = { ...this.#request(messages), stream: true as const, signal: work.signal }
      for await (const { choices } of engine.chat.completions.create(request)) {
        const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 32
        place.appendData(choices[0]?.delta.content ?? '')
        if (atEnd) log.scrollTop = log.scrollHeight
      }
    } catch (error) {
      if (!work.signal.aborted) return this.#fail(error)
    }
    if (this.#engine !== engine) return // taken out of the page meanwhile
    const question = messages.at(-1)?.content ?? ''
    messages.push({ role: 'assistant', content: place.data })
    this.#show('ready', work.signal.aborted ? this.#words.stopped : place.data)
    this.#tell('slm-answer', { question, answer: place.data, stopped: work.signal.aborted, stats: engine.stats() })
  }

  #request(messages: readonly ChatMessage[]) {
    const system = this.getAttribute('system')
    const all = system ? [{ role: 'system' as const, content: system }, ...messages] : [...messages]
    const [temperature, longest] = [this.#number('temperature'), this.#number('max-tokens')]
    return {
      messages: all,
      context_policy: 'drop-oldest' as const,
      ...(temperature === null ? {} : { temperature }),
      ...(longest === null ? {} : { max_tokens: longest }),
    }
  }

  #number(name: string): number | null {
    const value = this.getAttribute(name)
    return value === null || value.trim() === '' || Number.isNaN(Number(value)) ? null : Number(value)
  }

  #device(): Pick<EngineOptions, 'device'> {
    const device = this.getAttribute('device')
    return device === 'cpu' || device === 'webgpu' ? { device } : {}
  }

  #load(progress: LoadProgress): void {
    const { progress: bar, note } = this.#view
    const { phase, loadedBytes, totalBytes } = progress
    if (phase === 'download' && totalBytes > 0) {
      bar.max = totalBytes
      bar.value = loadedBytes
      note.textContent = this.#words.amount(this.#size(loadedBytes), this.#size(totalBytes))
    } else {
      bar.removeAttribute('value')
      note.textContent = ''
    }
    this.#tell('slm-progress', progress)
  }

  /** The most that starting could download, read from the manifest; where that does not come, starting says why. */
  async #tellSize(): Promise<void> {
    const folder = this.getAttribute('bundle')
    if (!folder) return
    const url = new URL('manifest.json', new URL(folder.replace(/\/?$/, '/'), document.baseURI))
    const manifest: unknown = await fetch(url).then(
      response => response.json(),
      () => null,
    )
    const sizes = sizesOf(manifest)
    if (sizes.length > 0 && this.#status === 'idle')
      this.#view.start.textContent = this.#words.startWith(this.#size(Math.max(...sizes)))
  }

  #size(bytes: number): string {
    const options = { style: 'unit', unit: 'megabyte', maximumFractionDigits: bytes < 10e6 ? 1 : 0 } as const
    return new Intl.NumberFormat(this.#language, options).format(bytes / 1e6)
  }

  /** The language of the element's place in the page: `lang` of the nearest element that has one. */
  #speak(): void {
    const tag = this.closest('[lang]')?.getAttribute('lang') ?? navigator.language
    this.#language = tag.toLowerCase().startsWith('de') ? 'de' : 'en'
    this.#words = this.#language === 'de' ? german : english
    const { heading, clear, log, about, progress, start, box, send, stop } = this.#view
    heading.textContent = this.getAttribute('heading') || this.#words.heading
    about.textContent = this.#words.private
    box.placeholder = this.getAttribute('placeholder') || this.#words.placeholder
    box.setAttribute('aria-label', this.#words.message)
    log.setAttribute('aria-label', this.#words.conversation)
    progress.setAttribute('aria-label', this.#words.loading)
    clear.textContent = this.#words.clear
    send.textContent = this.#words.send
    stop.textContent = this.#words.stop
    start.textContent = this.#words.start
    this.#view.log.parentElement?.setAttribute('lang', this.#language)
  }

  /** @param said for screen readers */
  #show(status: Status, said = ''): void {
    this.#status = status
    const { panel, progress, note, start, send, stop, clear, status: line } = this.#view
    panel.hidden = status === 'ready' || status === 'answering'
    progress.hidden = status !== 'loading'
    start.hidden = status === 'loading'
    if (status !== 'failed') {
      note.textContent = ''
      note.classList.remove('bad')
    }
    send.hidden = status === 'answering'
    stop.hidden = status !== 'answering'
    clear.hidden = status !== 'ready'
    line.textContent = status === 'loading' ? this.#words.loading : said
  }

  #fail(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error)
    const code = error instanceof EngineError ? error.code : 'internal'
    void this.#engine?.dispose()
    this.#engine = null
    this.#show('failed', message)
    this.#view.note.textContent = message
    this.#view.note.classList.add('bad')
    this.#view.start.textContent = this.#words.retry
    this.#tell('slm-error', { code, message })
  }

  #tell(name: string, detail: unknown): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }
}

function sizesOf(manifest: unknown): number[] {
  const { variants } = Object(manifest)
  if (!Array.isArray(variants)) return []
  return variants.map(variant => {
    const { files } = Object(variant)
    return Array.isArray(files)
      ? files.reduce((sum: number, file) => sum + (Number(Object(file).size_bytes) || 0), 0)
      : 0
  })
}
