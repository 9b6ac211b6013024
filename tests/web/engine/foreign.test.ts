/** What the folder of a model that others exported says of itself: read from a server, without running it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { describeBundle } from '../../../web/src/engine/foreign.ts'
import type { Manifest } from '../../../web/src/engine/manifest.ts'

let close = async () => {}
afterEach(() => close())

/** The description of a folder with these files, and a graph. */
async function described(files: Readonly<Record<string, unknown>>): Promise<Manifest> {
  const server = createServer(({ url = '' }, response) => {
    const content = url === '/model/onnx/model.onnx' ? 'graph' : files[url.replace('/model/', '')]
    response.statusCode = content === undefined ? 404 : 200
    response.end(typeof content === 'string' ? content : JSON.stringify(content))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  close = () => new Promise(resolve => server.close(() => resolve()))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return describeBundle(`http://127.0.0.1:${port}/model/`, new AbortController().signal)
}

const SENTENCES = { architectures: ['BertModel'], model_type: 'bert', hidden_size: 64, vocab_size: 1000 }

function sentences(pooling: object | null): Promise<Manifest> {
  const files = { 'config.json': SENTENCES, 'tokenizer.json': {}, 'tokenizer_config.json': {} }
  return described(pooling ? { ...files, '1_Pooling/config.json': pooling } : files)
}

// bge and other models take the first token's vector: the mean is another one, and nobody would notice.
test.each([
  [{ pooling_mode_cls_token: true, pooling_mode_mean_tokens: false, include_prompt: true }, 'cls'],
  [{ pooling_mode_mean_tokens: true }, 'mean'],
  [{ pooling_mode_max_tokens: true }, 'max'],
  [null, 'mean'],
])('a sentence encoder pools as its folder says: %j', async (pooling, expected) => {
  expect((await sentences(pooling)).encoder).toMatchObject({ task: 'embeddings', pooling: expected })
})

test('a sentence encoder that pools in a way that is not known here is refused', async () => {
  await expect(sentences({ pooling_mode_lasttoken: true })).rejects.toMatchObject({
    code: 'bad-manifest',
    message: expect.stringContaining('pooling_mode_lasttoken'),
  })
})

const ROBERTA = {
  architectures: ['RobertaForSequenceClassification'],
  model_type: 'roberta',
  max_position_embeddings: 514,
  vocab_size: 50265,
  id2label: { 1: 'good', 0: 'bad' },
}

// RoBERTa counts positions from 2: a text of 514 tokens read beyond its table.
test.each([
  [512, 512],
  [1e30, 514],
  [undefined, 514],
  ['many', 514],
])('an encoder reads no longer texts than its tokenizer allows: %s', async (allowed, tokens) => {
  const manifest = await described({
    'config.json': ROBERTA,
    'tokenizer.json': {},
    'tokenizer_config.json': { model_max_length: allowed },
  })
  expect(manifest).toMatchObject({ architecture: 'encoder', context_length: tokens })
  expect(manifest.encoder).toMatchObject({ labels: ['bad', 'good'], max_tokens: tokens })
})
