/** What happened to an answer: figures, the context before sending, and its tokens under the microscope. */
import type { StopReason } from '../../engine/api.ts'

const ends: Readonly<Record<StopReason, string>> = {
  'end-of-turn': 'the model ended its turn',
  'stop-string': 'a stop text came',
  'max-tokens': 'cut off at the answer’s maximum length',
  'context-full': 'cut off: the model’s context is full',
  cancelled: 'stopped',
  error: 'an error',
}

const tokens = (count: string, one: boolean) => `${count} ${one ? 'token' : 'tokens'}`

export const insight = {
  figures: {
    label: 'What this answer took',
    speed: (perSecond: string) => `${perSecond} tokens/s`,
    first: (time: string) => `first token ${time}`,
    output: tokens,
    prompt: (count: string, cached: string | null) => `prompt ${count}${cached === null ? '' : ` (${cached} cached)`}`,
    details: 'Details',
    rows: {
      model: 'Model',
      variant: 'Variant',
      runs: 'Ran on',
      stop: 'Ended because',
      prompt: 'Prompt tokens',
      cached: 'of these already in memory',
      output: 'Output tokens',
      first: 'Time to the first token',
      reading: 'Reading the prompt',
      writing: 'Writing',
      speed: 'Speed',
      dropped: 'Oldest messages left out',
      seed: 'Seed',
      recoveries: 'Restarts of the engine',
    },
    ends,
    reproduce: 'Reproduce',
  },
  meter: {
    used: (used: string, all: string) => `${used} of ${all} tokens`,
    room: (room: string) => `room for an answer of ${room}`,
    dropped: (messages: number, tokenCount: string) =>
      messages === 1
        ? `The oldest message (${tokenCount} tokens) will be left out so that the answer fits.`
        : `The oldest ${messages} messages (${tokenCount} tokens) will be left out so that the answer fits.`,
    tooLong: 'This does not fit, even without the older messages. Shorten the message.',
    picture: (used: number, answer: number, dropped: number) =>
      `Context: ${used} % conversation, ${answer} % kept for the answer${dropped > 0 ? `, ${dropped} % left out` : ''}`,
  },
  json: {
    fits: 'Complete JSON that fits the schema',
    whole: 'Complete JSON',
    cut: 'Not complete: the answer ended early',
    matches: 'Matches the regular expression',
    noMatch: 'Does not match: the answer ended early',
    raw: 'As it was written',
    formatted: 'Formatted',
  },
  tokens: {
    show: 'Tokens',
    key: 'Look at its tokens',
    label: 'The answer’s tokens. Arrow keys move, Enter shows what else could have come.',
    heat: 'Show where the model was unsure',
    legend: { sure: 'sure', wavering: 'wavering', unsure: 'unsure', guessing: 'guessing' },
    legendLabel: 'How unsure',
    loading: 'Reading the tokens…',
    none: 'The tokens of this answer are not stored.',
    damaged: 'The stored tokens of this answer are damaged.',
    alternatives: 'What could have come here',
    came: 'came',
    rest: 'all others together',
    probability: (percent: string) => `${percent} %`,
    place: (place: string, all: string) => `Token ${place} of ${all}`,
    part: (part: number, of: number) => `part ${part} of ${of} of this character`,
    surprise: (bits: string) => `surprise ${bits} bits`,
    doubt: (bits: string) => `doubt ${bits} bits or more`,
    doubtHelp:
      'Doubt is the entropy of what could have come: 0 where only one token was possible, 1 bit for a fair coin. Probabilities are the model’s own, before temperature and the other settings.',
    id: (id: number) => `id ${id}`,
    bytes: (bytes: string) => `bytes ${bytes}`,
    special: 'ends the answer',
    space: 'a space',
    lineBreak: 'a line break',
    go: 'Continue from this one',
    goBlocked: 'The answer had a fixed shape: another token may not fit into it.',
    branched: 'A new version goes on from the other token',
  },
}
