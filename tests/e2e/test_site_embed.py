"""`<slm-chat>` and the three lines, as embed.html shows them: in the site, and in somebody's page on another origin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from playwright.sync_api import Page, expect
from sites import ISOLATION, Host, hosted, make_site

CORS = {"Access-Control-Allow-Origin": "*"}
LISTEN = """() => {
  window.told = []
  for (const name of ['slm-progress', 'slm-ready', 'slm-answer', 'slm-error'])
    document.addEventListener(name, ({ detail }) => window.told.push([name, JSON.parse(JSON.stringify(detail))]))
}"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    root = tmp_path_factory.mktemp("embedded")
    make_site(root / "s", tiny_bundle, title="Site", pages="chat")
    return root


@pytest.fixture
def host(written: Path) -> Iterator[Host]:
    with hosted(Host(written)) as running:
        yield running


def converse(page: Page, start: str = "Start the model") -> None:
    """By keyboard alone."""
    page.evaluate(LISTEN)
    button = page.get_by_role("button", name=start)
    expect(button).to_contain_text("MB")  # told before it is downloaded
    button.press("Enter")
    box = page.get_by_role("textbox")
    expect(box).to_be_focused()
    page.keyboard.type("Hello")
    page.keyboard.press("Enter")
    page.wait_for_function("() => window.told.some(([name]) => name === 'slm-answer' || name === 'slm-error')")
    told = page.evaluate("() => window.told")
    names = [name for name, _ in told]
    assert names[0] == "slm-progress"
    assert [name for name in names if name != "slm-progress"] == ["slm-ready", "slm-answer"], told[-1]
    answer = told[-1][1]
    assert answer["question"] == "Hello"
    assert answer["stats"]["outputTokens"] > 0
    log = page.get_by_role("log")
    expect(log.get_by_role("listitem")).to_have_count(2)
    expect(log.get_by_role("listitem").nth(1)).to_contain_text(answer["answer"], use_inner_text=True)


def test_the_element_on_its_example_page(page: Page, host: Host) -> None:
    page.goto(f"{host.url}/s/embed.html")
    expect(page.locator("slm-chat")).to_have_count(1)
    assert not [path for path in host.asked if "onnx" in path], "nothing is downloaded before somebody starts it"
    converse(page)
    assert violations(page) == []
    before = list(host.asked)
    page.get_by_role("textbox").fill("Once more")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(4)
    page.wait_for_function("() => window.told.filter(([name]) => name === 'slm-answer').length === 2")
    assert host.asked == before
    page.get_by_role("button", name="New chat").click()
    expect(page.get_by_role("log").get_by_role("listitem")).to_have_count(0)


def test_the_three_lines_of_the_example_page(page: Page, host: Host, written: Path) -> None:
    page.goto(f"{host.url}/s/embed.html")
    lines = page.locator("pre").last.inner_text()
    assert len(lines.strip().splitlines()) == 3
    own = f"<!doctype html><title>Own</title><link rel=icon href=data:,><script type=module>{lines}</script>"
    (written / "s" / "own.html").write_text(own, encoding="utf-8")
    with page.expect_console_message(lambda message: message.type == "log") as logged:
        page.goto(f"{host.url}/s/own.html")
    completion = logged.value.args[0].json_value()
    assert completion["object"] == "chat.completion"
    assert completion["choices"][0]["message"]["role"] == "assistant"


@pytest.mark.parametrize("headers", [{}, ISOLATION], ids=["plain page", "isolated page"])
def test_the_element_in_a_page_of_another_origin(page: Page, written: Path, tmp_path: Path, headers: dict[str, str]) -> None:
    with hosted(Host(written, headers=CORS)) as site, hosted(Host(tmp_path, headers=headers)) as own:
        (tmp_path / "index.html").write_text(
            "<!doctype html><html lang=de><title>Eigene Seite</title><link rel=icon href=data:,>"
            f'<script type="module" src="{site.url}/s/slm-chat.js"></script>'
            f'<slm-chat bundle="{site.url}/s/models/tiny-llama/" system="Be brief." max-tokens="8" temperature="0" '
            'heading="Frag Alice" device="cpu"></slm-chat>',
            encoding="utf-8",
        )
        page.goto(f"{own.url}/")
        expect(page.get_by_role("heading", name="Frag Alice")).to_be_visible()
        converse(page, "Modell starten")
        ready = dict(page.evaluate("() => window.told"))["slm-ready"]
        assert (ready["threads"] > 1) == bool(headers), json.dumps(ready)


def test_what_is_wrong_is_said(page: Page, host: Host, written: Path) -> None:
    own = (
        "<!doctype html><html lang=en><title>Own</title><link rel=icon href=data:,><script type=module src=slm-chat.js></script>"
    )
    (written / "s" / "wrong.html").write_text(f"{own}<slm-chat></slm-chat>", encoding="utf-8")
    page.goto(f"{host.url}/s/wrong.html")
    page.get_by_role("button", name="Start the model").click()
    expect(page.get_by_text("it needs the attribute “bundle”").first).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
