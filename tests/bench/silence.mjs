/**
 * The page's rules of silence (web/src/engine/complete/silence.ts) for `slm-export eval autocomplete … --silence THIS_FILE`,
 * so that they are written once: Vite, which the page is built with, makes JavaScript of the modules in memory.
 *
 * In, a JSON value a line: first `{"bundle": folder, "size": tokens}`, then for each place
 * `{"before": text, "endings": [{"text": …, "pieces": [[text, probability], …]}]}`.
 * Out, a line for each place: for each ending '' or the reason why it is not shown; 'passed-over' where the engine takes a
 * shorter ending in its place. Ends with its input.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Tokenizer } from '@huggingface/tokenizers'
import { createServer } from 'vite'

const WEB = fileURLToPath(new URL('../../web', import.meta.url))

const server = await createServer({
  root: WEB,
  configFile: false,
  server: { middlewareMode: true, watch: null, hmr: false, ws: false },
  optimizeDeps: { noDiscovery: true, include: [] },
  logLevel: 'error',
})
const engine = name => server.ssrLoadModule(`/src/engine/${name}.ts`)
const { caretSilence, leastInFirstWord, repeatsItself, textSilence } = await engine('complete/silence')
const { TokenTable } = await engine('complete/tokens')
const { spell } = await engine('constraint/spelling')

let table = null
for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line)
  if (table === null) table = tableOf(said)
  else process.stdout.write(`${JSON.stringify(verdicts(said))}\n`)
}
await server.close()

function tableOf({ bundle, size }) {
  const read = name => JSON.parse(readFileSync(path.join(bundle, name), 'utf8'))
  const json = read('tokenizer.json')
  return new TokenTable(spell(new Tokenizer(json, read('tokenizer_config.json')), json), size)
}

/** In the order of `complete.ts`: the caret, then which ending, then what it says. Nothing stands behind the caret. */
function verdicts({ before, endings }) {
  const place = { before, after: '' }
  const caret = caretSilence(place)
  return endings.map(({ text, pieces }) => {
    if (caret !== null) return caret
    if (repeatsItself(before, text)) return 'passed-over'
    const tokens = pieces.map(([piece, probability]) => ({ text: piece, probability }))
    const isWord = word => table.isWord(word)
    return textSilence(place, { text, leastInFirstWord: leastInFirstWord(tokens), isWord }) ?? ''
  })
}
