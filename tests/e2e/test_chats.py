"""Chats as a person keeps them: versions, a crash in mid-stream, a server that is gone, search, files, many chats, keys only."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from chatting import ENDLESS, STORY, WRITTEN, Chat
from playwright.sync_api import Error, Page, Playwright, expect
from serving import CHROMIUM, PATIENCE_MS, QUIET, RESTARTED, Server, StartServer, Watch

CPU = re.compile("^CPU · int8")
FRANCE = "What is the capital of France?"
# Waits until so much of an answer is in the browser's database. (A promise is no condition for wait_for_function: it is true.)
PARTLY_KEPT = """async least => {
  const result = request => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result)
    request.onerror = reject
  })
  const database = await result(indexedDB.open('slm-playground.chats'))
  const end = performance.now() + 300_000
  for (;;) {
    if (performance.now() > end) throw new Error('Nothing of an answer was kept while it was written.')
    const messages = await result(database.transaction('messages').objectStore('messages').getAll())
    if (messages.some(({ state, content }) => state === 'writing' && content.length > least)) break
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  database.close()
}"""


def sidebar(page: Page) -> Any:
    return page.get_by_role("complementary", name="Chats")


def shown(page: Page) -> list[str]:
    """Texts of the conversation: questions as they were typed, answers without what stands below them."""
    found: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('.message .bubble, .message .markdown')].map(part => part.innerText.trim())"
    )
    return found


def expect_shown(page: Page, texts: list[str]) -> None:
    """Waits until the conversation is just this."""
    page.wait_for_function(
        """texts => {
          const parts = [...document.querySelectorAll('.message .bubble, .message .markdown')]
          return JSON.stringify(parts.map(part => part.innerText.trim())) === JSON.stringify(texts)
        }""",
        arg=texts,
    )


def test_versions_search_and_files(page: Page, real_server: Server, tmp_path: Path) -> None:
    chat = Chat(page)
    chat.open(real_server.url, CPU)
    chat.choose_greedy(longest=24)
    chat.ask("What is the capital of Spain?")
    chat.wait_for_end()
    before = shown(page)

    page.get_by_role("button", name="Edit").first.click()
    box = page.get_by_role("textbox", name="Your question")
    box.fill(FRANCE)
    box.press("Enter")
    assert "Paris" in chat.wait_for_end()
    chat.answer().get_by_role("button", name="Regenerate").click()
    expect(page.get_by_text("2/2").nth(1)).to_be_visible()
    chat.wait_for_end()
    after = shown(page)
    assert after[0] == FRANCE

    first = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="You"))
    first.get_by_role("button", name="Previous version").click()
    expect_shown(page, before)  # the question before its edit, with its answer
    first.get_by_role("button", name="Next version").click()
    expect_shown(page, after)
    chat.wait_until_kept()
    page.reload()
    expect_shown(page, after)

    search = page.get_by_role("searchbox", name="Search chats")
    search.fill("SPAIN")
    expect(sidebar(page)).to_contain_text("1 chat found")
    search.press("Enter")
    expect(page.get_by_role("list", name="Conversation")).to_contain_text("What is the capital of Spain?")
    search.fill("")

    page.get_by_role("button", name="All chats").click()
    with page.expect_download() as saved:
        page.get_by_role("menuitem", name="Save all as JSON").click()
    file = tmp_path / "chats.json"
    saved.value.save_as(file)
    told = shown(page)
    page.get_by_role("button", name=re.compile("^More for")).click()
    page.get_by_role("menuitem", name="Delete chat").click()
    expect(sidebar(page)).to_contain_text("No chats yet")
    page.get_by_label("Add chats from files").set_input_files(file)
    expect(sidebar(page)).to_contain_text("1 chat added")
    sidebar(page).get_by_role("navigation").get_by_role("link").click()
    expect_shown(page, told)
    page.get_by_label("Add chats from files").set_input_files(file)
    expect(sidebar(page)).to_contain_text("1 was here already")
    broken = tmp_path / "broken.json"
    broken.write_text(file.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    page.get_by_label("Add chats from files").set_input_files(broken)
    expect(sidebar(page).get_by_role("alert")).to_contain_text("broken.json is not a JSON file")


def test_a_crashed_tab_keeps_what_was_written(page: Page, real_server: Server) -> None:
    chat = Chat(page)
    chat.open(real_server.url, CPU)
    chat.choose_greedy(longest=ENDLESS)  # it is written until the tab crashes, however long the other one takes to load
    chat.ask(STORY)
    page.wait_for_function(WRITTEN, arg=80)
    page.evaluate(PARTLY_KEPT, 40)
    url = page.url
    second = page.context.new_page()
    second.goto(url)
    expect(second.get_by_text("Another tab is writing in this chat.")).to_be_visible()
    with page.expect_event("crash"), suppress(Error):  # whoever asks for the crash hears no more
        page.goto("chrome://crash")
    expect(second.get_by_text("Cut off here: the page was closed")).to_be_visible()
    kept = shown(second)[-1]
    assert len(kept) > 20
    after = Chat(second)
    after.is_ready(CPU)
    after.choose_greedy(longest=16)
    second.get_by_role("button", name="Continue", exact=True).click()
    after.wait_for_end()
    assert shown(second)[-1].startswith(kept[:20])
    assert len(shown(second)[-1]) > len(kept)


def test_an_answer_outlives_its_server(page: Page, start_server: StartServer, real_bundle: Path, watch: Watch) -> None:
    server = start_server(real_bundle)
    chat = Chat(page)
    chat.open(server.url, CPU)
    chat.choose_greedy(longest=ENDLESS)
    chat.ask(STORY)
    page.wait_for_function(WRITTEN, arg=40)
    watch.expected += RESTARTED  # also of the copy for offline use, where it was still being made
    with server.process:
        server.process.kill()
    page.wait_for_function(WRITTEN, arg=len(chat.answer().inner_text()) + 40)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(chat.answer().get_by_text("Stopped here.")).to_be_visible()
    told = chat.wait_for_end()
    chat.wait_until_kept()
    server.start()
    page.reload()
    expect(page.get_by_role("list", name="Conversation")).to_contain_text(STORY)
    chat.shows_again(told)


def test_a_full_disk_leaves_the_chat_on_the_page(
    playwright: Playwright, start_server: StartServer, tiny_bundle: Path, tmp_path: Path, watch: Watch
) -> None:
    server = start_server(tiny_bundle)
    # A profile on disk: private windows keep storage in memory and count it otherwise.
    profile = tmp_path / "profile"
    context = playwright.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS)
    try:
        context.set_default_timeout(PATIENCE_MS)
        watch.follow(context)
        page = context.new_page()
        quota = {"origin": server.url.rstrip("/"), "quotaSize": 1}
        context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", quota)
        chat = Chat(page)
        chat.open(server.url, CPU)  # the server keeps the model
        chat.choose_greedy(longest=8)
        chat.ask("Who is Alice?")
        expect(page.get_by_role("alert").filter(has_text="Chats are not kept.")).to_be_visible()
        chat.wait_for_end()
        assert len(shown(page)) == 2, "the chat goes on"
    finally:
        context.close()


def many(chats: int, messages: int) -> str:
    """A file as ChatGPT exports it: `chats` short ones, then one of `messages` messages."""

    def conversation(number: int, length: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for at in range(length):
            role = "assistant" if at % 2 else "user"
            zebra = "Here is a zebra. " if (number, at) == (chats, 3) else ""
            more = "It has **some** `Markdown` and a list:\n\n- one\n- two\n" * (1 + at % 3)
            text = f"{zebra}Chat {number}, message {at}. {more}"
            mapping[f"m{at}"] = {
                "parent": f"m{at - 1}" if at else None,
                "children": [f"m{at + 1}"] if at + 1 < length else [],
                "message": {
                    "author": {"role": role},
                    "create_time": 1.6e9 + number * 86_400 + at,
                    "content": {"content_type": "text", "parts": [text]},
                },
            }
        times = {"create_time": 1.6e9 + number * 86_400, "update_time": 1.6e9 + number * 86_400}
        return {
            "title": f"Number {number}",
            "conversation_id": f"c{number}",
            "current_node": f"m{length - 1}",
            "mapping": mapping,
            **times,
        }

    return json.dumps([*(conversation(number, 4) for number in range(chats)), conversation(chats, messages)])


def test_many_chats_and_a_long_one(page: Page, start_server: StartServer, tiny_bundle: Path, tmp_path: Path) -> None:
    page.goto(start_server(tiny_bundle).url)
    file = tmp_path / "conversations.json"
    file.write_text(many(500, 300), encoding="utf-8")
    page.get_by_label("Add chats from files").set_input_files(file)
    expect(sidebar(page)).to_contain_text("501 chats added")
    sidebar(page).get_by_role("link", name="Number 500").click()
    rows = page.locator(".message")
    expect(rows).to_have_count(300)
    expect(rows.last).to_be_in_viewport()
    assert page.locator(".message .markdown").count() < 60, "what is out of sight is not drawn"
    search = page.get_by_role("searchbox", name="Search chats")
    search.fill("ZEBRA")
    expect(sidebar(page)).to_contain_text("1 chat found")
    search.press("Enter")
    expect(page.get_by_role("list", name="Conversation").get_by_text("Here is a zebra.")).to_be_in_viewport()
    search.fill("")
    # The list grows as the reader comes near its end.
    page.wait_for_function("""() => {
        const links = [...document.querySelectorAll('.chats-list a')]
        links.at(-1)?.scrollIntoView()
        return links.some(link => link.title === 'Number 0')
    }""")
    expect(sidebar(page).get_by_role("link", name="Number 0", exact=True)).to_be_visible()


def test_by_keyboard_only(page: Page, start_server: StartServer, tiny_bundle: Path) -> None:
    chat = Chat(page)
    chat.open(start_server(tiny_bundle).url, CPU)
    chat.choose_greedy(longest=8)
    keys = page.keyboard
    keys.press("/")
    keys.type("Who is Alice?")
    keys.press("Enter")
    chat.wait_for_end()
    keys.press("Alt+ArrowUp")
    expect(chat.answer()).to_be_focused()
    keys.press("r")
    expect(page.get_by_text("2/2")).to_be_visible()
    chat.wait_for_end()
    keys.press("Alt+ArrowUp")
    keys.press("ArrowLeft")
    expect(page.get_by_text("1/2")).to_be_visible()
    expect(chat.answer()).to_be_focused()  # with the next frame
    keys.press("Alt+ArrowUp")
    keys.press("e")
    expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
    keys.press("End")
    keys.type(" And who is Bob?")
    keys.press("Enter")
    expect(page.get_by_role("list", name="Conversation")).to_contain_text("And who is Bob?")
    chat.wait_for_end()
    keys.press("Alt+ArrowUp")
    keys.press("Alt+ArrowUp")
    keys.press("Delete")
    expect(page.get_by_role("list", name="Conversation")).not_to_contain_text("Bob")
    keys.press("Control+Shift+O")
    expect(page.get_by_role("heading", name="A language model, on your own machine")).to_be_visible()
    keys.press("Control+Shift+F")
    keys.type("alice")
    expect(sidebar(page)).to_contain_text("1 chat found")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("list", name="Conversation")).to_contain_text("Who is Alice?")
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    keys.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()
