/** The desktop app on this machine: icon in the tray, shortcut, newer versions. */
export const machine = {
  title: 'The app on this machine',
  lead: 'These belong to this machine, not to a chat or a browser. Icon and shortcut are off until you want them.',
  underWay: 'One moment…',

  tray: 'Icon in the system tray',
  trayDoes:
    'Its menu opens the window, goes to the models and ends the app. While the icon is there, closing the window leaves the app running.',
  trayIs: {
    off: 'This takes longer than usual. Open this part again in a moment.',
    shown: 'The icon is there.',
    'no-tray':
      'This desktop shows no such icons just now, so closing the window still ends the app. GNOME shows them with the extension “AppIndicator and KStatusNotifierItem Support”; elsewhere a panel has a part for them, called system tray or notification area.',
    'not-installed':
      'A part for it is missing. Install it with pip install "slm-playground[desktop]", then start the app again.',
    failed: 'The icon’s own process has ended. Why is in tray.log, in the folder of the logs.',
  },

  shortcut: 'Keys that bring the window to the front',
  shortcutDoes: 'In every program. The app learns of these keys alone, not of anything else that you type.',
  keys: 'Keys, such as Ctrl+Alt+Space',
  keysUse: 'Use these',
  shortcutIs: {
    off: () => 'This takes longer than usual. Open this part again in a moment.',
    on: (keys: string) => `${keys} brings the window to the front.`,
    taken: (keys: string) => `Another program has ${keys} already. Choose other keys.`,
    'no-such-key': (keys: string) => `This keyboard lacks a key of ${keys}. Choose other keys.`,
    'not-installed': () =>
      'A part for it is missing. Install it with pip install "slm-playground[desktop]", then start the app again.',
    failed: () => 'The keys could not be set up. Why is in tray.log, in the folder of the logs.',
  },
  shortcutBySystem: {
    wayland:
      'On Wayland only the desktop itself gives keys to programs. Open its settings for keyboard shortcuts and add one of your own, with this command:',
    macos:
      'macOS gives keys only to programs that may read everything you type, and this one should not. Make a shortcut in the app Shortcuts that runs this command, and give it keys there:',
  },

  version: (version: string) => `This is version ${version}.`,
  updateDoes:
    'The app never looks for a newer version by itself. This button asks the address below, once, which one is the newest. Neither your version nor anything of yours is sent; as with every request, that server sees the address of your network:',
  updateAsk: 'Check for updates',
  updatePage: 'What is new, and where to get it',
  updateNewer: (newest: string) => `Version ${newest} has been published.`,
  upToDate: (newest: string) => `Up to date: the newest version is ${newest}.`,
}
