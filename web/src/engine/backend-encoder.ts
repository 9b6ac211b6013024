/**
 * Encoder models (BERT, DistilBERT, MiniLM) through ONNX Runtime on the CPU: one run per text, no state.
 *
 * Graph: input_ids, attention_mask and, where it has one, token_type_ids [1, n] i64 → logits [1, labels] or
 * [1, n, labels], or last_hidden_state [1, n, dimensions], f32.
 */
import { floats, int64Row } from './heap.ts'
import type { Encoder } from './manifest.ts'
import type { Session } from './session.ts'

export class EncoderBackend {
  readonly name: string
  readonly encoder: Encoder
  readonly #session: Session

  constructor(name: string, session: Session, encoder: Encoder) {
    this.name = name
    this.encoder = encoder
    this.#session = session
  }

  /** [labels], [n, labels] or [n, dimensions], row by row; the caller's to keep. */
  async run(tokens: readonly number[]): Promise<Float32Array> {
    const { runner, inputNames, outputNames } = this.#session
    const values: Record<string, number> = { attention_mask: 1, token_type_ids: 0 }
    const inputs = inputNames.map(name => {
      const value = values[name]
      const tensor = int64Row(runner, value === undefined ? tokens : new Array(tokens.length).fill(value))
      runner.setInput(name, tensor)
      return tensor
    })
    const { task, dimensions } = this.encoder
    const rows = task === 'text-classification' ? [] : [tokens.length]
    const output = runner.heapTensor('float32', [1, ...rows, dimensions])
    try {
      runner.setOutput(outputNames[0] ?? 'logits', output)
      await runner.run()
      return floats(runner, output).slice()
    } finally {
      for (const tensor of [...inputs, output]) tensor.release()
    }
  }

  dispose(): Promise<void> {
    return this.#session.dispose()
  }
}
