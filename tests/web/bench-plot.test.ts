/** The benchmark's picture: well-formed, every figure in it, nothing outside of it, also where an engine has none. */
import { expect, test } from 'vitest'

const { plot } = await import(/* @vite-ignore */ new URL('../bench/peers/plot.mjs', import.meta.url).href)

const figure = (median: number) => ({ median, range: [median * 0.9, median * 1.1] })
const lengths = (median: number) =>
  Object.fromEntries(
    [42, 256, 1024].map(length => [
      length,
      {
        decode_tokens_per_second: figure(median),
        prefill_tokens_per_second: figure(10 * median),
        time_to_first_token_ms: length === 256 ? null : figure(1000 / median),
      },
    ]),
  )
const REPORT = {
  model: 'Model <1B>',
  machine: { cpu: 'A & B', browser: '1.2' },
  device: 'webgpu',
  threads: 2,
  engines: {
    'slm-q4f16': { variant: 'webgpu-q4f16', backend: 'ort-webgpu-jspi', prompts: lengths(321) },
    'wllama-q4': { variant: 'Q4_0', backend: 'llama.cpp-webgpu', prompts: lengths(45.6) },
  },
}

test('every figure and engine is in it, inside of the picture, and text is escaped', () => {
  const svg: string = plot(REPORT)
  expect(svg).toContain('Model &#60;1B&#62;')
  expect(svg).toContain('A &#38; B')
  for (const said of ['321', '45.6', '3210', '456', 'SLM Playground webgpu-q4f16', 'wllama Q4_0', '1024 tokens'])
    expect(svg).toContain(said)
  const height = Number(/viewBox="0 0 960 (\d+)"/.exec(svg)?.[1])
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)]
  expect(bars.length).toBe(2 * (3 + 3 + 2) + 2) // and two in the legend
  for (const bar of bars) {
    const [x = -1, y = -1, width = -1, tall = -1] = bar.slice(1).map(Number)
    expect(Math.min(x, y, width, tall)).toBeGreaterThanOrEqual(0)
    expect(x + width).toBeLessThanOrEqual(960)
    expect(y + tall).toBeLessThanOrEqual(height)
  }
  expect(svg.split('<').length).toBe(svg.split('>').length)
})
