/** What a site says of itself: before the download, in its last line, and about it. */
export const site = {
  needs: (model: string) => `${model} runs inside this page`,
  once: (size: string) =>
    `${size} are downloaded once and kept in this browser. Later visits load nothing, and work without a network.`,
  rest: (left: string, total: string) => `${left} of ${total} are still to come: an earlier download was stopped.`,
  start: (size: string) => `Download ${size} and start`,
  goOn: (size: string) => `Download the other ${size} and start`,
  private: 'Nothing you type leaves this device.',
  about: 'About this page',
  close: 'Close',
  by: 'By',
  explains:
    'The model is computed by this browser. What you type and what it answers stays here: the page has no server that could read it, and once it is loaded it asks for nothing.',
  models: 'Models',
  model: (name: string, licence: string, size: string) => `${name}, ${licence}, ${size} to download`,
  links: 'Links',
  licence: 'Licence of this page',
  made: 'Made with SLM Playground.',
  kept: 'Everything here runs on this device. A model is downloaded once, and kept until you delete it.',
  openings: 'Texts to begin with',
  corrects: 'Write or paste an English text: mistakes are underlined, and a click shows what to write instead.',
  suggests: 'As you write, the next words appear in grey: Tab or a tap takes them.',
}
