"""The analyse page with the real model: what it says of the page's own examples, by keyboard, and after a change."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from serving import Server, StartServer

TRANSFORMERS = Path(__file__).resolve().parents[1] / ".fixtures" / "transformers"


def opened(page: Page, server: Server, kind: str) -> Locator:
    """The page with a kind's example, analysed; gives the result."""
    page.goto(f"{server.url}#/analyse")
    expect(page.locator(".badge.good")).to_be_visible()
    page.get_by_role("radio", name=kind).check()
    page.get_by_role("button", name="Take an example").click()
    page.get_by_role("textbox", name="Text").press("Control+Enter")
    expect(page.get_by_role("button", name="Copy as JSON")).to_be_visible()
    return page.get_by_role("region", name="Result")


def test_a_question_is_answered_by_a_quotation(page: Page, real_server: Server) -> None:
    result = opened(page, real_server, "Question")
    expect(result.locator(".analyse-answer")).to_have_text("“Sir Thomas Bouch”")
    expect(result.locator("mark").first).to_contain_text("Sir Thomas Bouch")
    expect(result.get_by_role("listitem").first).to_have_text("The bridge had been designed by Sir Thomas Bouch.")
    page.get_by_role("textbox", name="Text").fill("Something else.")
    expect(result.get_by_text("The text has changed since.")).to_be_visible()


def test_names_get_their_kinds(page: Page, real_server: Server) -> None:
    result = opened(page, real_server, "Names and dates")
    for name, kind in (("Tim Cook", "Person"), ("Apple", "Organisation"), ("Cupertino", "Place"), ("May 2027", "Date")):
        expect(result.locator("mark", has_text=name)).to_contain_text(kind)


@pytest.mark.parametrize("kind", ["Sentiment", "Summary"])
def test_the_other_examples_give_something(page: Page, real_server: Server, kind: str) -> None:
    result = opened(page, real_server, kind)
    expect(result).to_contain_text("%")


def test_models_made_for_it_answer_with_their_own_labels(page: Page, real_bundle: Path, start_server: StartServer) -> None:
    names = ("tiny-bert", "tiny-distilbert", "tiny-t5")
    page.goto(f"{start_server(real_bundle, *(TRANSFORMERS / name for name in names)).url}#/analyse")
    expect(page.locator(".badge.good")).to_be_visible()
    text = page.get_by_role("textbox", name="Text")
    text.fill("A cat sat in Paris. It was good.")
    result = page.get_by_role("region", name="Result")
    asked = (("Sentiment", "tiny-bert", "POSITIVE"), ("Names and dates", "tiny-distilbert", None), ("Summary", "tiny-t5", None))
    for kind, model, label in asked:
        page.get_by_role("radio", name=kind).check()
        page.locator("#analyse-model").select_option(model)
        page.get_by_role("button", name="Analyse", exact=True).click()
        expect(result.get_by_text(f"Answered by {model}")).to_be_visible()
        if label:
            expect(result.get_by_role("rowheader", name=label)).to_be_visible()
    page.locator("#analyse-model").select_option("")
    page.get_by_role("radio", name="Question").check()
    expect(page.locator("#analyse-model")).to_have_count(0)
