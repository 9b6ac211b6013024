/** Chats by date, or what a search finds; drawn some at a time, as the reader comes near the end. */
import { computed, type Signal, useComputed, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { currentId, hasUnfinished, openChats } from '../../state/chats/desk.ts'
import { Finder, hits, query } from '../../state/chats/finder.ts'
import { type Group, groupsOf } from '../../state/chats/groups.ts'
import { chatList, isListed, storeTrouble } from '../../state/chats/library.ts'
import type { Hit, Range } from '../../state/chats/search.ts'
import type { ChatHead } from '../../state/chats/types.ts'
import { href } from '../../state/route.ts'
import { language, text } from '../../text/index.ts'
import { useActors } from '../parts/context.ts'
import { Icon } from '../parts/icons.tsx'
import { Menu } from '../parts/menu.tsx'
import { seek } from './seek.ts'
import { exportOne } from './transfer.ts'

/** Drawn at first, and added each time that the end comes near. */
const PAGE = 60

export function ChatList({ searchId }: { searchId: string }) {
  const { library } = useActors().conversation
  const finder = useMemo(() => new Finder(library), [library])
  const words = text.value.chat
  const list = useRef<HTMLDivElement>(null)
  return (
    <>
      <div class="chats-search">
        <Icon name="search" />
        <input
          id={searchId}
          type="search"
          aria-label={words.search}
          placeholder={words.search}
          value={query}
          onInput={event => void finder.search(event.currentTarget.value)}
          onKeyDown={event => {
            if (event.key === 'Escape' && query.value) void finder.search('')
            else if (event.key === 'ArrowDown') step(list.current, 1)
            else if (event.key === 'Enter') list.current?.querySelector('a')?.click()
            else return
            event.preventDefault()
            event.stopPropagation()
          }}
        />
      </div>
      <nav
        class="chats-list"
        ref={list}
        aria-label={words.chats}
        onKeyDown={event => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
          if (step(list.current, event.key === 'ArrowDown' ? 1 : -1)) event.preventDefault()
        }}
      >
        {hits.value ? <Found hits={hits.value} /> : <All list={list} />}
      </nav>
    </>
  )
}

/** Moves the focus from link to link; false where it is on none and there is none to go to. */
function step(list: HTMLElement | null, by: 1 | -1): boolean {
  const links = [...(list?.querySelectorAll('a') ?? [])]
  const at = links.findIndex(link => link.isSameNode(document.activeElement))
  if (at === -1 && document.activeElement?.closest('.chats-list')) return false // in a menu or a title's box
  const next = links[at + by]
  next?.focus()
  return next !== undefined
}

function All({ list }: { list: { current: HTMLElement | null } }) {
  const count = useSignal(PAGE)
  const end = useRef<HTMLDivElement>(null)
  const renaming = useSignal<string | null>(null)
  const latest = useRef<Group[]>([])
  // Stands still while a title is typed: a chat that goes to another group would take the box away.
  const shown = useComputed(() => {
    if (renaming.value === null) latest.current = groupsOf(chatList.value.slice(0, count.value), Date.now())
    return latest.current
  })
  useEffect(() => {
    if (!end.current) return
    const observer = new IntersectionObserver(
      entries => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) count.value += PAGE
      },
      { root: list.current, rootMargin: '600px' },
    )
    observer.observe(end.current)
    return () => observer.disconnect()
  }, [count.value, chatList.value.length > count.value])
  if (isListed.value && chatList.value.length === 0) {
    const { none, noneKept } = text.value.chat
    return <p class="small chats-none">{storeTrouble.value ? noneKept : none}</p>
  }
  return (
    <>
      {shown.value.map(group => (
        <section key={group.name} aria-label={nameOf(group)}>
          <h2>{nameOf(group)}</h2>
          <ul>
            {group.heads.map(head => (
              <Item key={head.id} head={head} renaming={renaming} />
            ))}
          </ul>
        </section>
      ))}
      {chatList.value.length > count.value ? <div ref={end} class="chats-end" /> : null}
    </>
  )
}

/** Made once: making one takes far longer than formatting does, and each month of a long list needs it. */
const monthFormat = computed(() => new Intl.DateTimeFormat(language.value, { month: 'long', year: 'numeric' }))

function nameOf({ name }: Group): string {
  return typeof name === 'string' ? text.value.chat[name] : monthFormat.value.format(name)
}

/** @param renaming id of the chat whose title is being typed */
function Item({ head, renaming }: { head: ChatHead; renaming: Signal<string | null> }) {
  const { conversation } = useActors()
  const words = text.value.chat
  const title = head.title || words.untitled
  const isWriting = useComputed(() => {
    const open = openChats.value.get(head.id)
    return open !== undefined && hasUnfinished(open)
  })
  const isCurrent = useComputed(() => currentId.value === head.id)
  if (renaming.value === head.id) {
    const done = () => {
      renaming.value = null
    }
    return (
      <li class="renaming">
        <Rename head={head} onDone={done} />
      </li>
    )
  }
  return (
    <li>
      <a href={href('chat', head.id)} aria-current={isCurrent.value ? 'page' : undefined} title={title}>
        {head.pinned ? <Icon name="pin" /> : null}
        <span class="title">{title}</span>
        {isWriting.value ? (
          <>
            <span class="dots" aria-hidden="true" />
            <span class="visually-hidden">{words.writing}</span>
          </>
        ) : null}
      </a>
      <Menu
        label={words.more(title)}
        icon="more"
        items={() => [
          {
            name: words.rename,
            icon: 'edit',
            act: () => {
              renaming.value = head.id
            },
          },
          {
            name: head.pinned ? words.unpin : words.pin,
            icon: 'pin',
            act: () => void conversation.pin(head.id, !head.pinned),
          },
          { name: words.exportJson, act: () => void exportOne(conversation.library, head.id, 'json') },
          { name: words.exportMarkdown, act: () => void exportOne(conversation.library, head.id, 'markdown') },
          { name: words.removeChat, icon: 'trash', act: () => void conversation.removeChat(head.id) },
        ]}
      />
    </li>
  )
}

function Rename({ head, onDone }: { head: ChatHead; onDone: () => void }) {
  const { conversation } = useActors()
  const box = useRef<HTMLInputElement>(null)
  useLayoutEffect(() => box.current?.select(), [])
  const save = () => {
    if (box.current) void conversation.rename(head.id, box.current.value)
    onDone()
  }
  return (
    <input
      ref={box}
      aria-label={text.value.chat.renameTitle}
      defaultValue={head.title}
      maxLength={200}
      onBlur={save}
      onKeyDown={event => {
        if (event.isComposing) return
        if (event.key === 'Enter') save()
        else if (event.key === 'Escape') onDone()
        else return
        event.preventDefault()
        event.stopPropagation()
      }}
    />
  )
}

function Found({ hits: found }: { hits: readonly Hit[] }) {
  const words = text.value.chat
  const { conversation } = useActors()
  return (
    <>
      <p class="small chats-none" role="status">
        {words.found(found.length)}
      </p>
      <ul>
        {found.slice(0, PAGE).map(({ head, titleRanges, message, snippet, snippetRanges }) => (
          <li key={head.id} class="hit">
            <a
              href={href('chat', head.id)}
              onClick={event => {
                if (event.ctrlKey || event.metaKey || event.shiftKey || message === null) return
                event.preventDefault()
                void conversation.open(head.id).then(() => {
                  conversation.showMessage(message)
                  seek(message)
                })
              }}
            >
              <span class="title">
                <Marked text={head.title || words.untitled} ranges={titleRanges} />
              </span>
              {snippet ? (
                <span class="snippet">
                  <Marked text={snippet} ranges={snippetRanges} />
                </span>
              ) : null}
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}

function Marked({ text: content, ranges }: { text: string; ranges: readonly Range[] }) {
  const parts = ranges.flatMap(([from, to], index) => [
    content.slice(ranges[index - 1]?.[1] ?? 0, from),
    <mark key={from}>{content.slice(from, to)}</mark>,
  ])
  return (
    <>
      {parts}
      {content.slice(ranges.at(-1)?.[1] ?? 0)}
    </>
  )
}
