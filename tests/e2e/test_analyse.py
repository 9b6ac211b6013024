"""The analyse page with the real model: what it says of the page's own examples, by keyboard, and after a change."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect
from serving import Server


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
