"""A person and the real model: asks, stops, asks again, reloads, opens a second tab."""

from __future__ import annotations

import re
from itertools import pairwise

from chatting import ENDLESS, STORY, WRITTEN, Chat
from playwright.sync_api import Page, expect
from serving import Server

FRANCE = "What is the capital of France?"
CPU = re.compile("^CPU · int8")


def test_a_conversation_with_the_real_model(page: Page, real_server: Server) -> None:
    chat = Chat(page)
    chat.open(real_server.url, CPU)
    chat.choose_greedy(longest=ENDLESS)
    chat.record()

    chat.ask(FRANCE)
    assert "Paris" in chat.wait_for_end()
    seen = chat.recorded()
    assert all(len(before) < len(after) for before, after in pairwise(seen)), seen

    chat.ask(STORY)
    for characters in (40, 80, 120):  # an answer appears bit by bit
        page.wait_for_function(WRITTEN, arg=characters)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(chat.answer().get_by_text("Stopped here.")).to_be_visible()  # within one token: loop.test.ts
    stopped = chat.answer().inner_text()
    assert len(stopped) > 100, "what was written stays"

    chat.ask("Now say hello in French.")
    chat.wait_for_end()
    prompt, cached = chat.prompt_tokens()
    assert 0 < cached < prompt, "the earlier turns are not computed again"

    conversation = page.get_by_role("list", name="Conversation")
    told = conversation.inner_text()
    assert conversation.get_by_role("heading", name="You").count() == 3
    assert stopped.split("Stopped here.")[0] in told
    chat.wait_until_kept()
    page.reload()
    expect(conversation.get_by_role("heading", name="You")).to_have_count(3)
    expect(conversation).to_have_text(told, use_inner_text=True)
    chat.is_ready(CPU)


def test_two_tabs_answer_at_once(page: Page, real_server: Server) -> None:
    first, second = Chat(page), Chat(page.context.new_page())
    for chat in (first, second):
        chat.page.goto(real_server.url)
    for chat in (first, second):
        chat.is_ready(CPU)
        chat.choose_greedy()
    first.ask(FRANCE)
    second.ask(FRANCE)
    assert "Paris" in first.wait_for_end()
    assert "Paris" in second.wait_for_end()
    for chat in (first, second):
        assert chat.page.get_by_role("heading", name="You").count() == 1, "tabs do not mix"
