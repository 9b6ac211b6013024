// Before the first paint, so that a dark page never flashes white. The same key as src/state/settings.ts.
try {
  const { theme } = JSON.parse(localStorage.getItem('slm-playground.settings') ?? '{}')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Nothing stored, or nothing readable: the system's theme.
}
