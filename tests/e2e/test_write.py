"""Writing with the real model: suggestions while typing, Tab, undo, an input method, a long document, a closed tab."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Browser, Page, Response, expect
from serving import NewPage, Server

OPENING = "He was born in the United"
PARAGRAPH = "The lighthouse keeper walked along the beach and looked at the sea. "
WORDS_OF_LONG = 20_000
GHOST = "document.querySelector('.write-text')?.shadowRoot?.querySelector('.ghost')?.textContent ?? ''"
# The lines without what only stands over them.
TEXT = """() => {
  const told = node => {
    if (node.nodeType === Node.TEXT_NODE) return node.data
    return node.matches('.ghost, .cm-placeholder') ? '' : [...node.childNodes].map(told).join('')
  }
  return [...document.querySelector('.write-text').shadowRoot.querySelectorAll('.cm-line')].map(told).join('\\n')
}"""


@dataclass(frozen=True, slots=True)
class Writing:
    """One tab with the writing page."""

    page: Page

    def open(self, url: str) -> None:
        self.page.goto(f"{url}/#/write" if not url.endswith("/") else f"{url}#/write")
        expect(self.page.get_by_role("banner").get_by_text("CPU · int8")).to_be_visible()
        expect(self.page).to_have_url(re.compile("#/write/."))  # a document lies open
        self.focus()

    def focus(self) -> None:
        self.page.get_by_role("textbox", name="Document text").click()

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def text(self) -> str:
        written: str = self.page.evaluate(TEXT)
        return written

    def wait_for_end_of_text(self, end: str) -> None:
        """Lines out of sight are not drawn: they are there once the editor has scrolled to the caret."""
        self.page.wait_for_function(f"end => ({TEXT})().endsWith(end)", arg=end)

    def wait_for_ghost(self) -> str:
        self.page.wait_for_function(f"() => {GHOST}")
        return self.ghost()

    def ghost(self) -> str:
        shown: str = self.page.evaluate(f"() => {GHOST}")
        return shown

    def wait_until_saved(self) -> None:
        expect(self.page.get_by_text("Saved on this device")).to_be_visible()


def test_suggestions_of_the_real_model_by_keyboard(page: Page, real_server: Server) -> None:
    writing = Writing(page)
    writing.open(real_server.url)
    # At once but for the last letters: in a pause between others the model could have begun another sentence.
    page.keyboard.insert_text(OPENING[:-2])
    writing.type(OPENING[-2:])
    assert writing.wait_for_ghost().startswith(" States")
    page.keyboard.press("Control+ArrowRight")
    assert writing.text() == f"{OPENING} States"
    page.keyboard.press("Control+z")
    assert writing.text() == OPENING, "one word accepted is one step of undo"
    page.keyboard.press("Control+y")
    assert writing.text() == f"{OPENING} States"

    # Asked for by its key the model suggests something behind every one of these; what it says joins exactly.
    for start in ["Thank you very much for your let", "We look forward to ", "“I do not know,” she", "- apples\n- oran"]:
        page.keyboard.press("Control+a")
        writing.type(start)
        page.keyboard.press("Control+Space")
        suggested = writing.wait_for_ghost()
        before = writing.text()
        page.keyboard.press("Tab")
        joined = writing.text()
        assert joined == before + suggested
        assert "  " not in joined
        assert writing.page.evaluate("() => document.activeElement.className") == "write-text", "Tab stays while it accepts"

    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") != "write-text", "Esc, then Tab, leaves"

    writing.focus()
    page.keyboard.press("Control+a")
    assert writing.ghost() == ""
    writing.type("It was saved.")
    writing.wait_until_saved()
    page.reload()
    page.wait_for_function("() => document.querySelector('.write-text')?.shadowRoot?.textContent.includes('It was saved.')")


def test_an_input_method_composes_while_the_model_runs(page: Page, real_server: Server) -> None:
    writing = Writing(page)
    writing.open(real_server.url)
    writing.type(OPENING)
    writing.wait_for_ghost()
    session = page.context.new_cdp_session(page)
    for text in [" s", " st", " stá"]:
        session.send("Input.imeSetComposition", {"text": text, "selectionStart": len(text), "selectionEnd": len(text)})
        assert writing.ghost() == "", "no suggestion while an input method is open"
        assert writing.text() == OPENING + text
    session.send("Input.insertText", {"text": " States"})
    assert writing.text() == f"{OPENING} States"


def test_a_long_document_and_a_tab_that_is_closed(new_page: NewPage, chromium: Browser, real_server: Server) -> None:
    page = new_page(chromium)
    writing = Writing(page)
    writing.open(real_server.url)
    long = "\n\n".join(PARAGRAPH * 10 for _ in range(WORDS_OF_LONG // (10 * len(PARAGRAPH.split())) + 1))
    page.keyboard.insert_text(long)
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    writing.type("The last sentence is here.")
    writing.wait_for_end_of_text("\nThe last sentence is here.")
    words = f"{len(long.split()) + 5:,} words"
    expect(page.get_by_text(words, exact=True)).to_be_visible()
    writing.wait_until_saved()
    page.close(run_before_unload=False)

    again = page.context.new_page()
    again.goto(f"{real_server.url}#/write")
    expect(again.get_by_text(words, exact=True)).to_be_visible()
    Writing(again).wait_for_end_of_text("The last sentence is here.")  # the caret is where it was


def test_focus_mode_leaves_nothing_but_the_text(page: Page, real_server: Server) -> None:
    writing = Writing(page)
    writing.open(real_server.url)
    around = [
        page.get_by_role("complementary", name="Running on another device"),
        page.locator(".foot"),
        page.get_by_role("banner"),
    ]
    for part in around:
        expect(part).to_be_visible()
    page.keyboard.press("Alt+Shift+F")
    page.keyboard.press("Alt+Shift+F")
    for part in around:
        expect(part).to_be_hidden()
    writing.type("Only the text.")
    assert writing.text() == "Only the text."
    page.keyboard.press("Escape")
    for part in around:
        expect(part).to_be_visible()


def test_the_chat_page_loads_no_editor(page: Page, real_server: Server) -> None:
    scripts: list[Response] = []
    page.on("response", lambda answer: scripts.append(answer) if answer.url.endswith(".js") else None)
    page.goto(real_server.url)
    expect(page.get_by_role("textbox", name="Message")).to_be_visible()
    assert scripts
    assert not any("cm-content" in script.text() for script in scripts)
    page.get_by_role("link", name="Write").click()
    expect(page.get_by_role("textbox", name="Document text")).to_be_visible()
    assert any("cm-content" in script.text() for script in scripts)
