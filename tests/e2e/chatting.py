"""The chat page as a person uses it: by names and roles, never by its classes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

FIGURES = re.compile(r"prompt ([\d,]+)(?: \(([\d,]+) cached\))?")
# Longer than any test waits for: the model is still writing whenever a test looks, stops it or crashes its tab.
ENDLESS = 4000
STORY = "Write a long story about a lighthouse keeper and her dog."
# That more than so many characters of an answer are shown while it is being written.
WRITTEN = "n => ([...document.querySelectorAll('li[aria-busy=true]')].at(-1)?.textContent ?? '').length > n"
# Waits for what the page had to write into its database by now. A transaction is given its turn behind those before it; the
# page begins another one when one has ended, with what has changed meanwhile: of the question, the answer, its figures.
# A site below a path has the path behind its database's name.
KEPT = """async () => {
  const { name } = (await indexedDB.databases()).find(({ name }) => name.startsWith('slm-playground.chats'))
  const database = await new Promise((resolve, reject) => {
    const opening = indexedDB.open(name)
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = reject
  })
  for (let turn = 0; turn < 4; turn++) {
    await new Promise((resolve, reject) => {
      const work = database.transaction('heads', 'readwrite')
      work.objectStore('heads').count()
      work.oncomplete = resolve
      work.onabort = reject
    })
  }
  database.close()
}"""
# Every text that the newest answer shows while it is being written.
RECORD = """() => {
  window.seen = []
  const look = () => {
    const answer = [...document.querySelectorAll('li[aria-busy]')].at(-1)
    const text = answer?.textContent ?? ''
    if (answer?.getAttribute('aria-busy') === 'true' && !text.includes('Reading your message') && text !== window.seen.at(-1)) {
      window.seen.push(text)
    }
  }
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true })
}"""


@dataclass(frozen=True, slots=True)
class Chat:
    """One tab."""

    page: Page

    def open(self, url: str, badge: str | re.Pattern[str]) -> None:
        """Open the page and wait until the model runs, as its badge says."""
        self.page.goto(url)
        self.is_ready(badge)

    def is_ready(self, badge: str | re.Pattern[str]) -> None:
        expect(self.page.get_by_role("banner").get_by_text(badge)).to_be_visible()

    def choose_greedy(self, longest: int | None = None) -> None:
        """Temperature 0 in the settings: the same answer each time; at most `longest` tokens."""
        self.page.get_by_role("button", name="Settings", exact=True).click()
        self.page.get_by_label("Temperature as a number").fill("0")
        if longest is not None:
            self.page.get_by_label("Longest answer, in tokens as a number").fill(str(longest))
        self.page.get_by_role("button", name="Done").click()

    def ask(self, question: str) -> None:
        box = self.page.get_by_role("textbox", name="Message")
        box.fill(question)
        box.press("Enter")

    def answer(self) -> Locator:
        """The newest answer."""
        return self.page.get_by_role("list", name="Conversation").locator("li[aria-busy]").last

    def wait_for_end(self) -> str:
        """The newest answer's text, once it is finished."""
        expect(self.answer().get_by_role("button", name="Regenerate")).to_be_visible()
        return self.answer().inner_text()

    def shows_again(self, told: str) -> None:
        """The newest answer is the one that `wait_for_end` told, once it is drawn again."""
        expect(self.answer()).to_have_text(told, use_inner_text=True)

    def wait_until_kept(self) -> None:
        """Until the page can be left: what it showed so far is in the browser's database."""
        self.page.evaluate(KEPT)

    def record(self) -> None:
        self.page.evaluate(RECORD)

    def recorded(self) -> list[str]:
        seen: list[str] = self.page.evaluate("() => window.seen")
        return seen

    def prompt_tokens(self) -> tuple[int, int]:
        """Of the newest answer: tokens of the prompt, and how many of them were not computed again."""
        match = FIGURES.search(self.answer().get_by_role("list", name="What this answer took").inner_text())
        assert match
        return int(match[1].replace(",", "")), int((match[2] or "0").replace(",", ""))
