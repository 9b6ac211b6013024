/**
 * The engines that the benchmark compares, each behind the same three calls, in the page of a browser:
 *   load(where) → { describe, run(prompt, maxTokens), dispose() };  run → [time of each token that came, ms], promptTokens
 * A peer is used as its documentation shows it, with the settings that make it fastest here; greedy decoding everywhere.
 */

/** `where`: { threads, device: 'cpu' | 'webgpu' }; files lie under /bundle, /peers and /modules. */
export const ENGINES = {
  slm: { title: 'SLM Playground', load: loadSlm },
  'slm-ort': { title: 'SLM Playground (ONNX Runtime)', load: where => loadSlm({ ...where, backend: 'ort' }) },
  'slm-q4f16': { title: 'SLM Playground', load: where => loadSlm({ ...where, variant: 'webgpu-q4f16' }) },
  other: { title: 'Another build', load: where => loadSlm({ ...where, from: '/other/slm.js' }) },
  'other-ort': {
    title: 'Another build (ONNX Runtime)',
    load: where => loadSlm({ ...where, from: '/other/slm.js', backend: 'ort' }),
  },
  'transformersjs-q8': { title: 'transformers.js', load: where => loadTransformers({ ...where, dtype: 'q8' }) },
  'transformersjs-q4': { title: 'transformers.js', load: where => loadTransformers({ ...where, dtype: 'q4' }) },
  'transformersjs-q4f16': { title: 'transformers.js', load: where => loadTransformers({ ...where, dtype: 'q4f16' }) },
  'wllama-q8': { title: 'wllama', load: where => loadWllama({ ...where, dtype: 'Q8_0' }) },
  'wllama-q4': { title: 'wllama', load: where => loadWllama({ ...where, dtype: 'Q4_0' }) },
}

/** Which are worth comparing where. */
export const USUAL = {
  cpu: ['slm', 'slm-ort', 'transformersjs-q8', 'transformersjs-q4', 'wllama-q8'],
  webgpu: ['slm-q4f16', 'slm', 'transformersjs-q4f16', 'wllama-q4', 'wllama-q8'],
}

async function loadSlm({ threads, device, backend, variant, from = '/slm.js' }) {
  const { createEngine } = await import(from)
  const wanted = { ...(backend ? { backend } : {}), ...(variant ? { variant } : {}) }
  const engine = await createEngine({ bundle: '/bundle/', device, threads, ...wanted })
  return {
    describe: { variant: engine.info.variant, backend: engine.info.backend, threads: engine.info.threads },
    async run(prompt, max_tokens) {
      const times = []
      const stream = engine.completions.create({ prompt, max_tokens, temperature: 0, stream: true })
      for await (const { choices } of stream) if (choices[0]?.text) times.push(performance.now())
      const { promptTokens, cachedTokens, outputTokens } = engine.stats()
      if (cachedTokens > 0)
        throw new Error(`${cachedTokens} tokens of the prompt were cached: the figure would be wrong`)
      return { times, promptTokens, outputTokens }
    },
    dispose: () => engine.dispose(),
  }
}

async function loadTransformers({ threads, device, dtype }) {
  const { AutoModelForCausalLM, AutoTokenizer, env } = await import(
    '/modules/@huggingface/transformers/dist/transformers.min.js'
  )
  env.allowRemoteModels = false
  env.allowLocalModels = true
  env.localModelPath = '/peers/'
  env.backends.onnx.wasm.wasmPaths = '/modules/onnxruntime-web/dist/'
  env.backends.onnx.wasm.numThreads = threads
  const tokenizer = await AutoTokenizer.from_pretrained('transformersjs')
  const model = await AutoModelForCausalLM.from_pretrained('transformersjs', {
    dtype,
    device: device === 'webgpu' ? 'webgpu' : 'wasm',
  })
  return {
    describe: { variant: dtype, backend: device === 'webgpu' ? 'ort-webgpu' : 'ort-wasm', threads },
    async run(prompt, max_new_tokens) {
      const inputs = tokenizer(prompt)
      const times = []
      let first = true
      const streamer = {
        put() {
          if (!first) times.push(performance.now()) // the first call brings the prompt
          first = false
        },
        end() {},
      }
      await model.generate({ ...inputs, max_new_tokens, do_sample: false, streamer })
      return { times, promptTokens: inputs.input_ids.dims[1], outputTokens: times.length }
    },
    dispose: () => model.dispose(),
  }
}

async function loadWllama({ threads, device, dtype }) {
  const { Wllama } = await import('/modules/@wllama/wllama/esm/index.js')
  const wllama = new Wllama({ default: '/modules/@wllama/wllama/esm/wasm/wllama.wasm' }, { suppressNativeLog: true })
  await wllama.loadModelFromUrl(new URL(`/peers/wllama/model-${dtype.toLowerCase()}.gguf`, location.href).href, {
    n_ctx: 2048,
    n_threads: threads,
    n_gpu_layers: device === 'webgpu' ? 99 : 0,
  })
  return {
    describe: { variant: dtype, backend: device === 'webgpu' ? 'llama.cpp-webgpu' : 'llama.cpp-wasm', threads },
    async run(prompt, max_tokens) {
      const times = []
      let usage = null
      const options = { prompt, max_tokens, temperature: 0, cache_prompt: false, stream: true, ignore_eos: true }
      for await (const chunk of await wllama.createCompletion({
        ...options,
        stream_options: { include_usage: true },
      })) {
        if (chunk.choices[0]?.text) times.push(performance.now())
        usage = chunk.usage ?? usage
      }
      return {
        times,
        promptTokens: usage?.prompt_tokens ?? null,
        outputTokens: usage?.completion_tokens ?? times.length,
      }
    },
    dispose: () => wllama.exit(),
  }
}
