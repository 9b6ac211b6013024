import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { EngineError } from '../../../web/src/engine/errors.ts'
import { isSafePath, parseManifest } from '../../../web/src/engine/manifest.ts'

const folder = new URL('../../fixtures/manifests/', import.meta.url)
const names = (kind: string) => readdirSync(new URL(`${kind}/`, folder)).filter(name => name.endsWith('.json'))
const read = (kind: string, name: string) => readFileSync(new URL(`${kind}/${name}`, folder), 'utf8')

function failure(json: string): EngineError {
  try {
    parseManifest(json, 'manifest.json')
  } catch (error) {
    if (error instanceof EngineError) return error
    throw error
  }
  throw new Error('the manifest was accepted')
}

test.each(names('valid'))('valid/%s is read', name => {
  const json = read('valid', name)
  const manifest = parseManifest(json, 'manifest.json')
  expect(manifest.id).toBe(JSON.parse(json).id)
  expect(manifest.variants.map(variant => variant.name)).toEqual(
    JSON.parse(json).variants.map((variant: { name: string }) => variant.name),
  )
})

test('values come through, unknown fields do not, optional ones are null', () => {
  const full = parseManifest(read('valid', 'full.json'), 'manifest.json')
  expect(full).toEqual(JSON.parse(read('valid', 'full.json')))
  expect(parseManifest(read('valid', 'unknown-fields.json'), 'manifest.json')).toEqual(full)
  const leftOut = parseManifest(read('valid', 'optional-left-out.json'), 'manifest.json')
  expect(leftOut).toEqual(parseManifest(read('valid', 'base-model.json'), 'manifest.json'))
})

test.each(names('invalid'))('invalid/%s is refused, naming the field', name => {
  const { expect: path, manifest } = JSON.parse(read('invalid', name))
  const error = failure(JSON.stringify(manifest))
  expect(error.code).toBe('bad-manifest')
  expect(error.message.startsWith(`manifest.json: ${path}: `)).toBe(true)
  expect(error.message).toMatch(/Export the bundle again|export the bundle again/)
})

test('another format says so, whatever else is in the file', () => {
  expect(failure('{"format": 2}').message).toBe(
    'manifest.json: format: this version reads format 1, found 2. The bundle was made by another version: ' +
      'update SLM Playground, or export the bundle again.',
  )
})

test('text that is not JSON', () => {
  expect(failure('{"format": 1,').message).toMatch(/^manifest\.json: is not JSON\. The file is damaged/)
})

test.each(['a', 'a/b.onnx', 'ä b/..c', 'a.b/c..d'])('path %j is safe', path => {
  expect(isSafePath(path)).toBe(true)
})

test.each(['', '/a', 'a/', 'a//b', '.', '..', 'a/./b', 'a/../b', 'a\\b', 'C:a', 'a\0b'])('path %j is not', path => {
  expect(isSafePath(path)).toBe(false)
})
