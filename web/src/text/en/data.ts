/** Where things are kept: the data folder, the copy that all shells share, moving and emptying it. */
export const data = {
  title: 'Where things are kept',
  browserOnly: 'Chats, documents and settings are kept in this browser and nowhere else.',
  lead: 'Chats, documents and settings are kept in this browser and, as a copy, in the data folder of this machine: other windows, browsers and ports show the same ones. Only your user account may read that copy, and nothing of it is sent to any other machine.',
  folder: 'Data folder',
  parts: { models: 'Models', records: 'Chats, documents, settings', settings: 'Windows of the app', logs: 'Logs' },
  free: (size: string) => `${size} are free on that disk.`,
  counts: (chats: string, documents: string) => `In the copy: ${chats} chats, ${documents} documents.`,
  open: 'Open folder',
  copy: 'Keep the copy',
  copyDoes: 'Without it every browser, and every port, has chats of its own.',
  forget: 'Delete the copy',
  forgotten: 'The copy was deleted. This browser still has everything it had.',
  failed: 'That did not work',
  state: {
    starting: 'The copy is being opened…',
    waiting: 'Another tab of this browser keeps the copy up to date.',
    busy: 'The copy is being brought up to date…',
    offline: 'The server does not answer. What is written now comes into the copy as soon as it does.',
    off: 'The copy is switched off.',
    none: 'This server keeps no copy.',
    newer: 'A newer version of this page is open. Reload to keep the copy up to date here too.',
  },
  upToDate: (time: string) => `Up to date as of ${time}.`,
  tooLarge: (count: number) =>
    `${count === 1 ? 'One text is' : `${count} texts are`} too large for the copy and stay in this browser only.`,

  move: 'Move…',
  moveTo: 'New folder',
  moveDoes:
    'Everything is copied, every file is read back and compared, and only then is the new folder used and the old one deleted.',
  movePlace: 'Whole path, such as /media/disk/playground',
  moveStart: 'Move',
  moving: {
    copying: (done: string, total: string) => `Copying: ${done} of ${total}`,
    verifying: (done: string, total: string) => `Reading back and comparing: ${done} of ${total}`,
    switching: 'Changing over…',
    done: (folder: string) => `Moved. The data folder is ${folder}.`,
    cancelled: 'Stopped. Nothing was changed.',
  },
  stop: 'Stop',
  cancel: 'Cancel',

  reset: 'Reset…',
  resetTitle: 'What should be deleted?',
  resetSure: 'Really delete this?',
  resetWhat: {
    records: (chats: string, documents: string) =>
      `all chats (${chats}), documents (${documents}), settings and presets: here, in the data folder, and in every other window and browser`,
    models: (size: string) => `all models of the data folder (${size}); they have to be downloaded again`,
    settings: 'sizes and places of the app’s windows, and whether it has an icon and a shortcut',
    logs: (size: string) => `logs (${size})`,
  },
  resetNext: 'Go on',
  resetNow: 'Delete for good',
  resetSureLead: 'This cannot be undone. What goes:',
  resetDone: 'Deleted.',
}
