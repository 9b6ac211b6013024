/** Documents in the browser's real IndexedDB: nothing that was typed is lost, whatever happens between two saves. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Desk } from '../../../web/src/state/documents/desk.ts'
import { decodeFile, encodeFile } from '../../../web/src/state/documents/encoding.ts'
import { DocumentStore } from '../../../web/src/state/documents/store.ts'
import { pickFiles, readFile, writeFile } from '../../../web/src/ui/write/files.ts'

const MINUTE = 60_000
let stores: DocumentStore[] = []
let count = 0

/** A desk over a database of its own, and a clock that the test owns. */
function openDesk(name = `test-documents-${count++}`) {
  const store = new DocumentStore(name)
  stores.push(store)
  const clock = { now: Date.UTC(2026, 0, 1) }
  const desk = new Desk(store, () => clock.now)
  const type = async (text: string) => {
    desk.changed(() => ({ text, caret: text.length, words: text.split(/\s+/).filter(Boolean).length }))
    await desk.flush()
  }
  return { name, store, desk, clock, type }
}

afterEach(async () => {
  for (const store of stores) await store.close()
  stores = []
})

describe('the desk', () => {
  it('what was typed is there again for the next visit, caret and all', async () => {
    const first = openDesk()
    const id = await first.desk.create()
    await first.type('# Dear diary\n\nToday.')
    expect(first.desk.saveState.value.status).toBe('saved')
    const next = openDesk(first.name)
    await next.desk.load()
    expect(next.desk.entries.value).toMatchObject([{ id, opening: 'Dear diary', words: 4, format: 'markdown' }])
    expect(await next.desk.open(id)).toBe(true)
    expect(next.desk.opened.value).toEqual({ id, text: '# Dear diary\n\nToday.', caret: 20 })
    expect(await next.desk.open('no-such-document')).toBe(false)
  })

  it('what is typed while another document is being opened belongs to the one that it was typed into', async () => {
    const { desk, store, type } = openDesk()
    const other = await desk.create('another')
    const id = await desk.create()
    await type('before')
    const read = store.read.bind(store)
    const reading = vi.spyOn(store, 'read').mockImplementationOnce(wanted => {
      desk.changed(() => ({ text: 'before and after', caret: 16, words: 3 }))
      return read(wanted)
    })
    expect(await desk.open(other)).toBe(true)
    expect(reading).toHaveBeenCalledWith(other)
    expect((await store.read(id))?.text).toBe('before and after')
    expect((await store.read(other))?.text).toBe('another')
    expect(desk.saveState.value.status).toBe('saved')
  })

  it('what is typed into a document that is being deleted does not hold up the next one: that froze the page', async () => {
    const { desk, store, type } = openDesk()
    const other = await desk.create('another')
    const id = await desk.create()
    await type('before')
    const remove = store.remove.bind(store)
    vi.spyOn(store, 'remove').mockImplementationOnce(wanted => {
      desk.changed(() => ({ text: 'before and after', caret: 16, words: 3 }))
      return remove(wanted)
    })
    await desk.remove(id)
    expect(await desk.open(other)).toBe(true)
    expect(desk.opened.value).toMatchObject({ id: other, text: 'another' })
    expect(await store.read(id)).toBeNull()
  })

  it('of two that are asked for one after the other the latter lies open, though the first was read later', async () => {
    const { desk, store } = openDesk()
    const first = await desk.create('first')
    const second = await desk.create('second')
    await desk.create('third')
    const read = store.read.bind(store)
    let goOn = () => {}
    const isShown = new Promise<void>(resolve => {
      goOn = resolve
    })
    vi.spyOn(store, 'read').mockImplementationOnce(async wanted => {
      await isShown
      return read(wanted)
    })
    const opening = desk.open(first)
    await desk.open(second)
    goOn()
    expect(await opening).toBe(true)
    expect(desk.opened.value).toMatchObject({ id: second, text: 'second' })
  })

  it('saves by itself soon after the last key', async () => {
    const { desk, store } = openDesk()
    const id = await desk.create()
    const saved = new Promise<void>(resolve => {
      const stop = desk.saveState.subscribe(({ status }) => {
        if (status !== 'saved' || desk.entries.peek()[0]?.opening !== 'typed') return
        queueMicrotask(() => stop())
        resolve()
      })
    })
    desk.changed(() => ({ text: 'typed', caret: 5, words: 1 }))
    expect(desk.saveState.value.status).toBe('unsaved')
    await saved
    expect((await store.read(id))?.text).toBe('typed')
  })

  it('steady typing is saved every few seconds: once it was saved at every key from the first such save on', async () => {
    const { desk, store, clock } = openDesk()
    await desk.create()
    const save = vi.spyOn(store, 'save')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      for (let key = 0; key < 50; key++) {
        desk.changed(() => ({ text: 'x'.repeat(key), caret: key, words: 1 }))
        clock.now += 100
        vi.advanceTimersByTime(100)
        await store.list() // behind a save that is under way
      }
    } finally {
      vi.useRealTimers()
    }
    expect(save).toHaveBeenCalledTimes(2)
  })

  it('another tab’s text is kept as a version, not written over unseen', async () => {
    const here = openDesk()
    const id = await here.desk.create()
    await here.type('start')
    const there = openDesk(here.name)
    await there.desk.load()
    await there.desk.open(id)
    await there.type('start, and what the other tab wrote')
    await here.type('start, and what this tab wrote')
    const [mark] = (await here.desk.versions()).filter(({ reason }) => reason === 'other-tab')
    expect(mark && (await here.desk.versionText(mark.id))).toBe('start, and what the other tab wrote')
    expect((await here.store.read(id))?.text).toBe('start, and what this tab wrote')
  })

  it('a document that another tab deleted while it is written comes back', async () => {
    const here = openDesk()
    const id = await here.desk.create()
    await here.type('still')
    await here.store.remove(id)
    await here.type('still here')
    expect((await here.store.read(id))?.text).toBe('still here')
  })

  it('deleting takes versions along, undo brings all of it back', async () => {
    const { desk, store, type } = openDesk()
    const id = await desk.create()
    await type('a text')
    await desk.keepVersion()
    await desk.rename(id, 'Mine')
    const before = await store.versions(id)
    expect(before.map(({ reason }) => reason)).toEqual(['manual', 'interval'])
    const back = await desk.remove(id)
    expect([desk.entries.value, desk.opened.value, await store.versions(id)]).toEqual([[], null, []])
    await back()
    expect(desk.entries.value).toMatchObject([{ id, title: 'Mine' }])
    expect(await store.versions(id)).toEqual(before)
    expect(await store.versionText(before[0]?.id ?? 0)).toBe('a text')
  })

  it('finds words in titles and texts, whatever their case', async () => {
    const { desk, type } = openDesk()
    const first = await desk.create()
    await type('The Lighthouse keeper')
    const second = await desk.create()
    await type('nothing')
    await desk.rename(second, 'LIGHTHOUSE notes')
    expect(await desk.find(' lighthouse ')).toEqual(new Set([first, second]))
    expect(await desk.find('keeper')).toEqual(new Set([first]))
    expect(await desk.find('100%')).toEqual(new Set())
  })
})

describe('versions', () => {
  it('when it is opened again, after ten minutes, before much is removed, before an older one comes back', async () => {
    const { desk, clock, type, name } = openDesk()
    const id = await desk.create()
    const reasons = async () => (await desk.versions()).map(({ reason }) => reason)
    await type('first')
    expect(await reasons()).toEqual(['interval'])
    clock.now += 3 * MINUTE
    await type(`first ${'and much more '.repeat(60)}`)
    expect(await reasons(), 'too soon for another').toEqual(['interval'])
    clock.now += MINUTE
    await type('oops')
    expect(await reasons()).toEqual(['cut', 'interval'])
    const [cut] = await desk.versions()
    expect(cut && (await desk.versionText(cut.id))).toContain('and much more')
    clock.now += 11 * MINUTE
    await type('oops, and on')
    await desk.beforeRestore()
    expect(await reasons()).toEqual(['restored', 'interval', 'cut', 'interval'])
    await type('one more word')
    const later = openDesk(name)
    later.clock.now = clock.now + MINUTE
    await later.desk.load()
    await later.desk.open(id)
    expect((await later.desk.versions())[0]?.reason).toBe('opened')
    await later.desk.open(id)
    expect((await later.desk.versions()).length, 'the same text is kept once').toBe(5)
  })
})

describe('files', () => {
  it('Windows-1252 has its euro sign', () => {
    const bytes = Uint8Array.of(0x80, 0x20, 0xfc, 0x93)
    const decoded = decodeFile(bytes)
    expect(decoded).toMatchObject({ encoding: 'windows-1252', text: '€ ü“' })
    if (decoded) expect(encodeFile(decoded.text, decoded).bytes).toEqual(bytes)
  })

  it('opened, changed and saved: the very file, in its encoding, with its line ends', async () => {
    const folder = await navigator.storage.getDirectory()
    const handle = await folder.getFileHandle('Brief.txt', { create: true })
    const stream = await handle.createWritable()
    await stream.write(Uint8Array.of(0x47, 0x72, 0xfc, 0xdf, 0x65, 0x0d, 0x0a)) // Grüße in Windows-1252
    await stream.close()
    const pickers = Object.assign(Object.create(window), { showOpenFilePicker: async () => [handle] })
    const [picked] = await pickFiles(pickers)
    if (!picked) throw new Error('nothing picked')
    const opened = await readFile(picked)
    if ('refused' in opened) throw new Error(opened.refused)
    const { desk } = openDesk()
    const id = await desk.openFile(opened.decoded.text, opened.origin)
    const [entry] = desk.entries.value
    if (!entry) throw new Error('no document')
    expect(entry).toMatchObject({
      id,
      format: 'text',
      file: { name: 'Brief.txt', encoding: 'windows-1252', lineEnd: '\r\n' },
    })
    const question = { entry, text: 'Grüße\nan €\n', elsewhere: false, overwrite: () => false }
    const saved = await writeFile(question, pickers)
    expect(saved).toMatchObject({ becameUtf8: false, origin: { name: 'Brief.txt', encoding: 'windows-1252' } })
    const bytes = new Uint8Array(await (await handle.getFile()).arrayBuffer())
    expect(new TextDecoder('windows-1252').decode(bytes)).toBe('Grüße\r\nan €\r\n')
    if (!saved) return
    await desk.wroteFile(id, saved.origin, 'Grüße\nan €\n')
    const asked: string[] = []
    const changedMeanwhile = { ...entry, file: { ...saved.origin, modifiedAt: 1 } }
    const overwrite = (name: string) => asked.push(name) < 0
    expect(await writeFile({ ...question, entry: changedMeanwhile, overwrite }, pickers)).toBeNull()
    expect(asked, 'another program changed it: asked, and left alone').toEqual(['Brief.txt'])
  })

  it('a dialog that is closed opens nothing; a picture is refused', async () => {
    const closed = () => Promise.reject(new DOMException('closed', 'AbortError'))
    const pickers = Object.assign(Object.create(window), { showOpenFilePicker: closed, showSaveFilePicker: closed })
    expect(await pickFiles(pickers)).toEqual([])
    const picture = new File([Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0, 0)], 'a.png')
    expect(await readFile({ file: picture })).toEqual({ name: 'a.png', refused: 'not-text' })
    const { desk } = openDesk()
    await desk.create('x')
    const [entry] = desk.entries.value
    if (entry)
      expect(await writeFile({ entry, text: 'x', elsewhere: false, overwrite: () => true }, pickers)).toBeNull()
  })
})
