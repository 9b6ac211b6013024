"""States that are seen rarely, as they come about in a browser, with the tiny model: what is said, and that axe finds nothing."""

from __future__ import annotations

import re
from pathlib import Path

from axe import violations
from chatting import Chat
from playwright.sync_api import Page, Playwright, expect
from serving import StartServer, Watch
from states import empty_pdf, storage_blocked

CPU = re.compile("^CPU · int8")


def test_a_browser_that_keeps_nothing_can_chat(
    playwright: Playwright, start_server: StartServer, tiny_bundle: Path, tmp_path: Path, watch: Watch
) -> None:
    # Its locks are refused as well: an answer waited for one that never came.
    server = start_server(tiny_bundle)
    with storage_blocked(playwright, tmp_path / "profile") as context:
        watch.follow(context)
        page = context.new_page()
        chat = Chat(page)
        chat.open(server.url, CPU)
        expect(page.get_by_role("alert").get_by_text("The browser keeps nothing for this page")).to_be_visible()
        chat.choose_greedy(longest=8)
        chat.ask("Who is Alice?")
        chat.wait_for_end()
        expect(page.get_by_role("button", name="Save all as a file")).to_be_visible()
        assert violations(page) == []
        page.get_by_role("link", name="Write", exact=True).click()
        refused = page.get_by_text("The browser gives no place to keep documents")
        expect(refused).to_contain_text("storage is blocked")  # not the browser's own words, which are English in every language
        expect(page.get_by_text("Not kept")).to_be_visible()
        page.get_by_role("link", name="Chat", exact=True).click()
        expect(page.get_by_role("textbox", name="Message")).to_be_visible()


def test_a_full_context_is_told_before_and_after(page: Page, start_server: StartServer, tiny_bundle: Path) -> None:
    chat = Chat(page)
    chat.open(start_server(tiny_bundle).url, CPU)
    chat.choose_greedy(longest=9999)
    dialog = page.get_by_role("button", name="Settings", exact=True)
    dialog.click()  # closed, though no answer can be so long
    expect(page.get_by_label("Longest answer, in tokens as a number")).to_have_value("2048")
    page.get_by_label("Longest answer, in tokens as a number").fill("4")
    page.get_by_role("button", name="Done").click()
    chat.ask("Who is Alice? " * 220)
    chat.wait_for_end()
    box = page.get_by_role("textbox", name="Message")
    box.fill("And the cat? " * 220)
    expect(page.get_by_text(re.compile(r"^.*The oldest 2 messages \([\d,]+ tokens\) will be left out"))).to_be_visible()
    box.press("Enter")
    expect(chat.answer().get_by_text("The oldest 2 messages did not fit into the model’s context")).to_be_visible()
    box.fill("cat and dog " * 2500)
    expect(page.get_by_text("This does not fit, even without the older messages")).to_be_visible()
    assert violations(page) == []


def test_pdfs_that_cannot_be_read(page: Page, start_server: StartServer, tiny_bundle: Path, tmp_path: Path) -> None:
    Chat(page).open(start_server(tiny_bundle).url, CPU)
    for file, said in (
        (empty_pdf(tmp_path / "scanned.pdf"), "A scanned PDF is a picture"),
        (empty_pdf(tmp_path / "locked.pdf", locked=True), "locked.pdf is locked with a password"),
    ):
        page.locator("form.composer input[type=file]").set_input_files(file)
        expect(page.get_by_role("alert").get_by_text(said)).to_be_visible()
    assert violations(page) == []
