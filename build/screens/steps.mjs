/** What people do on the page. Found by class where it is done in every language, by its English name elsewhere. */
export const QUESTION = 'Explain in two sentences why the sky is blue.'

export const button = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' })
export const dialog = page => page.locator('dialog[open]')
/** Opens a page, waits for the model, and puts away the notice that it runs on the CPU. */
export const open = async (page, { url }, name = 'chat') => {
  await page.goto(`${url}#/${name}`)
  await ready(page)
}
export const ready = async page => {
  await page.locator('.bar .badge.good').waitFor()
  await page.locator('aside.notice button').last().click()
}
export const go = async (page, name) => {
  await page.evaluate(to => {
    location.hash = `#/${to}`
  }, name)
  await page.locator(`nav.pages a[href="#/${name}"][aria-current=page]`).waitFor()
  await page.locator('main .page-status[role=status]').waitFor({ state: 'detached' })
}
export const send = async (page, words) => {
  await page.locator('#composer').fill(words)
  await page.locator('#composer').press('Enter')
}
export const finished = page =>
  page.locator('#app:not(:has(li[aria-busy=true])) li[aria-busy=false] .message-footer').last().waitFor()
export const ask = async (page, words) => {
  const before = await page.locator('li[aria-busy=false] .message-footer').count()
  await send(page, words)
  await page.locator('li[aria-busy=false] .message-footer').nth(before).waitFor()
}
export const newChat = async page => {
  await page.locator('.chats-head .new').click()
  await page.locator('.welcome').waitFor()
}
export const settings = async page => {
  await page.locator('nav.tools button[aria-haspopup=dialog]').nth(1).click()
  await page.locator('dialog[open], .side-panel').first().waitFor()
}
export const close = async page => {
  await page.keyboard.press('Escape')
  await dialog(page)
    .waitFor({ state: 'detached' })
    .catch(() => {})
}
export const compare = async (page, prompt) => {
  await page.locator('.compare-dock textarea').fill(prompt)
  await page.locator('.compare-dock textarea').press('Enter')
  await page.locator('.compare-dock .round:not(.stop)').waitFor()
}
export const lanes = (page, count) =>
  page
    .locator('.lanes .lane')
    .nth(count - 1)
    .waitFor()
export const type = async (page, words) => {
  await page.locator('.write-text .cm-content').click()
  await page.keyboard.press('Control+a')
  await page.keyboard.insertText(words.slice(0, -4))
  await page.keyboard.type(words.slice(-4))
}
export const example = async (page, kind) => {
  await page.locator('input[name=analyse-kind]').nth(kind).check()
  await page.locator('.analyse-form button.quiet').first().click()
  await page.locator('.analyse-form button[type=submit]').click()
  await page.locator('.analyse-result').waitFor()
}
export const attach = async (page, file) => {
  await page.locator('form.composer input[type=file]').setInputFiles(file)
  await page.locator('.attached-files li:not([aria-busy])').waitFor()
}
