/** The chat page: conversations and their list. */
export const chat = {
  // what happens
  answering: 'Answering…',
  whenReady: 'Your question is sent when the model is ready.',
  finished: (opening: string) => `Answer finished: ${opening}`,
  stopped: 'Stopped',
  failed: 'The answer failed',
  forked: 'A new chat goes on from here.',
  forkOf: (title: string) => `${title} (fork)`,
  messagesDeleted: (count: number) => (count === 1 ? 'Deleted' : `Deleted with ${count - 1} more after it`),
  chatDeleted: (title: string) => (title ? `Chat “${title}” deleted` : 'Chat deleted'),
  notDeleted: (title: string) =>
    `${title ? `The chat “${title}”` : 'The chat'} could not be deleted and is still here: the browser’s storage did not take it. Reload the page, then try again.`,
  deletedElsewhere: 'This chat was deleted in another tab.',
  notFound: 'That chat is not here. It was deleted, or it belongs to another browser.',
  elsewhere: 'Another tab is writing in this chat. What it writes appears here; afterwards both can go on.',
  trouble: {
    full: 'The disk space that the browser gives this page is full: chats are kept only while the page is open. Delete chats or models, or save all chats as a file.',
    forbidden:
      'The browser keeps nothing for this page (a private window, or storage is blocked): chats last only while it is open. Save those that matter as a file.',
    newer: 'A newer version of this page is open in another tab. Reload this one: until then it keeps nothing.',
    failed:
      'Chats cannot be saved: the browser’s storage does not answer. Save all chats as a file, then reload the page.',
  },
  troubleTitle: 'Chats are not kept.',
  saveAll: 'Save all as a file',

  // the conversation
  log: 'Chat',
  conversation: 'Conversation',
  you: 'You',
  answer: 'Answer',
  latest: 'Latest',
  welcome: {
    title: 'A language model, on your own machine',
    lead: 'Nothing you type leaves this device.',
    examples: 'Examples',
    list: [
      { title: 'Explain', prompt: 'What is photosynthesis?' },
      { title: 'Rewrite', prompt: 'Rewrite in the past tense: I walk to the park and feed the ducks.' },
      { title: 'Make a list', prompt: 'List five fruits.' },
      { title: 'Write', prompt: 'Write a short story about a robot that learns to paint.' },
    ],
  },
  waiting: {
    starting: 'Waiting for the model; your message is sent when it is ready.',
    loading: 'Waiting for the model; your message is sent when it is ready.',
    ready: 'Reading your message…',
    paused: 'Not sent yet: the model is not loaded. Your message is sent once it is.',
    failed: 'Not sent yet: the model is not running. Your message is sent once it is.',
    'no-model': 'Not sent yet: there is no model. Your message is sent once there is one.',
  },
  goingOn: 'Going on…',
  stoppedHere: 'Stopped here.',
  stoppedEarly: 'Stopped before the first word.',
  interrupted: 'Cut off here: the page was closed while this was written.',
  ends: {
    'stop-string': 'Answer ended at a stop text.',
    'max-tokens': 'Answer cut off at the answer’s maximum length.',
    'context-full':
      'Answer cut off: the model’s context is full. Another question leaves out the oldest messages; a new chat begins empty.',
  },
  dropped: (count: number) =>
    count === 1
      ? 'The oldest message did not fit into the model’s context and was left out.'
      : `The oldest ${count} messages did not fit into the model’s context and were left out.`,
  edited: 'Edited by hand',
  attached: 'Attached',

  // what can be done with a message
  actions: {
    copy: 'Copy',
    edit: 'Edit',
    regenerate: 'Regenerate',
    tryAgain: 'Try again',
    useCpu: 'Use the CPU',
    goOn: 'Continue',
    fork: 'Fork from here',
    raw: 'As plain text',
    remove: 'Delete',
    removeMany: (count: number) => `Delete this and ${count} more after it`,
  },
  version: (at: number, of: number) => `Version ${at} of ${of}`,
  previousVersion: 'Previous version',
  nextVersion: 'Next version',
  editQuestion: 'Your question',
  editAnswer: 'The answer’s text',
  send: 'Send',
  save: 'Save',
  cancel: 'Cancel',
  editNote: 'The version before stays: the arrows below the message lead back to it.',

  // the message box
  message: 'Message',
  ask: 'Ask the model',
  askFirst: 'Write your first message',
  stop: 'Stop',

  // the list of chats
  chats: 'Chats',
  openChats: 'Show chats',
  closeChats: 'Close chats',
  search: 'Search chats',
  found: (count: number) => (count === 0 ? 'Nothing found' : count === 1 ? '1 chat found' : `${count} chats found`),
  none: 'No chats yet. What you write is kept here, in this browser.',
  noneKept: 'No chats yet.',
  untitled: 'Untitled',
  pinned: 'Pinned',
  today: 'Today',
  yesterday: 'Yesterday',
  week: 'Last 7 days',
  month: 'Last 30 days',
  more: (title: string) => `More for ${title}`,
  writing: 'Answer being written',
  pin: 'Pin',
  unpin: 'Unpin',
  rename: 'Rename',
  renameTitle: 'Title of the chat',
  exportJson: 'Save as JSON',
  exportMarkdown: 'Save as Markdown',
  removeChat: 'Delete chat',
  all: 'All chats',
  exportAllJson: 'Save all as JSON',
  exportAllMarkdown: 'Save all as Markdown',
  exporting: (done: number, of: number) => `${done} of ${of} chats are in the file`,
  exportStopped: 'Saving was cancelled, no file was made',
  exportFailed: 'The file could not be made',
  exportFailedNext: 'The browser did not give out all chats. Reload the page, then try again.',
  importFiles: 'Add chats from files…',
  importing: (file: string) => `Adding the chats of ${file}…`,
  imported: (added: number, known: number) =>
    [
      added === 1 ? '1 chat added' : `${added} chats added`,
      ...(known > 0 ? [`${known === 1 ? '1 was' : `${known} were`} here already`] : []),
    ].join(', '),
  importFailed: 'Nothing was added',
  importErrors: {
    unreadable: (file: string) => `${file} cannot be read: it was moved or changed, or is too large for this browser.`,
    'not-json': (file: string) =>
      `${file} is not a JSON file. Choose one that was saved here, or an export of ChatGPT or llama.cpp.`,
    unknown: (file: string) =>
      `${file} is JSON, but holds no chats that are known here: chats saved by this page, ChatGPT’s conversations.json and exports of llama.cpp’s web page are.`,
    'too-new': (file: string) => `${file} was saved by a newer version of this page. Reload the page, then try again.`,
    damaged: (file: string, where: string) => `${file} is damaged: ${where}.`,
    empty: (file: string) => `${file} holds no chat with a message in it.`,
    store: (file: string) => `The chats of ${file} could not be saved: the browser’s storage is full or closed.`,
  },

  // Markdown files
  markdown: {
    you: 'You',
    answer: 'Answer',
    from: (date: string) => `Chat of ${date}`,
    otherVersions: (count: number) =>
      `${count} further ${count === 1 ? 'version is' : 'versions are'} in this chat; the JSON export has them.`,
  },

  // shortcuts
  shortcuts: 'Keyboard shortcuts',
  closeShortcuts: 'Close the shortcuts',
  shortcutAreas: { page: 'Anywhere on the page', box: 'In the message box', message: 'On a message' },
  keys: {
    newChat: 'New chat',
    search: 'Search chats',
    box: 'Go to the message box',
    stop: 'Stop the answer',
    versions: 'Other versions of the last answer, or of the message that has the focus',
    messages: 'Go from message to message',
    list: 'This list',
    palette: 'All commands',
    send: 'Send',
    newLine: 'New line',
    editLast: 'Edit your last message (while the box is empty)',
    edit: 'Edit',
    copy: 'Copy',
    regenerate: 'Regenerate',
    goOn: 'Continue a cut-off answer',
    fork: 'Fork from here',
    raw: 'As plain text',
    remove: 'Delete',
    saveEdit: 'Save an edit',
    cancelEdit: 'Leave an edit',
  },
}
