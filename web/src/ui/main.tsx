/** Start of the page: settings, the kept conversation, then the model; the page is usable before the model is. */
import { render } from 'preact'
import { createEngine } from '../engine/client.ts'
import { keepAccent } from '../state/accent.ts'
import { Conversation } from '../state/chat.ts'
import { openIndexedStore } from '../state/chats/indexed-store.ts'
import { Library } from '../state/chats/library.ts'
import { keepControls } from '../state/controls.ts'
import { engine, Loader } from '../state/engine.ts'
import { keepOptions } from '../state/kept.ts'
import { reloadIsolated, startOffline } from '../state/offline.ts'
import { keepPresets, offerPresets } from '../state/presets.ts'
import { keepRequests } from '../state/requests.ts'
import { go, route } from '../state/route.ts'
import { keepSettings } from '../state/settings.ts'
import { followTabs } from '../state/shared.ts'
import { isSite, loadSite, site } from '../state/site.ts'
import { App } from './shell/app.tsx'
import './tokens.css'
import './style.css'

const root = document.getElementById('app')
if (!root) throw new Error('index.html has no #app.')
/** Evaluating the modules is a task, finding the chat that the address names another, and drawing the page a third. */
const turn = () => new Promise(resolve => setTimeout(resolve))
await Promise.all([keepSettings(), loadSite(), turn()])
keepAccent()
keepControls()
keepPresets()
if (site.value) {
  offerPresets(site.value.presets)
  const [first] = site.value.pages
  if (first && location.hash === '') go(first, '', { replace: true })
}
keepRequests()
const loader = new Loader(options => createEngine({ ...keepOptions(options.bundle), ...options }))
const conversation = new Conversation(() => engine.value, new Library(openIndexedStore))
conversation.keep()
await turn()
render(<App conversation={conversation} loader={loader} />, root)
await turn()
followTabs()
// A site has no server of ours. Where it does not come for another reason, what is here stays here.
if (!isSite) void import('../state/sync/sync.ts').then(({ keepInSync }) => keepInSync()).catch(() => {})
const offline = startOffline(import.meta.url)
if (site.value) await offline // its service worker may have to load the page once more
if (!(await reloadIsolated())) {
  void loader.start()
  if (site.value?.perTask.write) route.subscribe(() => void loader.follow())
}
