/**
 * How often the analyse page is right: its own code over the browser's engine, on the labelled texts of analyse.json (written
 * for this, small, and not what its prompts show):
 *   node tests/bench/analyse.mjs [--bundle FOLDER] [--json out.json]
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { openPage } from './page.mjs'

const { values: options } = parseArgs({
  options: { bundle: { type: 'string', default: '.data/models/smollm2-135m-instruct' }, json: { type: 'string' } },
})
const cases = JSON.parse(readFileSync(new URL('analyse.json', import.meta.url), 'utf8'))
const { page, source, close } = await openPage(options.bundle)
const modules = {
  client: source('engine/client.ts'),
  sentiment: source('tasks/analyse/sentiment.ts'),
  entities: source('tasks/analyse/entities.ts'),
  question: source('tasks/analyse/question.ts'),
}
try {
  const found = await page.evaluate(judge, [modules, cases])
  for (const [task, { right, all, ms, wrong }] of Object.entries(found)) {
    console.log(
      `${task}: ${right} of ${all} right (${((100 * right) / all).toFixed(0)} %), median ${Math.round(ms)} ms`,
    )
    for (const line of wrong) console.log(`  ${line}`)
  }
  if (options.json) writeFileSync(options.json, `${JSON.stringify(found, null, 1)}\n`)
} finally {
  await close()
}

/** Runs in the page. */
async function judge([modules, { sentiment, names, questions }]) {
  const { createEngine } = await import(modules.client)
  const { feelingOf } = await import(modules.sentiment)
  const { entitiesOf } = await import(modules.entities)
  const { answerFrom } = await import(modules.question)
  const engine = await createEngine({ bundle: '/bundle/', device: 'cpu' })
  const tally = () => ({ right: 0, all: 0, times: [], wrong: [] })
  const note = (sum, isRight, line) => {
    sum.all++
    if (isRight) sum.right++
    else sum.wrong.push(line)
  }
  const timed = async (sum, run) => {
    const start = performance.now()
    const result = await run()
    sum.times.push(performance.now() - start)
    return result
  }
  const sums = {
    sentiment: tally(),
    'names found': tally(),
    'kinds of names': tally(),
    evidence: tally(),
    answers: tally(),
  }

  for (const [text, label] of sentiment) {
    const { sentiment: said, shares } = await timed(sums.sentiment, () => feelingOf(engine, text))
    note(sums.sentiment, said === label, `${label}, said ${said} ${shares[said].toFixed(2)}: ${text}`)
  }
  for (const { text, entities } of names) {
    const said = await timed(sums['names found'], () => entitiesOf(engine, text))
    for (const [name, kind] of entities) {
      const one = said.find(entity => entity.text === name)
      note(sums['names found'], one !== undefined, `${name} not found in: ${text}`)
      if (one && kind !== 'date' && kind !== 'amount')
        note(sums['kinds of names'], one.kind === kind, `${name}: ${kind}, said ${one.kind} ${one.share.toFixed(2)}`)
    }
    for (const { text: extra } of said) {
      if (!entities.some(([name]) => name === extra)) note(sums['names found'], false, `${extra} is none in: ${text}`)
    }
  }
  for (const { text, asked } of questions) {
    for (const { question, sentence, answers } of asked) {
      const { quotations, evidence } = await timed(sums.answers, () => answerFrom(engine, { text, question }))
      const [best] = evidence
      note(sums.evidence, best.text.startsWith(sentence), `${question} → ${best.text}`)
      const [first] = quotations
      // Right where it says an accepted answer, give or take the words around it.
      const isRight = answers.some(
        answer => first.text.includes(answer) || (answer.includes(first.text) && first.text.length * 2 > answer.length),
      )
      note(sums.answers, isRight, `${question} → ${first.text} ${first.share.toFixed(2)}, not ${answers[0]}`)
    }
  }
  await engine.dispose()
  const median = times => times.sort((a, b) => a - b)[times.length >> 1] ?? 0
  return Object.fromEntries(
    Object.entries(sums).map(([task, { times, ...sum }]) => [task, { ...sum, ms: median(times) }]),
  )
}
