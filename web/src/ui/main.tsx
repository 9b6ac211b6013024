/** Start of the page: settings, the kept conversation, then the model; the page is usable before the model is. */
import { render } from 'preact'
import { createEngine } from '../engine/client.ts'
import { Conversation } from '../state/chat.ts'
import { openIndexedStore } from '../state/chats/indexed-store.ts'
import { Library } from '../state/chats/library.ts'
import { keepControls } from '../state/controls.ts'
import { engine, Loader } from '../state/engine.ts'
import { keepOptions } from '../state/kept.ts'
import { startOffline } from '../state/offline.ts'
import { keepPresets } from '../state/presets.ts'
import { keepRequests } from '../state/requests.ts'
import { keepSettings } from '../state/settings.ts'
import { App } from './shell/app.tsx'
import './tokens.css'
import './style.css'

const root = document.getElementById('app')
if (!root) throw new Error('index.html has no #app.')
await keepSettings()
keepControls()
keepPresets()
keepRequests()
const loader = new Loader(options => createEngine({ ...keepOptions(options.bundle), ...options }))
const conversation = new Conversation(() => engine.value, new Library(openIndexedStore))
conversation.keep()
render(<App conversation={conversation} loader={loader} />, root)
void loader.start()
void startOffline(import.meta.url)
