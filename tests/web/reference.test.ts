import { expect, test } from 'vitest'
import { declarationFile, publicDeclarations } from '../../web/declarations.ts'
import { referencePage } from '../../web/reference.ts'

const declarations = await publicDeclarations()

test('docs/api.md is what the sources say: `npm run docs` writes it anew', async () => {
  await expect(referencePage(declarations)).toMatchFileSnapshot('../../docs/api.md')
})

test('the types that are published stand on their own', () => {
  const file = declarationFile(declarations)
  expect(file).not.toMatch(/\bimport\b.*\bfrom\b/)
  expect(file).toContain('export declare function createEngine(options: EngineOptions): Promise<Engine>')
  const declared = new Set([...file.matchAll(/(?:interface|type|class) (\w+)/g)].map(([, name]) => name))
  for (const name of ['Engine', 'ChatRequest', 'Stats', 'LanguageModelSession', 'EngineError', 'StoredBundle'])
    expect(declared).toContain(name)
})
