/** The frame: addresses, command palette, language. */
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { offer } from '../../../web/src/state/commands.ts'
import type { ModelSummary } from '../../../web/src/state/models.ts'
import { followAddress, go, href, parse, route } from '../../../web/src/state/route.ts'
import { settings } from '../../../web/src/state/settings.ts'
import { language, speak, text } from '../../../web/src/text/index.ts'
import { PAGES } from '../../../web/src/ui/shell/pages.ts'
import { fakeEngine } from '../engine/fake.ts'
import { MODEL, openPage } from '../ui/page.ts'

describe('addresses', () => {
  it.each([
    ['', 'chat', ''],
    ['#/write/42', 'write', '42'],
    ['#/compare/a/b?c', 'compare', 'a/b?c'],
    ['#/nowhere/7', 'chat', ''],
    ['#models', 'chat', ''],
    ['#/models', 'models', ''],
  ])('%s is page %s, rest "%s"', (hash, name, rest) => {
    expect(parse(hash)).toEqual({ page: name, rest })
  })

  it('back and forward lead through the pages that were visited; a replaced one is no step', async () => {
    const stop = followAddress()
    go('chat', 'first')
    go('models')
    go('models', 'x', { replace: true })
    expect(location.hash).toBe(href('models', 'x'))
    const arrival = new Promise(resolve => addEventListener('popstate', resolve, { once: true }))
    history.back()
    await arrival
    expect(route.value).toEqual({ page: 'chat', rest: 'first' })
    stop()
  })
})

describe('command palette', () => {
  const box = () => page.getByRole('combobox', { name: text.value.shell.commands.search })

  beforeEach(async () => {
    await speak('en')
    await openPage(async () => fakeEngine({})).load()
  })

  it('opens by keyboard, finds by words in any order, runs what is chosen, and closes', async () => {
    const done: string[] = []
    const stop = offer([
      { id: 'one', name: () => 'Polish the teapot', keys: 'Ctrl+9', act: () => void done.push('one') },
      { id: 'two', name: () => 'Polish the spoon', act: () => void done.push('two') },
    ])
    await userEvent.keyboard('{Control>}k{/Control}')
    await expect.element(box()).toHaveFocus()
    await userEvent.keyboard('the polish')
    expect(
      page
        .getByRole('option')
        .elements()
        .map(element => element.textContent),
    ).toEqual(['Polish the teapotCtrl+9', 'Polish the spoon'])
    await userEvent.keyboard('{ArrowDown}')
    await expect
      .element(page.getByRole('option', { name: 'Polish the spoon' }))
      .toHaveAttribute('aria-selected', 'true')
    await userEvent.keyboard('{Enter}')
    expect(done).toEqual(['two'])
    await expect.element(box()).not.toBeInTheDocument()
    stop()
    await userEvent.keyboard('{Control>}k{/Control}')
    await userEvent.keyboard('polish')
    await expect.element(page.getByText(text.value.shell.commands.none)).toBeVisible()
    await userEvent.keyboard('{Escape}')
  })

  it('goes to every page and turns the page to another language and back', async () => {
    await userEvent.keyboard('{Control>}k{/Control}')
    for (const { name } of PAGES) {
      await expect
        .element(page.getByRole('option', { name: text.value.shell.commands.go(text.value.shell.pages[name]) }))
        .toBeInTheDocument()
    }
    await userEvent.keyboard('deutsch{Enter}')
    expect(settings.value.language).toBe('de')
    await speak('de')
    expect(language.value).toBe('de')
    await expect.element(page.getByRole('button', { name: 'Einstellungen' })).toBeVisible()
    await speak('en')
    await expect.element(page.getByRole('button', { name: 'Settings' })).toBeVisible()
  })
})

describe('models', () => {
  /** Opens the page of models over a server that has these: what other tests have left in the browser would show else. */
  function openModels(models: readonly ModelSummary[], problem: string | null) {
    const answer = JSON.stringify({ models_dir: '', models, errors: [], problem })
    const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
      return new Response(answer, { headers: { 'Content-Type': 'application/json' } })
    })
    onTestFinished(() => fetched.mockRestore())
    openPage(async () => fakeEngine())
    go('models')
  }

  // By name, a helper for one page stood before the model that is talked to.
  it('that chat stand before those for one task', async () => {
    openModels(
      [{ ...MODEL, id: 'a-helper', url: '/models/a-helper/', name: 'A helper', tasks: ['grammar'] }, MODEL],
      null,
    )
    await expect.element(page.getByRole('listitem', { name: 'A helper' })).toBeVisible()
    const names = [...document.querySelectorAll('.model-card h3')].map(({ textContent }) => textContent)
    expect(names).toEqual([MODEL.name, 'A helper'])
  })

  it('that are missing: what is to be typed looks like it', async () => {
    openModels([], 'None. Do `make run`.')
    await expect.element(page.getByText('make run', { exact: true })).toBeVisible()
    expect(document.querySelector('main code')?.textContent).toBe('make run')
  })
})
