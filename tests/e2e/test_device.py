"""The Device page over the real server and the real model: facts, the benchmark by keyboard, its result as JSON."""

from __future__ import annotations

import json
import re

from chatting import Chat
from playwright.sync_api import Page, expect
from serving import Server

CPU = re.compile("^CPU · int8")
# Notes whether the page measured visibly: on a fast machine it is over before a slow test looks.
RECORD = """() => {
  window.wasMeasuring = false
  const look = () => { window.wasMeasuring ||= document.querySelector('progress[aria-label="Measuring…"]') !== null }
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true })
}"""


def test_the_device_is_looked_at_and_measured(page: Page, real_server: Server) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    chat = Chat(page)
    chat.open(real_server.url, CPU)
    badge = page.get_by_role("banner").get_by_role("link", name=CPU)
    badge.focus()
    badge.press("Enter")
    expect(page).to_have_title(re.compile("^Device"))
    expect(page.get_by_role("row", name="Cross-origin isolation")).to_contain_text("yes")
    expect(page.get_by_text("Expected of the model that is loaded: it writes about")).to_be_visible()

    measure = page.get_by_role("button", name="Measure")
    page.evaluate(RECORD)
    measure.focus()
    measure.press("Enter")
    copy = page.get_by_role("button", name="Copy as JSON")
    expect(copy).to_be_visible()
    assert page.evaluate("() => window.wasMeasuring")
    copy.press("Enter")
    expect(page.locator("[aria-live=polite]")).to_have_text("Copied")  # the button says so for a moment only
    result = json.loads(page.evaluate("navigator.clipboard.readText()"))
    assert result["backend"].startswith("simd-")
    assert [row["prompt_tokens"] >= least for row, least in zip(result["rows"], (32, 256, 1024), strict=True)] == [True] * 3
    for row in result["rows"]:
        assert row["prefill_share"] > 0
        assert row["decode_share"] > 0

    page.reload()
    expect(page.get_by_text("Measured with the model that is loaded: it writes")).to_be_visible()
    page.get_by_role("button", name="Forget all").click()
    expect(page.get_by_role("table", name=re.compile("SmolLM2"))).not_to_be_visible()
