// Before the first paint, so that a dark page never flashes white. The same key as src/state/settings.ts.
try {
  const path = new URL('.', document.currentScript.src).pathname
  const key = path === '/' ? 'slm-playground.settings' : `slm-playground.settings@${encodeURIComponent(path)}`
  const { theme } = JSON.parse(localStorage.getItem(key) ?? '{}')
  if (theme === 'light' || theme === 'dark') {
    document.documentElement.dataset.theme = theme
    // What lies behind the page until the style sheet is there.
    document.querySelector('meta[name="color-scheme"]').content = theme
  }
} catch {
  // Nothing stored, or nothing readable: the system's theme.
}
