/** The list of chats: beside the conversation where there is room, else a drawer over it. */
import { signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { siteName } from '../../engine/names.ts'
import { text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { Icon } from '../parts/icons.tsx'
import { lettered } from '../parts/keys.ts'
import { Menu } from '../parts/menu.tsx'
import { ChatList } from './chat-list.tsx'
import { exportAll, importFiles } from './transfer.ts'
import { TransferNotes } from './transfer-notes.tsx'

/** So wide that the list and the conversation stand side by side. */
const WIDE = '(min-width: 60rem)'
const SEARCH_ID = 'search-chats'
const KEY = siteName('slm-playground.chats-hidden')

const isWide = signal(matchMedia(WIDE).matches)
matchMedia(WIDE).addEventListener('change', event => {
  isWide.value = event.matches
  drawerOpen.value = false
})
/** Beside the conversation: hidden by choice, remembered. */
const isHidden = signal(localStorageSays())
const drawerOpen = signal(false)

export function focusSearch(): void {
  show()
  const focus = () => document.getElementById(SEARCH_ID)?.focus()
  focus() // what is typed at once belongs there; a box that was hidden can have it a frame later
  requestAnimationFrame(focus)
}

function show(): void {
  if (isWide.peek()) hide(false)
  else drawerOpen.value = true
}

function hide(hidden: boolean): void {
  isHidden.value = hidden
  try {
    localStorage.setItem(KEY, hidden ? 'yes' : '')
  } catch {
    // Storage is full or forbidden: it holds for this page only.
  }
}

function localStorageSays(): boolean {
  try {
    return localStorage.getItem(KEY) === 'yes'
  } catch {
    return false
  }
}

export function Sidebar({ onNewChat }: { onNewChat: () => void }) {
  const words = text.value.chat
  if (!isWide.value) return <Drawer onNewChat={onNewChat} />
  if (isHidden.value) return null
  return (
    <aside class="chats" aria-label={words.chats}>
      <Content onNewChat={onNewChat} onClose={() => hide(true)} />
    </aside>
  )
}

function Drawer({ onNewChat }: { onNewChat: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const close = () => {
    drawerOpen.value = false
  }
  useSignalEffect(() => {
    if (drawerOpen.value) dialog.current?.showModal()
    else dialog.current?.close()
  })
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a modal dialog by itself
    <dialog
      ref={dialog}
      class="chats drawer"
      aria-label={text.value.chat.chats}
      onClose={close}
      onClick={event => {
        const { target } = event
        const isLink = target instanceof HTMLElement && target.closest('a')
        if (target === dialog.current || isLink) close() // beside it, or on the way to a chat
      }}
    >
      {drawerOpen.value ? (
        <Content
          onNewChat={() => {
            close()
            onNewChat()
          }}
          onClose={close}
        />
      ) : null}
    </dialog>
  )
}

function Content({ onNewChat, onClose }: { onNewChat: () => void; onClose: () => void }) {
  const words = text.value.chat
  return (
    <>
      <div class="chats-head">
        <button
          type="button"
          class="tool new"
          onClick={onNewChat}
          title={`${words.keys.newChat} (${lettered('Ctrl+Shift+O')})`}
        >
          <Icon name="plus" />
          {words.keys.newChat}
        </button>
        <AllChats />
        <button type="button" class="tool" aria-label={words.closeChats} title={words.closeChats} onClick={onClose}>
          <Icon name="sidebar" />
        </button>
      </div>
      <TransferNotes />
      <ChatList searchId={SEARCH_ID} />
    </>
  )
}

function AllChats() {
  const { library } = useActors().conversation
  const picker = useRef<HTMLInputElement>(null)
  const words = text.value.chat
  return (
    <>
      <Menu
        label={words.all}
        icon="more"
        items={() => [
          { name: words.exportAllJson, act: () => void exportAll(library, 'json') },
          { name: words.exportAllMarkdown, act: () => void exportAll(library, 'markdown') },
          { name: words.importFiles, act: () => picker.current?.click() },
        ]}
      />
      <input
        ref={picker}
        type="file"
        accept=".json,application/json"
        multiple
        hidden
        aria-label={words.importFiles}
        onChange={event => {
          void importFiles(library, [...(event.currentTarget.files ?? [])])
          event.currentTarget.value = '' // the same file can be chosen again
        }}
      />
    </>
  )
}

/** Over the conversation: the way to the list where it is not seen, and what is said in the list otherwise. */
export function ChatTools({ onNewChat }: { onNewChat: () => void }) {
  const words = text.value.chat
  const button = useRef<HTMLButtonElement>(null)
  const wasOpen = useSignal(false)
  useEffect(() => {
    if (wasOpen.value && !drawerOpen.value) button.current?.focus()
    wasOpen.value = drawerOpen.value
  }, [drawerOpen.value])
  if (isWide.value && !isHidden.value) return null
  return (
    <div>
      <div class="page-tools chat-tools">
        <button
          ref={button}
          type="button"
          class="tool"
          aria-label={words.openChats}
          title={words.openChats}
          onClick={show}
        >
          <Icon name="sidebar" />
        </button>
        <button
          type="button"
          class="tool"
          onClick={onNewChat}
          title={`${words.keys.newChat} (${lettered('Ctrl+Shift+O')})`}
        >
          <Icon name="plus" />
          {words.keys.newChat}
        </button>
      </div>
      <TransferNotes />
    </div>
  )
}
