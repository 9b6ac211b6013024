/** Files in a chat, and what an answer was given of them. */
export const attachments = {
  add: 'Attach a text or PDF',
  list: 'Attached files',
  remove: (name: string) => `Remove ${name}`,
  reading: (name: string) => `Reading ${name}…`,
  pages: (done: number, all: number) => `page ${done} of ${all}`,
  tooLarge: (name: string) => `${name} is larger than 50 MB. Attach a part of it.`,
  notText: (name: string) => `${name} holds no text that can be read here. Texts and PDFs can be attached.`,
  noPdf: (name: string) => `${name} is a PDF, which this page cannot read. Texts can be attached.`,
  notPdf: (name: string) => `${name} cannot be read as a PDF: it may be damaged.`,
  locked: (name: string) => `${name} is locked with a password. Save it without one, then attach it.`,
  empty: (name: string) => `${name} holds no text. A scanned PDF is a picture: it needs text recognition first.`,
  sources: (count: number) => (count === 1 ? 'Read 1 passage' : `Read ${count} passages`),
  by: { meaning: 'chosen by meaning', words: 'chosen by shared words' },
  tooLongLead: 'The files are longer than the model reads. It was given these passages:',
}
