/** A button that opens a list of actions, as a menu of the ARIA practices: arrows move, Escape closes, the focus returns. */
import { useSignal } from '@preact/signals'
import { useId, useRef } from 'preact/hooks'
import { Icon, type IconName } from './icons.tsx'

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
        onToggle={event => {
          if (event.newState === 'open') requestAnimationFrame(() => entries()[0]?.focus()) // once they are drawn
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

/** Below its button, or above it where there is no room. */
function place(button: HTMLElement | null, menu: HTMLElement): void {
  const box = button?.getBoundingClientRect()
  if (!box) return
  const isLow = box.bottom > innerHeight * 0.6
  menu.style.left = `${Math.max(8, Math.min(box.right - 224, innerWidth - 232))}px`
  menu.style.top = isLow ? 'auto' : `${box.bottom + 4}px`
  menu.style.bottom = isLow ? `${innerHeight - box.top + 4}px` : 'auto'
}
