/** The controls beside a conversation: what each setting does, presets, the shape of answers. */
import type { NumberName } from '../../tasks/chat.ts'

interface Words {
  name: string
  /** One sentence. */
  does: string
}

const numbers: Readonly<Record<NumberName, Words>> = {
  temperature: {
    name: 'Temperature',
    does: '0 always takes the likeliest word; higher is more varied and less reliable.',
  },
  top_p: { name: 'Top-p', does: 'Draws only from the likeliest words that together reach this share; 1 is off.' },
  top_k: { name: 'Top-k', does: 'Draws only from so many of the likeliest words; 0 is off.' },
  min_p: { name: 'Min-p', does: 'Leaves out words less likely than this share of the likeliest one; 0 is off.' },
  repetition_penalty: {
    name: 'Repetition penalty',
    does: 'Above 1, words that question and answer have already become less likely; 1 is off.',
  },
  presence_penalty: {
    name: 'Presence penalty',
    does: 'Above 0, every word that the answer has already becomes less likely by the same amount; 0 is off.',
  },
  frequency_penalty: {
    name: 'Frequency penalty',
    does: 'Above 0, a word becomes less likely each time the answer uses it; 0 is off.',
  },
  max_tokens: {
    name: 'Longest answer, in tokens',
    does: 'The answer is cut off here; question and answer together must fit into what the model reads.',
  },
  seed: {
    name: 'Seed',
    does: 'The same seed and settings give the same answer again; empty draws another one each time.',
  },
}

export const controls = {
  title: 'Settings',
  close: 'Close settings',
  done: 'Done',
  numbers,
  asNumber: (name: string) => `${name} as a number`,
  modelsOwn: (value: string) => `Model’s own: ${value}`,
  othersOwn: (value: string) => `Other chats: ${value}`,
  random: 'random',
  reset: (name: string) => `Reset ${name}`,
  resetAll: 'Reset to defaults',
  wasReset: 'Settings reset',
  system: 'System prompt',
  systemDoes: 'Instructions that stand before every conversation.',
  systemOwn: 'The model’s own',
  drawSeed: 'Draw a seed',
  stop: 'Stop texts',
  stopDoes: 'The answer ends before any of these; up to four, \\n for a line break.',
  stopAdd: 'Add a stop text',
  stopRemove: (text: string) => `Remove the stop text ${text}`,
  stopNew: 'New stop text',
  mode: 'How much is shown',
  simple: 'Simple',
  advanced: 'Advanced',
  advancedChanged: (count: number) =>
    count === 1 ? 'One advanced setting is changed.' : `${count} advanced settings are changed.`,
  device: 'Runs on',
  devices: { auto: 'Automatic', webgpu: 'GPU (WebGPU)', cpu: 'CPU' },
  deviceDoes: 'Changing this loads the model again.',
  forModel: (model: string) => `For ${model}`,
  scope: {
    title: 'These settings hold for',
    all: 'All chats',
    chat: 'This chat',
    allDoes: (model: string) => `For every chat with ${model}, but for what a chat has of its own.`,
    chatDoes: 'What you change here holds for this chat only, with any model.',
    own: (names: string) => `Only in this chat: ${names}`,
    reset: 'Reset this chat',
    wasReset: 'This chat follows the settings of all chats again',
  },
  preset: {
    choose: 'Preset',
    none: 'No preset',
    changed: (name: string) => `${name} (changed)`,
    name: 'Name of the preset',
    save: 'Save',
    saveAs: 'Save as…',
    saved: (name: string) => `Preset “${name}” saved`,
    rename: 'Rename',
    taken: 'Another preset has that name.',
    remove: 'Delete',
    removed: (name: string) => `Preset “${name}” deleted`,
    exportFile: 'Save as a file',
    importFile: 'Open files…',
    imported: (count: number) => (count === 1 ? 'One preset was added.' : `${count} presets were added.`),
    cancel: 'Cancel',
    wrong: {
      'not-json': (file: string) => `${file} is not a JSON file.`,
      'not-a-preset': (file: string) => `${file} holds no preset. Choose a file that was saved here.`,
      'too-new': (file: string) =>
        `${file} was saved by a newer version of this page. Reload the page, then try again.`,
      'wrong-settings': (file: string, names: string) =>
        `${file} was not taken: these settings have impossible values: ${names}.`,
    },
  },
  format: {
    title: 'Shape of the answer',
    does: 'Whatever the model would rather say, nothing else can come.',
    text: 'Any text',
    json_object: 'Any JSON object',
    json_schema: 'JSON that fits a schema',
    regex: 'A regular expression',
    schema: 'JSON schema',
    pattern: 'Regular expression',
    patternDoes: 'The whole answer matches it: yes|no, \\d{4}-\\d{2}-\\d{2}.',
    example: 'Example',
    exampleNone: 'Choose an example…',
    examples: { person: 'A person', list: 'A list of tasks', rating: 'A rating with its reason' },
    patterns: { choice: 'Yes or no', date: 'A date', steps: 'Numbered lines' },
    check: 'Check',
    notJson: (said: string, _line: string, _column: string) => `Not JSON yet: ${said}`,
    notSchema: 'A schema is a JSON object: it begins with {.',
    isJson: 'This is JSON. “Check” asks the engine whether it can hold an answer to it.',
    good: 'The engine can hold an answer to this.',
    noEngine: 'The model has to be loaded for that.',
    tidy: 'Tidy up',
  },
}
