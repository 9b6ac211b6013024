/** The writing page by keyboard, over a scripted engine: suggestions, races, documents, keys, the trial. */
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { CompleteArgs } from '../../../web/src/engine/protocol.ts'
import { announcement } from '../../../web/src/state/announce.ts'
import { loadState } from '../../../web/src/state/engine.ts'
import { route } from '../../../web/src/state/route.ts'
import { WRITING_DEFAULTS, writing } from '../../../web/src/state/suggestions/settings.ts'
import { readTrials } from '../../../web/src/state/suggestions/trial.ts'
import { readUsage } from '../../../web/src/state/suggestions/usage.ts'
import { DEFAULT_SETTINGS } from '../../../web/src/tasks/autocomplete.ts'
import { measuredTradeOff } from '../../../web/src/tasks/autocomplete-measured.ts'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL } from '../ui/page.ts'
import { box, button, close, ghost, host, knows, SENTENCE, type, visit, written } from './visit.ts'

describe('suggestions', () => {
  it('come after a pause, Tab takes them, what follows is ready, statistics keep count across visits', async () => {
    await visit()
    await type('The quick')
    await vi.waitFor(() => expect(ghost()).toBe(' brown fox jumps'))
    await expect.element(page.getByText('Tab accepts').first()).toBeVisible()
    await userEvent.keyboard('{Tab}')
    expect(written()).toBe('The quick brown fox jumps')
    await vi.waitFor(() => expect(ghost()).toBe(' over the lazy dog'))
    await userEvent.keyboard('{Control>}{ArrowRight}{/Control}')
    expect(written()).toBe('The quick brown fox jumps over')
    expect(ghost()).toBe(' the lazy dog')
    await userEvent.keyboard('{Alt>}{Shift>}r{/Shift}{/Alt}')
    await vi.waitFor(() => expect(announcement.value).toBe('Suggestion: the lazy dog'))
    await close()
    await visit(undefined, { again: true })
    expect(readUsage()).toMatchObject({ shown: 2, savedCharacters: 21 })
    expect(written()).toBe('The quick brown fox jumps over')
    await close()
  })

  it('typing faster than answers come: no text of an older answer ever appears, one request at a time', async () => {
    let [open, most] = [0, 0]
    const answers: (() => void)[] = []
    await visit(async ({ before }) => {
      open += 1
      most = Math.max(most, open)
      await new Promise<void>(resolve => answers.push(resolve))
      open -= 1
      return knows(before)
    })
    const wrong: string[] = []
    let shown = 0
    const look = () => {
      const [now, text] = [ghost(), written()]
      if (!now) return
      shown += 1
      if (!SENTENCE.startsWith(text + now)) wrong.push(`${text}|${now}`)
    }
    const root = host()?.shadowRoot
    if (!root) throw new Error('no editor')
    const observer = new MutationObserver(look)
    observer.observe(root, { subtree: true, childList: true, characterData: true })
    await userEvent.click(box())
    for (const [at, letter] of [...SENTENCE.slice(0, 40)].entries()) {
      await userEvent.keyboard(letter)
      if (at % 3 === 2) for (const answer of answers.splice(0)) answer()
      if (at % 11 === 10) await userEvent.keyboard('{Backspace}')
      if (at % 11 === 10) await userEvent.keyboard(letter)
    }
    await vi.waitFor(() => {
      for (const answer of answers.splice(0)) answer()
      expect(ghost()).not.toBeNull()
    })
    observer.disconnect()
    expect(wrong).toEqual([])
    expect(shown).toBeGreaterThan(0)
    expect(most).toBe(1)
  })

  it('their length and the note reach the model; off and paused they do not ask', async () => {
    const asked: CompleteArgs[] = []
    await visit(async args => {
      asked.push(args)
      return knows(args.before)
    })
    await userEvent.click(page.getByLabelText('Next word'))
    await userEvent.fill(page.getByLabelText('What kind of text is this?'), 'fables')
    await vi.waitFor(() => expect(writing.value.note).toBe('fables'))
    await type('The qui')
    await vi.waitFor(() => expect(asked.at(-1)).toMatchObject({ maxWords: 1, note: 'fables' }))
    await vi.waitFor(() => expect(ghost()).toBe('ck brown fox jumps'))
    await userEvent.keyboard('{Alt>}{Shift>}p{/Shift}{/Alt}')
    expect(ghost()).toBeNull()
    expect(writing.value.pausedUntil).toBeGreaterThan(Date.now() + 4 * 60_000)
    await expect.element(page.getByText('Suggestions are paused').first()).toBeVisible()
    const before = asked.length
    await userEvent.keyboard('ck')
    expect(asked.length).toBe(before)
    await userEvent.click(button('Go on now'))
    await userEvent.click(box())
    await vi.waitFor(() => expect(ghost()).toBe(' brown fox jumps'))
    await userEvent.keyboard('{Alt>}{Shift>}s{/Shift}{/Alt}')
    expect(ghost()).toBeNull()
    await expect.element(page.getByText('Suggestions are off').first()).toBeVisible()
  })

  it('say why there is none, and where the model is missing, that and where to get one', async () => {
    await visit()
    await type('Nothing that it knows')
    await expect.element(page.getByText('Silent: not sure enough').first()).toBeVisible()
    loadState.value = { status: 'no-model' }
    await expect.element(page.getByText('Suggestions need a model that writes.').first()).toBeVisible()
    expect(page.getByRole('link', { name: 'Choose a model' }).first().element().getAttribute('href')).toBe('#/models')
    await page.viewport(420, 800)
    const edges = (name: string) => document.querySelector(name)?.getBoundingClientRect() ?? new DOMRect()
    expect(edges('.write-state a').width).toBeGreaterThan(0)
    expect(edges('.write-state a').right, 'the link is not cut off').toBeLessThan(edges('.write-state').right + 1)
    await page.viewport(1400, 900)
    await type(' and typing goes on')
    expect(written()).toBe('Nothing that it knows and typing goes on')
  })

  it('the slider asks for more or less certainty', async () => {
    const asked: number[] = []
    await visit(async ({ minConfidence, before }) => {
      asked.push(minConfidence)
      return knows(before)
    })
    const slider = page.getByLabelText('How eager').element() as HTMLInputElement // labelled by its own label
    slider.focus()
    await userEvent.keyboard('{ArrowRight}{ArrowRight}')
    const wanted = DEFAULT_SETTINGS.minConfidence - 0.02
    expect(writing.value.minConfidence).toBeCloseTo(wanted)
    await type('The')
    await vi.waitFor(() => expect(asked.at(-1)).toBeCloseTo(wanted))
    await userEvent.click(button('As measured best'))
    expect(writing.value.minConfidence).toBeNull()
    expect(Number(slider.value), 'a bug: it stayed where it was').toBeCloseTo(1 - DEFAULT_SETTINGS.minConfidence)
    await type(' quick')
    await vi.waitFor(() => expect(asked.at(-1)).toBeCloseTo(DEFAULT_SETTINGS.minConfidence))
  })

  it('the slider says what its place gives and takes, to the eye and to screen readers', async () => {
    await visit()
    const { bundle } = fakeEngine().info
    const measured = fakeEngine({ info: { bundle: { ...bundle, id: 'smollm2-135m-instruct' } } })
    loadState.value = { status: 'ready', model: MODEL, engine: measured }
    const slider = page.getByLabelText('How eager')
    const at = (least: number) => {
      const found = measuredTradeOff('smollm2-135m-instruct', least)
      if (!found) throw new Error('not measured')
      const share = (value: number) => `${(100 * value).toFixed(value < 0.01 ? 1 : 0)}%`
      return [share(found.precision), `${share(found.coverage)} of words`, `${share(found.wrongShowRate)} of words`]
    }
    for (const least of [DEFAULT_SETTINGS.minConfidence, 0.9]) {
      writing.value = { ...writing.value, minConfidence: least }
      const [right, shown, wrong] = at(least)
      const told = `Right when shown ${right}, Shown before ${shown}, Wrong before ${wrong}.`
      await expect
        .element(slider)
        .toHaveAttribute('aria-valuetext', `Shown when at least ${100 * least}% sure. ${told}`)
      await expect.element(page.getByRole('img', { name: told })).toBeVisible()
      for (const value of [right, shown, wrong]) {
        await expect
          .element(
            page
              .getByRole('definition')
              .filter({ hasText: value ?? '?' })
              .first(),
          )
          .toBeVisible()
      }
    }
    await expect.element(page.getByText('none shown yet')).toBeVisible()
  })

  it('phrases are remembered only where the user wants that, are listed and forgotten', async () => {
    const regards = async ({ before }: CompleteArgs) =>
      before.endsWith('With kind')
        ? { text: ' regards from Ada' }
        : { text: '', silentBecause: 'low-confidence' as const }
    await visit(regards)
    const accept = async () => {
      await type('{Control>}{End}{/Control}{Enter}With kind')
      await vi.waitFor(() => expect(ghost()).toBe(' regards from Ada'))
      await userEvent.keyboard('{Tab}')
    }
    await accept()
    await accept()
    expect(page.getByText('Remembered phrases').elements()).toEqual([])
    await userEvent.click(page.getByLabelText('Remember phrases from what I accept'))
    await accept()
    await accept()
    await userEvent.click(page.getByText(/^\d+ phrases$/))
    const list = page.getByRole('list', { name: 'Remembered phrases' })
    await expect.element(list.getByText('with kind regards', { exact: true })).toBeVisible()
    await userEvent.click(button('Forget “with kind regards”'))
    expect(list.getByText('with kind regards', { exact: true }).elements()).toEqual([])
    await userEvent.click(button('Forget all'))
    expect(list.elements()).toEqual([])
    expect(localStorage.getItem('slm-playground.phrases')).not.toContain('regards')
  })
})

describe('documents', () => {
  it('are made, renamed, found, deleted and brought back', async () => {
    await visit()
    await type('A lighthouse')
    const list = page.getByRole('list', { name: 'Documents' })
    await expect.element(list.getByRole('link', { name: /A lighthouse.*2 words/ })).toBeVisible()
    await userEvent.click(button('New document'))
    await vi.waitFor(() => expect(written()).toBe('')) // the other one is put away first
    await type('Something else')
    await expect.element(list.getByRole('link', { name: /Something else/ })).toHaveAttribute('aria-current', 'page')
    await userEvent.click(button('Rename “Something else”'))
    await userEvent.keyboard('My notes{Enter}')
    await expect.element(list.getByRole('link', { name: /My notes/ })).toBeVisible()
    await userEvent.fill(page.getByRole('searchbox'), 'LIGHT')
    await vi.waitFor(() => expect(list.getByRole('link').elements()).toHaveLength(1))
    await userEvent.click(list.getByRole('link', { name: /A lighthouse/ }))
    route.value = { page: 'write', rest: location.hash.split('/').at(-1) ?? '' } // the shell follows the address
    await vi.waitFor(() => expect(written()).toBe('A lighthouse'))
    await userEvent.click(button('Delete “A lighthouse”'))
    await vi.waitFor(() => expect(written()).toBe('Something else'))
    await userEvent.click(button('Undo').last())
    await vi.waitFor(() => expect(written()).toBe('A lighthouse'))
  })

  it('who goes to another page while a document is being opened stays there', async () => {
    await visit()
    const list = page.getByRole('list', { name: 'Documents' })
    await vi.waitFor(() => expect(list.getByRole('link').elements()).toHaveLength(1))
    route.value = { page: 'chat', rest: '' }
    await userEvent.click(button('New document'))
    await vi.waitFor(() => expect(list.getByRole('link').elements()).toHaveLength(2))
    expect(route.value).toEqual({ page: 'chat', rest: '' })
  })

  it('an older version is shown beside the text now, and comes back by one step that undo takes back', async () => {
    await visit()
    await type('The first text.')
    await userEvent.click(button('More'))
    await userEvent.click(page.getByRole('menuitem', { name: 'Versions' }))
    await userEvent.click(button('Keep the text as it is now'))
    await expect.element(button(/Kept by you/)).toBeVisible() // before the text changes
    await userEvent.keyboard('{Escape}')
    await type('{Control>}a{/Control}Another one.')
    await userEvent.click(button('More'))
    await userEvent.click(page.getByRole('menuitem', { name: 'Versions' }))
    await userEvent.click(button(/Kept by you/))
    await expect.element(page.getByText(/^Against the text now: \d+ characters removed/)).toBeVisible()
    await userEvent.click(button('Bring this version back'))
    await vi.waitFor(() => expect(written()).toBe('The first text.'))
    await userEvent.click(button('Undo').first())
    expect(written()).toBe('Another one.')
  })

  it('a dropped text file is opened as a document of its own; a picture is refused', async () => {
    await visit()
    await type('Mine')
    const drop = (file: File) => {
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(file)
      const inside = host()?.shadowRoot?.querySelector('.cm-content')
      inside?.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, composed: true, cancelable: true }))
    }
    drop(new File([Uint8Array.of(0x89, 0x50, 0, 0)], 'cat.png'))
    await expect.element(page.getByText(/cat.png is not a text file/)).toBeVisible()
    expect(written()).toBe('Mine')
    drop(new File(['# From a file\r\n'], 'notes.md'))
    await vi.waitFor(() => expect(written().trim()).toBe('# From a file'))
    await expect.element(page.getByRole('list', { name: 'Documents' }).getByText('Mine')).toBeVisible()
  })

  it('words are counted, focus mode shows nothing but the text and Esc brings the rest back', async () => {
    await visit()
    await type('Three words here')
    await expect.element(page.getByText('3 words', { exact: true })).toBeVisible()
    await userEvent.keyboard('{Alt>}{Shift>}ff{/Shift}{/Alt}')
    expect(button('More').elements()).toEqual([])
    await userEvent.keyboard('{Escape}')
    await expect.element(button('More')).toBeVisible()
  })
})

describe('keys', () => {
  beforeEach(() => visit())

  it('are changed by pressing them, conflicts are named, defaults come back', async () => {
    await userEvent.click(button('Keys'))
    const change = (action: string) => button(`Change the key for: ${action}`)
    await userEvent.click(change('Accept the suggestion'))
    await userEvent.keyboard('x')
    expect(announcement.value).toBe('A key that writes text needs Ctrl, Alt or ⌘.')
    await userEvent.keyboard('{F4}')
    expect(writing.value.keys.accept).toEqual(['F4'])
    await userEvent.click(change('Accept one word'))
    await userEvent.keyboard('{F4}')
    await expect.element(page.getByText('Also: Accept one word. Only one of them can work.')).toBeVisible()
    await userEvent.click(button('Reset to defaults'))
    expect(writing.value.keys).toEqual(WRITING_DEFAULTS.keys)
    expect(page.getByText(/Only one of them can work/).elements()).toEqual([])
    await userEvent.click(change('Dismiss it'))
    await userEvent.keyboard('{Alt>}d{/Alt}{Escape}')
    await type('The quick')
    await vi.waitFor(() => expect(ghost()).not.toBeNull())
    await userEvent.keyboard('{Alt>}d{/Alt}')
    expect(ghost()).toBeNull()
  })
})

describe('the typing trial', () => {
  it('is typed by keyboard and judged honestly', async () => {
    await visit(async () => ({ text: ' brown fox' }))
    await userEvent.click(button('Typing trial'))
    await userEvent.click(button('Start'))
    const mine = () => document.querySelector('.trial-box')?.shadowRoot
    for (let sentence = 0; sentence < 7; sentence++) {
      await vi.waitFor(() => expect(mine()?.activeElement).not.toBeNull())
      await userEvent.keyboard('Some words')
      const assisted = page.getByText(/^With suggestions/).elements().length > 0
      if (assisted) {
        await vi.waitFor(() => expect(mine()?.querySelector('.ghost')?.textContent).toBe(' brown fox'))
        await userEvent.keyboard('{Tab}')
      } else expect(mine()?.querySelector('.ghost')).toBeNull()
      const box = mine()
      await userEvent.keyboard('{Enter}')
      await vi.waitFor(() => expect(mine()).not.toBe(box))
    }
    await userEvent.click(button('Stop and show the result'))
    await expect.element(page.getByText(/95 % confidence interval/)).toBeVisible()
    const [trial] = readTrials()
    expect(trial?.attempts).toHaveLength(6)
    for (const { assisted, typed, takenCharacters, keystrokes } of trial?.attempts ?? []) {
      expect(typed).toBe(assisted ? 'Some words brown fox' : 'Some words')
      expect([takenCharacters, keystrokes]).toEqual(assisted ? [10, 12] : [0, 11])
    }
    expect(readUsage().shown, 'the trial is no use of its own').toBe(0)
  })
})
