"""Corrections while writing: an essay with the real grammar model, and the rules with and without it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from serving import Server, StartServer, Watch

MARKS = """() => [...document.querySelector('.write-text')?.shadowRoot?.querySelectorAll('[data-mark]') ?? []]
  .map(mark => mark.textContent)"""
ESSAY = "She go to school every day. My brother have a dog.\n\nThe weather is nice today. `She go` is code.\n"


@dataclass(frozen=True, slots=True)
class Essay:
    """One tab with the writing page."""

    page: Page

    def open(self, server: Server, *, source: str) -> None:
        """A new document; checked by `source`. No suggestions: their model has enough tests of its own."""
        self.page.goto(f"{server.url}#/write")
        expect(self.page).to_have_url(re.compile("#/write/."))  # a document lies open: what is written before is lost
        self.page.get_by_role("checkbox", name="Suggest while I write").uncheck()
        self.page.get_by_role("button", name="Corrections").click()
        self.page.get_by_role("radio", name=source, exact=True).check()
        self.focus()

    def focus(self) -> None:
        self.page.get_by_role("textbox", name="Document text").click()

    def text(self) -> str:
        lines = "() => [...document.querySelector('.write-text').shadowRoot.querySelectorAll('.cm-line')].map(l => l.textContent)"
        written: list[str] = self.page.evaluate(lines)
        return "\n".join(written)

    def wait_for_mark(self, word: str) -> None:
        self.page.wait_for_function(f"word => ({MARKS})().includes(word)", arg=word)

    def wait_for_no_mark(self, word: str) -> None:
        self.page.wait_for_function(f"word => !({MARKS})().includes(word)", arg=word)

    def marks(self) -> list[str]:
        found: list[str] = self.page.evaluate(MARKS)
        return found

    def dismiss(self, word: str) -> None:
        self.page.get_by_role("button", name=f"Dismiss: {word}", exact=True).click()

    def wait_until_saved(self) -> None:
        expect(self.page.get_by_text("Saved on this device")).to_be_visible()


@pytest.fixture
def grammar_server(start_server: StartServer, grammar_bundle: Path) -> Server:
    """The grammar model alone: nothing else has the processor."""
    return start_server(grammar_bundle)


def test_an_essay_with_the_real_model(page: Page, grammar_server: Server) -> None:
    essay = Essay(page)
    essay.open(grammar_server, source="Both")
    page.keyboard.insert_text(ESSAY)
    essay.wait_for_mark("go")
    essay.wait_for_mark("have")
    expect(page.locator(".write-marks")).to_have_text("2 corrections")
    assert essay.marks() == ["go", "have"], "correct sentences and code have no marks"

    page.keyboard.press("Control+Home")
    page.keyboard.press("F8")
    popup = page.get_by_role("dialog", name="Correction: Grammar")
    expect(popup.get_by_text("model and rules agree")).to_be_visible()
    page.keyboard.press("Alt+Enter")
    assert essay.text().startswith("She goes to school")
    assert essay.marks() == ["have"], "the others stay"
    page.keyboard.press("Control+z")
    assert essay.text().startswith("She go to school")
    essay.wait_for_mark("go")

    essay.dismiss("have")
    essay.wait_for_no_mark("have")
    essay.wait_until_saved()
    page.reload()
    essay.wait_for_mark("go")
    expect(page.locator(".write-marks")).to_have_text("1 correction")
    assert essay.marks() == ["go"], "what was dismissed stays away"


def test_the_real_model_alone(page: Page, grammar_server: Server) -> None:
    essay = Essay(page)
    essay.open(grammar_server, source="Model")
    page.keyboard.insert_text("He go home every day.\n")
    essay.wait_for_mark("go")
    page.keyboard.press("F8")
    expect(page.get_by_role("dialog").get_by_text("found by the model")).to_be_visible()
    page.keyboard.press("Alt+Enter")
    assert essay.text() == "He goes home every day.\n"


def test_rules_without_a_model(page: Page, real_server: Server) -> None:
    essay = Essay(page)
    essay.open(real_server, source="Both")
    page.keyboard.insert_text(ESSAY)
    essay.wait_for_mark("go")
    expect(page.get_by_text("The grammar model is not here yet.").first).to_be_visible()
    expect(page.get_by_text("found by a rule").first).to_be_visible()
    page.get_by_role("radio", name="Model", exact=True).check()
    essay.wait_for_no_mark("go")
    page.get_by_role("button", name="Use rules").click()
    essay.wait_for_mark("go")


def test_rules_that_cannot_be_loaded(page: Page, watch: Watch, real_server: Server) -> None:
    watch.expected += ["net::ERR_FAILED", "Failed to fetch"]
    page.add_init_script("delete Navigator.prototype.serviceWorker")  # it asks where no route reaches
    page.route("**/*harper_wasm*", lambda route: route.abort())
    essay = Essay(page)
    essay.open(real_server, source="Rules")
    page.keyboard.insert_text(ESSAY)
    expect(page.get_by_text("The rules could not be loaded:")).to_be_visible()
    assert essay.marks() == []
    page.unroute("**/*harper_wasm*")
    page.get_by_role("button", name="Try again").click()
    essay.wait_for_mark("go")
