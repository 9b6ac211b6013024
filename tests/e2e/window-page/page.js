// Reports what happens to the page: the tests wait for these reports.
const at = id => document.getElementById(id)
const report = (event, more = {}) => fetch('/report', { method: 'POST', body: JSON.stringify({ event, ...more }) })

addEventListener('error', ({ message }) => report('error', { message }))
addEventListener('unhandledrejection', ({ reason }) => report('error', { message: String(reason) }))
addEventListener('mousemove', ({ clientX: x, clientY: y }) => report('mouse', { x, y }))
addEventListener('resize', () => report('zoom', { width: innerWidth }))
addEventListener('hashchange', () => report('turned', { hash: location.hash }))
addEventListener('contextmenu', () => report('menu'))

at('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText('copied by the page')
  report('copied')
})
at('save').href = URL.createObjectURL(new Blob(['saved by the page'], { type: 'text/plain' }))
at('open').addEventListener('change', async ({ target }) => {
  const [file] = target.files
  report('opened', { name: file.name, text: await file.text() })
})
at('text').addEventListener('input', ({ target }) => report('typed', { text: target.value }))
at('drop').addEventListener('dragover', event => event.preventDefault())
at('drop').addEventListener('drop', async event => {
  event.preventDefault()
  const [file] = event.dataTransfer.files
  report('dropped', { name: file?.name ?? null, text: file ? await file.text() : null })
})

const visits = Number(localStorage.getItem('visits') ?? 0) + 1
localStorage.setItem('visits', String(visits))
const middle = id => {
  const box = at(id).getBoundingClientRect()
  return { x: Math.round(box.x + box.width / 2), y: Math.round(box.y + box.height / 2) }
}
const places = Object.fromEntries(['copy', 'save', 'open', 'outside', 'text', 'drop'].map(id => [id, middle(id)]))
report('ready', {
  visits,
  places,
  isolated: crossOriginIsolated,
  shared: typeof SharedArrayBuffer === 'function',
  width: innerWidth,
  system: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
})
