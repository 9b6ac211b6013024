/** The words of `<slm-chat>`, which brings no others along. */
export const embed = {
  heading: 'Chat with a small model',
  placeholder: 'Write a message',
  message: 'Message',
  send: 'Send',
  stop: 'Stop',
  clear: 'New chat',
  start: 'Start the model',
  startWith: (size: string) => `Start the model (downloads up to ${size}, once)`,
  private: 'It runs in this browser: nothing you type leaves this device.',
  loading: 'Loading the model',
  amount: (loaded: string, total: string) => `${loaded} of ${total}`,
  ready: 'The model is ready.',
  answering: 'The model is answering…',
  conversation: 'Conversation',
  you: 'You',
  model: 'Model',
  stopped: 'Stopped.',
  retry: 'Try again',
  noBundle: 'This element does not say which model it is for: it needs the attribute “bundle”.',
}

export type EmbedWords = typeof embed
