"""One person, several shells: chats, documents and settings are the same in each, by way of the server's data folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Browser, Locator, Page, expect
from serving import RESTARTED, NewPage, Server, StartServer, Watch
from sites import Host, hosted

from slm_playground import paths

CPU = re.compile("^CPU · int8")
# Waits until a version of a document has these words. (A promise is no condition for wait_for_function: it is true.)
KEPT = """async words => {
  const result = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })
  const database = await result(indexedDB.open('slm-playground.documents'))
  const end = performance.now() + 300_000
  for (;;) {
    if (performance.now() > end) throw new Error('No version was kept of what both wrote.')
    const texts = await result(database.transaction('version_texts').objectStore('version_texts').getAll())
    if (texts.some(text => text.includes(words))) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  database.close()
}"""


def listed(page: Page, title: str) -> Locator:
    return page.get_by_role("complementary", name="Chats").get_by_role("link", name=title)


def conversation(page: Page) -> Locator:
    return page.get_by_role("list", name="Conversation")


def shell(new_page: NewPage, chromium: Browser, server: Server) -> Chat:
    """A browser of its own: nothing is shared but the server."""
    chat = Chat(new_page(chromium))
    chat.open(server.url, CPU)
    return chat


def menu(page: Page, title: str, item: str) -> None:
    page.get_by_role("button", name=f"More for {title}", exact=True).click()
    page.get_by_role("menuitem", name=item).click()


def test_two_shells_at_once(new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path) -> None:
    server = start_server(tiny_bundle)
    one, two = (shell(new_page, chromium, server) for _ in range(2))
    one.choose_greedy(longest=8)
    one.ask("Who is Alice?")
    told = one.wait_for_end()
    listed(two.page, "Who is Alice?").click()
    expect(two.answer()).to_contain_text(told.split("\n")[1])

    # What one says arrives in the chat that is open in the other.
    two.ask("And who is Bob?")
    two.wait_for_end()
    expect(conversation(one.page)).to_contain_text("And who is Bob?")
    expect(conversation(one.page).locator("li[aria-busy]")).to_have_count(2)  # an answer comes once it has ended
    # Both answer the same question anew, at the same time: both answers stay.
    one.answer().get_by_role("button", name="Regenerate").click()
    two.answer().get_by_role("button", name="Regenerate").click()
    for chat in (one, two):
        expect(chat.page.get_by_text("3/3")).to_be_visible()

    menu(two.page, "Who is Alice?", "Rename")
    box = two.page.get_by_role("textbox", name="Title of the chat")
    box.fill("Wonderland")
    menu(one.page, "Who is Alice?", "Pin")
    box.press("Enter")
    for page in (one.page, two.page):
        expect(listed(page, "Wonderland")).to_be_visible()
        expect(page.get_by_role("complementary", name="Chats").get_by_text("Pinned")).to_be_visible()

    # Deleted here, gone there; taken back here, back there, with all of its versions.
    menu(one.page, "Wonderland", "Delete chat")
    expect(listed(two.page, "Wonderland")).to_have_count(0)
    one.page.get_by_role("button", name="Undo").click()
    listed(two.page, "Wonderland").click()
    expect(two.page.get_by_text("3/3")).to_be_visible()

    # Settings follow as well.
    one.page.get_by_role("button", name=re.compile("^Theme")).click()
    theme = one.page.evaluate("() => document.documentElement.dataset.theme")
    expect(two.page.locator(f"html[data-theme={theme}]")).to_be_attached()


def test_another_port_shows_the_same(new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path) -> None:
    server = start_server(tiny_bundle)
    one = shell(new_page, chromium, server)
    one.choose_greedy(longest=8)
    one.ask("Who is Alice?")
    one.wait_for_end()
    other = Server(server.models, server.data)
    other.start()
    try:
        # The same browser: to it this is another site, with nothing in it.
        page = one.page.context.new_page()
        two = Chat(page)
        two.open(other.url, CPU)
        listed(page, "Who is Alice?").click()
        two.ask("And who is Bob?")
        two.wait_for_end()
        expect(conversation(one.page)).to_contain_text("And who is Bob?")
    finally:
        other.stop()


def test_what_was_said_while_the_server_was_gone_arrives_later(
    new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path, watch: Watch
) -> None:
    server = start_server(tiny_bundle)
    one = shell(new_page, chromium, server)
    one.choose_greedy(longest=8)
    one.ask("Who is Alice?")
    one.wait_for_end()
    two = shell(new_page, chromium, server)
    expect(listed(two.page, "Who is Alice?")).to_be_visible()
    watch.expected += RESTARTED
    with server.process:
        server.process.kill()
    one.ask("Are you there?")
    one.wait_for_end()
    listed(two.page, "Who is Alice?").click()
    two.ask("Is anybody there?")
    two.wait_for_end()
    server.start()
    for chat in (one, two):
        # Both went on from the same answer: two versions of what was said next.
        expect(chat.page.get_by_text("2/2")).to_be_visible()


def test_documents_are_the_same_and_both_texts_are_kept(
    new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path, watch: Watch
) -> None:
    server = start_server(tiny_bundle)
    one, two = (new_page(chromium) for _ in range(2))
    one.goto(f"{server.url}#/write")
    expect(one).to_have_url(re.compile("#/write/."))
    one.get_by_role("textbox", name="Document text").click()
    one.keyboard.type("A letter to Alice.")
    two.goto(f"{server.url}#/write")
    text = two.get_by_role("textbox", name="Document text")
    two.get_by_role("list", name="Documents").get_by_role("link", name="A letter to Alice.").click()
    expect(text).to_contain_text("A letter to Alice.")
    one.keyboard.type(" More of it.")
    expect(text).to_contain_text("More of it.")

    watch.expected += RESTARTED
    with server.process:
        server.process.kill()
    one.keyboard.type(" One wrote this.")
    expect(one.get_by_text("Saved on this device")).to_be_visible()
    text.click()
    two.keyboard.press("Control+End")
    two.keyboard.type(" Two wrote that.")
    expect(two.get_by_text("Saved on this device")).to_be_visible()
    server.start()
    expect(one.get_by_role("textbox", name="Document text")).to_contain_text("Two wrote that.")
    one.evaluate(KEPT, "One wrote this.")


@pytest.fixture
def static_site() -> Iterator[str]:
    """The built page on a server that is not ours."""
    with hosted(Host(paths.static_dir())) as host:
        yield f"{host.url}/"


def test_a_static_site_is_asked_for_nothing_of_this(page: Page, static_site: str, watch: Watch) -> None:
    # There is no list of models; and Python's plain server drops a connection now and then.
    watch.expected += ["404", "ERR_CONNECTION_RESET"]
    asked: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.goto(f"{static_site}#/write")
    expect(page).to_have_url(re.compile("#/write/."))
    page.get_by_role("textbox", name="Document text").click()
    page.keyboard.type("Kept in this browser alone.")
    expect(page.get_by_text("Saved on this device")).to_be_visible()
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("button", name="Look again")).to_be_visible()
    assert asked
    assert [url for url in asked if "/api/data" in url or "/api/session" in url] == []
