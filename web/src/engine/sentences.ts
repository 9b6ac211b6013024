/**
 * What the engine tells people, by kind: the facts of each and its English words. A page in another language words the
 * same kinds and facts (`text/`); `Reason` is what travels between them. Imports nothing.
 */

type ReadingTask = 'embeddings' | 'text-classification' | 'token-classification'
type ReadingCall = 'embed' | 'classify' | 'tag'

const number = (count: number) => count.toLocaleString('en')

/** What a model that reads is asked with. */
const CALLS: Readonly<Record<ReadingTask, string>> = {
  embeddings: 'engine.embed(texts)',
  'text-classification': 'engine.classify(text)',
  'token-classification': 'engine.tag(text)',
}

const NEEDS: Readonly<Record<ReadingCall, string>> = {
  embed: 'a model for sentence vectors, such as MiniLM',
  classify: 'a text classifier, such as DistilBERT for sentiment',
  tag: 'a token classifier, such as BERT for named entities',
}

/** Some end with what to do next. Facts called `said` are words of the browser or the runtime, in whatever language. */
export const SENTENCES = {
  // What this device lacks
  'no-webgpu': () => 'This browser offers no WebGPU.',
  'no-adapter': () => 'The browser has WebGPU but found no graphics adapter for it.',
  'gpu-not-asked': () => 'The graphics adapter was not asked.',
  'emulated-adapter': ({ adapter }: { adapter: string }) =>
    `The only graphics adapter (${adapter}) is emulated in software, slower than the CPU.`,
  'adapter-wrong': ({ adapter, said }: { adapter: string; said: string }) =>
    `The graphics adapter (${adapter}) failed a small test: ${said}.`,
  'adapter-dead': ({ said }: { said: string }) => `The graphics adapter could not be started (${said}).`,
  'adapter-lacks': ({ adapter, features }: { adapter: string; features: string }) =>
    `The graphics adapter (${adapter}) lacks ${features}.`,
  'adapter-lost': ({ said }: { said: string }) =>
    `The graphics adapter went away (${said || 'no reason given'}). Try again: the model starts anew.`,
  'no-simd': () => 'This browser has no WebAssembly SIMD. Use a newer one: Chrome or Edge 91, Firefox 89, Safari 16.4.',
  'no-segmenter': () =>
    "This model's tokenizer needs Intl.Segmenter. Use a newer browser: Chrome 87, Firefox 125, Safari 14.1.",
  'no-relaxed-simd': () => 'Relaxed SIMD is not there, or not exact with 8 bits, on this machine.',
  'no-disk': () => 'This browser gives the page no disk of its own (a private window?), so it cannot keep models.',

  // Which variant runs
  'cannot-run': ({ model }: { model: string }) => `${model} cannot run in this browser.`,
  'no-device': ({ model, device, other }: { model: string; device: string; other: string }) =>
    `${model} has nothing for the device "${device}". Ask for "${other}" or "auto".`,
  'gpu-program': ({ variant }: { variant: string }) =>
    `The backend "simd" computes on the CPU, and ${variant} is for WebGPU.`,
  'no-program': ({ variant }: { variant: string }) =>
    `${variant} has no program for the backend "simd": its family is not one that the kernels know, or an older exporter ` +
    'made it. Export the bundle again, or leave the backend to the engine.',
  'wrong-program': ({ said }: { said: string }) => `${said}. Export the bundle again, or update SLM Playground.`,
  'unknown-parts': ({ parts }: { parts: string }) => `This graph has parts that the engine does not know (${parts}).`,
  'no-kernels': ({ said }: { said: string }) => `This browser cannot run the CPU kernels (${said}). Update it.`,
  'no-cache': () =>
    'This graph keeps no cache of keys and values as the engine knows them. Use an export with a cache.',
  'not-merged': () =>
    'This encoder-decoder is no merged export with a cache in 32-bit floats. Use decoder_model_merged.onnx.',
  'no-start': ({ variant, said }: { variant: string; said: string }) => `${variant} could not be started (${said}).`,
  'self-test': ({ variant }: { variant: string }) => `${variant} failed its self-test on this device:`,
  'no-numbers': () => 'its first answer has logits that are no numbers.',
  'numbers-off': ({ by, allowed }: { by: number; allowed: number }) =>
    `its numbers are off by ${by.toFixed(3)} where ${allowed.toFixed(3)} is allowed.`,
  'token-wrong': ({ place }: { place: number }) => `token ${place} of its test answer is wrong.`,
  'token-alone': () => 'a token alone gives other numbers than among others.',
  'pieces-differ': ({ by }: { by: number }) =>
    `a longer prompt computed at once and in pieces differs by ${by.toFixed(3)}.`,
  'numbers-count': ({ found, expected }: { found: number; expected: number }) =>
    `it gives ${found} numbers instead of ${expected}.`,

  // What did not work while it ran, and what to do then
  'run-failed': ({ said }: { said: string }) => `ONNX Runtime could not run the model (${said}).`,
  'call-failed': ({ said }: { said: string }) => `The engine could not do this (${said}).`,
  'measuring-failed': ({ said }: { said: string }) => `The device could not be measured (${said}).`,
  'keeping-failed': ({ said }: { said: string }) => `The browser could not keep the model (${said}).`,
  'engine-stopped': ({ said }: { said: string }) =>
    `The engine stopped unexpectedly${said && `: ${said}`}. Try again; if it happens again, reload the page.`,
  'answer-unreadable': () =>
    'The engine sent an answer that cannot be read. Try again; if it happens again, reload the page.',
  'free-memory': () => 'Close other tabs, or choose a smaller model.',
  'start-anew': () => 'Try again: the model starts anew on it.',
  'please-report': () => 'Reload the page; if it happens again, please report it.',

  // Files
  'no-model-there': ({ url }: { url: string }) =>
    `There is no model at ${url} (manifest.json was not found). Check the address, or export the model.`,
  'no-graph-there': ({ url, graphs }: { url: string; graphs: string }) =>
    `There is a config.json at ${url} but no ${graphs}. ` +
    'Take a repository that transformers.js loads, or make a bundle of the model: slm-export model SOURCE.',
  'odd-repository': ({ url, said }: { url: string; said: string }) =>
    `${url}: ${said}. Use a repository that transformers.js can load.`,
  'not-asked': ({ url }: { url: string }) => `${url} could not be asked for. Check the address.`,
  'no-answer': ({ path }: { path: string }) =>
    `${path} could not be downloaded: the server did not answer. Check that it still runs, then try again.`,
  'refused-file': ({ path, answer }: { path: string; answer: string }) =>
    `${path} could not be downloaded: the server answered ${answer}. Export or download the bundle again.`,
  'download-broke': ({ path }: { path: string }) => `The connection broke while ${path} was downloading. Try again.`,
  'reading-broke': ({ path }: { path: string }) =>
    `The connection broke while ${path} was read. Check that the server still runs, then try again.`,
  'changed-file': ({ path }: { path: string }) => `${path} changed while it was read. Load the model again.`,
  'wrong-checksum': ({ path }: { path: string }) => `${path} does not have the checksum that the manifest gives.`,
  'wrong-whole': ({ path }: { path: string }) =>
    `${path} does not have the checksum that the manifest gives, although its parts have theirs.`,
  'too-short': ({ path, bytes }: { path: string; bytes: number }) => `${path} is shorter than ${bytes} bytes.`,
  'cut-short': ({ path, found, expected }: { path: string; found: number; expected: number }) =>
    `${path} ended after ${found} of ${expected} bytes.`,
  'too-long': ({ path }: { path: string }) => `${path} is longer than the manifest says.`,
  'changed-download': ({ path }: { path: string }) => `${path} changed while it was downloading.`,
  'download-again': () => 'The file is damaged or was cut short: download or export the bundle again.',
  'other-file': ({ path }: { path: string }) =>
    `${path} is not the file that the manifest lists. Copy the folder again.`,
  'short-file': ({ path, found, expected }: { path: string; found: number; expected: number }) =>
    `${path} has ${found} bytes where its program expects ${expected}. Export the bundle again.`,
  'no-manifest-chosen': () => 'These files hold no manifest.json. Choose the folder of an exported bundle.',
  'missing-file': ({ path }: { path: string }) => `${path} is missing. Choose the whole folder of the bundle.`,
  'no-checksums': ({ model }: { model: string }) =>
    `${model} has no checksums, so it cannot be kept safely. Add it to the models folder instead.`,
  'no-disk-room': ({ path, megabytes }: { path: string; megabytes: number }) =>
    `The browser's disk space for this page has no room for ${path || 'the model'}${megabytes > 0 ? ` (${megabytes} MB)` : ''}. ` +
    'Remove models that it keeps and you do not need, or free disk space, then try again.',

  // The bundle
  'not-json': ({ path }: { path: string }) =>
    `${path}: is not JSON. The file is damaged: export or download the bundle again.`,
  'other-format': ({ path, known, found }: { path: string; known: number; found: string }) =>
    `${path}: format: this version reads format ${known}, found ${found}. ` +
    'The bundle was made by another version: update SLM Playground, or export the bundle again.',
  'bad-field': ({ path, field, expected, found }: { path: string; field: string; expected: string; found: string }) =>
    `${path}: ${field}: expected ${expected}, found ${found}. Export the bundle again.`,
  'missing-field': ({ field }: { field: string }) => `${field}: is missing. Export the bundle again.`,
  'unlisted-file': ({ path }: { path: string }) => `files: ${path} is not listed. Export the bundle again.`,
  'missing-slot': ({ name }: { name: string }) => `The model's graph has no "${name}". Export it again.`,
  'other-layers': ({ layers }: { layers: number }) =>
    `The model's graph does not have ${layers} layers as its manifest says. Export the bundle again.`,
  'bad-template': () => "The bundle's chat template cannot be read. Export the bundle again.",
  'bad-tokenizer': () => "The bundle's tokenizer cannot be read. Export the bundle again.",

  // Memory
  'no-heap': ({ megabytes }: { megabytes: number }) =>
    `The browser gave no more memory (${megabytes} MB asked). Close other tabs.`,
  'no-heap-for-file': ({ path, megabytes }: { path: string; megabytes: number }) =>
    `The browser has no room for ${path} (${megabytes} MB). Close other tabs, then try again.`,
  'no-gpu-memory': ({ variant, said }: { variant: string; said: string }) =>
    `The graphics adapter has no memory for ${variant} (${said}). Close other tabs.`,
  'no-memory-for-text': ({ tokens }: { tokens: number }) =>
    `There is not enough memory for a text of ${number(tokens)} tokens. ` +
    'Shorten it or start a new chat; closing other tabs helps too.',
  'no-memory-for-chat': ({ megabytes }: { megabytes: number }) =>
    `The browser has no ${megabytes} MB more for this conversation. Start a new one, or close other tabs.`,
  'beyond-wasm': ({ megabytes }: { megabytes: number }) =>
    `This model needs ${megabytes} MB of memory in one piece on the CPU, more than WebAssembly's 4 GB. Take a smaller model.`,
  'no-wasm-memory': ({ megabytes }: { megabytes: number }) =>
    `This model needs ${megabytes} MB of memory in one piece on the CPU, and the browser has not got it. ` +
    'Close other tabs, or take less.',
  'weights-fill-wasm': ({ gigabytes }: { gigabytes: string }) =>
    `The model's weights (${gigabytes} GB) leave no room in the 4 GB that WebAssembly has. Take a smaller model.`,
  'beyond-budget': ({ needs, free }: { needs: number; free: number }) =>
    `The model needs about ${number(needs)} MiB of memory and ${number(free)} MiB of the budget are free. ` +
    'Choose a smaller model, or close another one.',

  // What a model cannot do
  'reads-only': ({ model, task }: { model: string; task: ReadingTask | null }) =>
    `${model} reads texts and does not write any. Use ${task ? CALLS[task] : 'another model'}, or load a chat model.`,
  'cannot-read': ({ model, wanted, task }: { model: string; wanted: ReadingCall; task: ReadingTask | null }) =>
    `${model} cannot ${wanted}: that takes ${NEEDS[wanted]}. ` +
    `${task ? `Use ${CALLS[task]}` : 'It writes texts: use engine.completions or engine.chat'}.`,
  'no-continuing': ({ model }: { model: string }) =>
    `${model} answers texts and does not continue them: load a decoder model for suggestions.`,
  'no-chat-format': ({ model }: { model: string }) =>
    `${model} continues text and has no chat format: use completions instead.`,
  'odd-messages': ({ said }: { said: string }) => `The model's chat template does not accept these messages (${said}).`,
  'no-word-places': () => 'This tokenizer does not say where words are: tags need a WordPiece tokenizer.',
  'no-tools': ({ model }: { model: string }) =>
    `tools: ${model} has no place for tools in its chat template. Use a model that was trained ` +
    'for them, such as Qwen2.5, Llama 3.2 or SmolLM3, or leave tools out.',
  'empty-prompt': () => 'The prompt is empty: the model needs something to go on.',
  'prompt-too-long': ({ tokens, most }: { tokens: number; most: number }) =>
    `The prompt has ${number(tokens)} tokens and the model reads at most ${number(most)}. Shorten it, or start a new chat.`,

  // The shape of an answer
  'schema-not-json': ({ said }: { said: string }) => `The JSON schema is not JSON: ${said}.`,
  'schema-unsupported': ({ where, advice }: { where: string; advice: string }) =>
    `${where}: this part of JSON Schema is not supported here. ${advice}`,
  'schema-value': ({ where, expected, found }: { where: string; expected: string; found: string }) =>
    `${where}: expected ${expected}, found ${found}.`,
  'schema-nothing-there': ({ where, ref }: { where: string; ref: string }) => `${where}: there is nothing at ${ref}.`,
  'schema-involved': () =>
    'A text must meet several conditions at once (pattern, length, format) that are too involved. Leave one of them out.',
  'shape-impossible': () => 'No finite text has the wanted format: it contradicts itself, or has no end.',
  'pattern-unsupported': ({ where, what, pattern }: { where: string; what: string; pattern: string }) =>
    `${where}: ${what} in the pattern /${pattern}/ is not supported.`,
  'not-a-pattern': ({ where, said }: { where: string; said: string }) =>
    `${where}: is not a regular expression (${said}).`,
  'no-token-fits': () =>
    "The model's vocabulary has no token that the wanted format could go on with. Ask for another format, or use another model.",
  'no-spelling': () =>
    "This model's tokenizer does not say which bytes a token stands for: its answers cannot be held to " +
    'a schema or pattern. Use another model, or leave the format out.',

  /** For programmers: a wrong argument, or a state that cannot be. */
  plain: ({ said }: { said: string }) => said,
}

/** How a language words every kind. */
export type Sentences = typeof SENTENCES
export type Kind = keyof Sentences

type FactsOf<K extends Kind> = Parameters<Sentences[K]> extends [infer Facts] ? Facts : object

/** One thing that people are told: its kind and its facts, which survive `postMessage` and JSON. */
export type Reason = { [K in Kind]: { kind: K } & FactsOf<K> }[Kind]

/** The sentences of reasons in a language's words, in their order; a kind that it does not know is left out. */
export function wording(reasons: readonly Reason[], sentences: Sentences): string {
  const word = (reason: Reason) => {
    // Kind and facts belong together by `Reason`, which a lookup by its kind cannot express.
    const sentence = sentences[reason.kind] as ((facts: Reason) => string) | undefined
    return sentence?.(reason) ?? ''
  }
  return reasons.map(word).filter(Boolean).join(' ')
}
