/** Where the focus goes when it has no better place: where the page says (`data-rest-focus`), else to its content. */
export function focusContent(): void {
  const place = document.querySelector<HTMLElement>('[data-rest-focus]') ?? document.querySelector('main')
  place?.focus()
}

/** After an action whose button is gone. Not on a touch screen: there it would only bring up the keyboard. */
export function restFocus(): void {
  if (!matchMedia('(pointer: coarse)').matches) focusContent()
}
