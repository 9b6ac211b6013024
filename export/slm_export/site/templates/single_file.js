// Runs a site out of one HTML file: every file of the site lies in this page as gzip and base64, and modules, workers, requests
// and pictures that ask for one get it from here. What Chromium allows a page from disk decides how: a worker must be a classic
// script, has an origin of its own, and so can load no blob but its own; what it needs is posted to it.
(() => {
  /** Runs in the page, and as text in every worker. `blobs`: path → Blob. Gives a function that imports a file. */
  const install = ({ base, made, blobs }) => {
    // Modules have a made-up origin: ONNX Runtime takes a module with a file: address for one of Node's.
    const bases = [base, made]
    /** The embedded file; undefined where the site has no such file, null for an address elsewhere. */
    const known = url => {
      const { href } = new URL(url, base)
      const start = bases.find(one => href.startsWith(one))
      return start ? blobs[pathOf(href, start)] : null
    }
    const pathOf = (href, start) => decodeURIComponent(href.slice(start.length).split(/[?#]/)[0])

    const linked = {}
    /** A module's address, once the addresses of what it imports are written into it. */
    const link = async path => {
      let text = await blobs[path].text()
      for (const [whole, before, , name] of text.matchAll(/((?:\bfrom|\bimport)\s*)(["'`])(\.{1,2}\/[^"'`]+)\2/g)) {
        const address = await linkOnce(pathOf(new URL(name, bases[1] + path).href, bases[1]))
        text = text.replace(whole, () => before + JSON.stringify(address))
      }
      const me = JSON.stringify(bases[1] + path)
      text = text
        .replace(/(?<![.\w$])import\s*\(/g, () => `__slm_import(${me})(`)
        .replace(/\bimport\.meta\.url\b/g, () => me)
        .replace(/__vite__mapDeps\(\[[\d,]*\]\)/g, '[]') // nothing to load ahead
      return URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
    }
    const linkOnce = path => (linked[path] ??= link(path))
    const importFile = async path => import(await linkOnce(path))
    globalThis.__slm_import = importer => url => {
      const { href } = new URL(url, importer)
      return known(href) ? importFile(pathOf(href, bases[1])) : import(url)
    }

    const realFetch = globalThis.fetch
    globalThis.fetch = async (input, init) => {
      const url = input instanceof Request ? input.url : String(input)
      const blob = /^(?:blob|data):/.test(url) ? null : known(url)
      if (blob === null) return realFetch(input, init)
      init?.signal?.throwIfAborted()
      if (!blob) return new Response('Not found', { status: 404 })
      const headers = new Headers({ 'Content-Type': blob.type, 'Content-Length': `${blob.size}` })
      const range = /^bytes=(\d+)-(\d*)$/.exec(new Headers(init?.headers).get('Range') ?? '')
      if (!range) return new Response(blob, { headers })
      const [start, end] = [Number(range[1]), Math.min(range[2] ? Number(range[2]) + 1 : blob.size, blob.size)]
      headers.set('Content-Range', `bytes ${start}-${end - 1}/${blob.size}`)
      headers.set('Content-Length', `${end - start}`)
      return new Response(blob.slice(start, end, blob.type), { status: 206, headers })
    }

    globalThis.Worker = class extends Worker {
      constructor(url, options) {
        const text = `const install = ${install}\n;(${inWorker})()`
        super(URL.createObjectURL(new Blob([text], { type: 'text/javascript' })), { ...options, type: 'classic' })
        this.postMessage({ base, made, blobs, path: pathOf(new URL(url, base).href, bases[1]) })
      }
    }
    const inWorker = () => {
      const early = []
      let isRunning = false
      // The first message is ours; those that come before the module listens wait for it.
      addEventListener('message', async event => {
        if (isRunning) return
        event.stopImmediatePropagation()
        if (early.push(event) > 1) return
        await install(event.data)(event.data.path)
        isRunning = true
        for (const { data, ports } of early.slice(1)) dispatchEvent(new MessageEvent('message', { data, ports: [...ports] }))
      })
    }

    if (globalThis.HTMLImageElement) {
      const { get, set } = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, 'src')
      const shown = url => (known(url) ? URL.createObjectURL(known(url)) : url)
      const src = { get, set: function (url) { set.call(this, shown(url)) }, configurable: true }
      Object.defineProperty(HTMLImageElement.prototype, 'src', src)
    }
    return importFile
  }

  const unpack = async element => {
    const packed = await fetch(`data:;base64,${element.textContent}`)
    element.remove()
    const stream = packed.body.pipeThrough(new DecompressionStream('gzip'))
    return new Blob([await new Response(stream).arrayBuffer()], { type: element.dataset.type })
  }

  const start = async first => {
    const elements = [...document.querySelectorAll('script[data-path]')]
    const files = await Promise.all(elements.map(async element => [element.dataset.path, await unpack(element)]))
    const blobs = Object.fromEntries(files)
    // The page names what it keeps by the path of its code (engine/names.ts): each file keeps its own.
    const made = new URL(`.${location.pathname}/`, 'https://site.invalid/').href
    await install({ base: new URL('./', location.href).href, made, blobs })(first)
  }
  start(document.currentScript.dataset.start)
})()
