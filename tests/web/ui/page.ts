/** The real page over a scripted engine, in a fresh document each time. */
import { h, render } from 'preact'
import { announcement, undo } from '../../../web/src/state/announce.ts'
import { Conversation } from '../../../web/src/state/chat.ts'
import { currentId, openChats } from '../../../web/src/state/chats/desk.ts'
import { Library, type OpenStore } from '../../../web/src/state/chats/library.ts'
import { MemoryStore } from '../../../web/src/state/chats/memory-store.ts'
import { settingsOpen } from '../../../web/src/state/controls.ts'
import { engine, Loader, loadState, type MakeEngine } from '../../../web/src/state/engine.ts'
import { modelList } from '../../../web/src/state/models.ts'
import { route } from '../../../web/src/state/route.ts'
import { DEFAULTS, settings } from '../../../web/src/state/settings.ts'
import { App } from '../../../web/src/ui/shell/app.tsx'
import '../../../web/src/ui/tokens.css'
import '../../../web/src/ui/style.css'

export const MODEL = {
  id: 'fake',
  url: '/models/fake/',
  name: 'Fake model',
  description: '',
  architecture: 'decoder' as const,
  licence: 'Apache-2.0',
  parameters: 135_000_000,
  variants: [],
}

let unmount = () => {}

/** Shows the page; `load` starts the engine as a visit would. Chats go where `openStore` says: nowhere without it. */
export function openPage(
  make: MakeEngine,
  openStore: OpenStore = async () => new MemoryStore(),
): { load: () => Promise<void>; loader: Loader; conversation: Conversation } {
  unmount()
  openChats.value = new Map()
  currentId.value = ''
  announcement.value = ''
  undo.value = null
  settingsOpen.value = false
  settings.value = { ...DEFAULTS }
  loadState.value = { status: 'starting' }
  history.replaceState(null, '', '#/chat')
  route.value = { page: 'chat', rest: '' }
  modelList.value = { models_dir: '', models: [MODEL], errors: [], problem: null, isOffline: false }
  const loader = new Loader(make)
  const conversation = new Conversation(() => engine.value, new Library(openStore))
  const stopKeeping = conversation.keep()
  const root = document.createElement('div')
  root.id = 'app'
  document.body.replaceChildren(root)
  render(h(App, { conversation, loader }), root)
  unmount = () => {
    stopKeeping()
    void conversation.library.close()
    render(null, root)
  }
  return { load: () => loader.load(MODEL), loader, conversation }
}

/** A gate that a test opens word by word. */
export function gate(): { beforeWord: () => Promise<void>; open: (words: number) => void } {
  let allowed = 0
  let waiting: (() => void)[] = []
  return {
    beforeWord: () =>
      new Promise(resolve => {
        const pass = () => {
          allowed -= 1
          resolve()
        }
        if (allowed > 0) pass()
        else waiting.push(pass)
      }),
    open(words) {
      allowed += words
      const now = waiting.slice(0, words)
      waiting = waiting.slice(words)
      for (const pass of now) pass()
    },
  }
}
