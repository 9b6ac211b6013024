/** A button that opens a list of actions, as a menu of the ARIA practices: arrows move, Escape closes, the focus returns. */
import { useSignal } from '@preact/signals'
import { useId, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icons.tsx'
import '../css/menu.css'

export interface MenuItem {
  name: string
  icon?: IconName
  act: () => void
}

interface MenuProps {
  label: string
  icon: IconName
  items: () => readonly MenuItem[]
}

export function Menu({ label, icon, items }: MenuProps) {
  const id = useId()
  const isOpen = useSignal(false)
  const menu = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  const entries = () => [...(menu.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])]
  const close = () => {
    menu.current?.hidePopover()
    button.current?.focus()
  }
  const move = (event: KeyboardEvent) => {
    const all = entries()
    const at = all.indexOf(document.activeElement as HTMLElement) // compared, never used as one
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key]
    if (event.key === 'Escape' || event.key === 'Tab') close()
    else if (to === undefined) return
    else all.at(to >= all.length ? 0 : to)?.focus()
    if (event.key !== 'Tab') event.preventDefault()
    event.stopPropagation()
  }
  return (
    <>
      <button
        ref={button}
        type="button"
        class="tool menu-button"
        aria-label={label}
        title={label}
        aria-haspopup="menu"
        popovertarget={id}
      >
        <Icon name={icon} />
      </button>
      <div
        ref={menu}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        class="menu"
        onBeforeToggle={event => {
          isOpen.value = event.newState === 'open'
          if (isOpen.value) place(button.current, event.currentTarget)
        }}
        onToggle={({ newState, currentTarget }) => {
          if (newState !== 'open') return
          requestAnimationFrame(() => {
            keepInside(currentTarget)
            entries()[0]?.focus()
          }) // once they are drawn
        }}
        onKeyDown={move}
      >
        {(isOpen.value ? items() : []).map(({ name, icon: symbol, act }) => (
          <button
            key={name}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => {
              close()
              act()
            }}
          >
            {symbol ? <Icon name={symbol} /> : null}
            {name}
          </button>
        ))}
      </div>
    </>
  )
}

/** From the screen's edges and its button. */
const GAP_PX = 8

/** Below its button, or above it where there is no room; their right edges are one line. */
function place(button: HTMLElement | null, menu: HTMLElement): void {
  const box = button?.getBoundingClientRect()
  if (!box) return
  const isLow = box.bottom > innerHeight * 0.6
  const room = (isLow ? box.top : innerHeight - box.bottom) - 1.5 * GAP_PX
  menu.style.left = 'auto'
  menu.style.right = `${Math.max(GAP_PX, document.documentElement.clientWidth - box.right)}px`
  menu.style.top = isLow ? 'auto' : `${box.bottom + GAP_PX / 2}px`
  menu.style.bottom = isLow ? `${innerHeight - box.top + GAP_PX / 2}px` : 'auto'
  menu.style.maxHeight = `${room}px`
}

/** One that is too wide for the room beside its button begins at the screen's edge. */
function keepInside(menu: HTMLElement): void {
  if (menu.getBoundingClientRect().left >= GAP_PX) return
  menu.style.left = `${GAP_PX}px`
  menu.style.right = 'auto'
}
