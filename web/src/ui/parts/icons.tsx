/** Line icons, 24 × 24, drawn in the text's colour; always beside or inside something that has a name. */

const PATHS = {
  plus: 'M12 5v14M5 12h14',
  send: 'M12 19V5M6 11l6-6 6 6',
  stop: 'M7 7h10v10H7z',
  copy: 'M9 9h10v10H9zM5 15V5h10',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  again: 'M4 12a8 8 0 0 1 13.7-5.6L20 8.5M20 4v4.5h-4.5M20 12a8 8 0 0 1-13.7 5.6L4 15.5M4 20v-4.5h4.5',
  sliders: 'M4 8h9M17 8h3M4 16h3M11 16h9M13 5.5v5M7 13.5v5',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
  moon: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  screen: 'M3.5 5h17v11h-17zM9 20h6M12 16v4',
  down: 'M12 5v14M6 13l6 6 6-6',
  close: 'M6 6l12 12M18 6L6 18',
  lock: 'M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3',
  chip: 'M7 7h10v10H7zM10 3.5V7M14 3.5V7M10 17v3.5M14 17v3.5M3.5 10H7M3.5 14H7M17 10h3.5M17 14h3.5',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20',
  chat: 'M4 5h16v11H10l-4.5 4v-4H4z',
  edit: 'M4 20l1-4L16.5 4.5l3 3L8 19zM14 7l3 3',
  fork: 'M7 4v16M7 13c0-4 10-2 10-9M14 6.5L17 3.5l3 3',
  left: 'M15 5l-7 7 7 7',
  right: 'M9 5l7 7-7 7',
  trash: 'M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 11v5M14 11v5',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  pin: 'M9 4h6l-.7 6 3.2 3.5H6.5L9.7 10zM12 13.5V20',
  sidebar: 'M4 5h16v14H4zM9.5 5v14',
  raw: 'M5 6h14M5 10h14M5 14h9M5 18h6',
  forward: 'M5 5l8 7-8 7zM16 5v14',
  undo: 'M8 5L4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
  redo: 'M16 5l4 4-4 4M20 9H10a6 6 0 0 0 0 12h3',
  focus: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5M9 12h6',
  ghost: 'M4 6h16M4 11h8M15 11h.01M18 11h.01M4 16h4M11 16h.01M14 16h.01M17 16h.01',
  compare: 'M4 5h6.5v14H4zM13.5 5H20v14h-6.5z',
  widen: 'M4 12h16M8 8l-4 4 4 4M16 8l4 4-4 4',
  tokens: 'M4 6h6v5H4zM12 6h8v5h-8zM4 13h9v5H4zM15 13h5v5h-5z',
  analyse: 'M4 6h16M4 11h9M4 16h6M16 12.5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM18.2 17.7L21 20.5',
  box: 'M4 8l8-4 8 4v8l-8 4-8-4zM4 8l8 4 8-4M12 12v8',
  attach: 'M19 11.5l-7.6 7.6a5 5 0 0 1-7-7L12.5 4a3.3 3.3 0 0 1 4.7 4.7l-8 8a1.7 1.7 0 0 1-2.4-2.4l7.3-7.3',
  spell: 'M4 15l4-10 4 10M5.5 11.5h5M12.5 17l2.5 2.5L20.5 13',
  alert: 'M12 4 2.5 20h19zM12 10v4.5M12 17.2v.3',
} as const

export type IconName = keyof typeof PATHS

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  )
}
