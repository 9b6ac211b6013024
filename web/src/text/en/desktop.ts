/** The desktop app's window. */
export const desktop = {
  useChrome: 'Open in Chrome for GPU',
  useChromeFailed: 'Chrome could not be opened:',
  aboutWindow: 'About this window',
  windowFailed: 'The app’s own window showed nothing, so the page was opened in your browser.',
  notOpened: 'It could not be opened.',
}
