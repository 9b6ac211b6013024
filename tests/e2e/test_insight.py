"""Controls, microscope and comparison as a person uses them: the real server, the real model, by names and by keyboard."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Browser, Locator, Page, expect
from serving import NewPage, Server, StartServer, Watch

FRANCE = "What is the capital of France?"
MOON = "Tell me about the moon."
CPU = re.compile("^CPU · int8")
SHORT = 14


@pytest.fixture(autouse=True)
def no_gpu_here(watch: Watch) -> None:
    """The page asks for an adapter to say which ways to run a model there are; Chromium notes that there is none."""
    watch.expected.append("No available adapters")


@pytest.fixture
def chat(page: Page, real_server: Server) -> Chat:
    opened = Chat(page)
    opened.open(real_server.url, CPU)
    return opened


def open_settings(page: Page, *, advanced: bool = False) -> Locator:
    page.get_by_role("button", name="Settings", exact=True).click()
    dialog = page.get_by_role("dialog", name="Settings")
    if advanced:
        dialog.get_by_label("Advanced").check()
    return dialog


def done(page: Page) -> None:
    page.get_by_role("button", name="Done").click()


def answer_to(chat: Chat, question: str) -> str:
    chat.ask(question)
    return finished(chat)


def finished(chat: Chat) -> str:
    """The newest answer's text alone, once it is finished."""
    chat.wait_for_end()
    return chat.answer().locator(".markdown").inner_text().strip()


def tokens_of(scope: Page | Locator) -> Locator:
    """An answer's tokens, once they are shown: they may come from the browser's database."""
    tokens = scope.get_by_role("group", name=re.compile("^The answer’s tokens")).get_by_role("button")
    expect(tokens.first).to_be_visible()
    return tokens


def number(scope: Page | Locator, name: str) -> Locator:
    return scope.get_by_role("spinbutton", name=f"{name} as a number")


def test_settings_are_what_the_model_gets(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    dialog = open_settings(page, advanced=True)
    slider = dialog.get_by_role("slider", name="Temperature")
    assert slider.input_value() == "0.2" == number(dialog, "Temperature").input_value()
    number(dialog, "Temperature").fill("1.2")
    assert slider.input_value() == "1.2", "slider and number are one"
    slider.press("ArrowRight")
    assert number(dialog, "Temperature").input_value() == "1.25"
    number(dialog, "Top-p").fill("1")
    number(dialog, "Longest answer, in tokens").fill(str(SHORT))
    seed = dialog.get_by_label("Seed", exact=True)
    seed.fill("7")

    dialog.get_by_role("button", name="Save as").click()
    dialog.get_by_label("Name of the preset").fill("Wild")
    dialog.get_by_label("Name of the preset").press("Enter")
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Save as a file").click()
    file = tmp_path / "wild.json"
    download.value.save_as(file)
    saved = json.loads(file.read_text())
    assert saved["name"] == "Wild"
    assert (saved["settings"]["temperature"], saved["settings"]["seed"]) == (1.25, 7)
    done(page)

    first = answer_to(chat, MOON)
    page.get_by_role("button", name="New chat").first.click()
    assert answer_to(chat, MOON) == first, "same seed, settings and backend: the same text"
    page.reload()
    chat.is_ready(CPU)
    dialog = open_settings(page)
    seed.fill("8")
    done(page)
    page.get_by_role("button", name="New chat").first.click()
    assert answer_to(chat, MOON) != first, "another seed, another text"

    dialog = open_settings(page)
    dialog.get_by_role("button", name="Reset Seed").click()
    assert seed.input_value() == ""
    dialog.get_by_role("button", name="Delete", exact=True).or_(dialog.get_by_label("Preset", exact=True)).first.wait_for()
    dialog.get_by_label("Preset", exact=True).select_option("Wild")
    assert seed.input_value() == "7"
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog.get_by_label("Preset", exact=True).get_by_role("option")).to_have_count(1)
    dialog.locator("input[type=file]").set_input_files(file)
    expect(dialog.get_by_text("One preset was added.")).to_be_visible()
    dialog.get_by_role("button", name="Reset to defaults").click()
    assert number(dialog, "Temperature").input_value() == "0.2"


def test_an_answer_in_the_shape_of_a_schema(chat: Chat) -> None:
    page = chat.page
    dialog = open_settings(page)
    number(dialog, "Temperature").fill("0")  # the same answer each time
    dialog.get_by_label("JSON that fits a schema").check()
    editor = dialog.get_by_role("textbox", name="JSON schema")
    editor.fill('{"type": "object", ')
    expect(dialog.get_by_text("Not JSON yet")).to_be_visible()
    editor.fill('{"type": "object", "dependentSchemas": {}}')
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text(re.compile("dependentSchemas.*not supported"))).to_be_visible()
    dialog.get_by_label("Example").select_option("A rating with its reason")
    dialog.get_by_role("button", name="Check").click()
    expect(dialog.get_by_text("The engine can hold an answer to this.")).to_be_visible()
    done(page)
    chat.ask("The film was long but good.")
    expect(chat.answer().get_by_text("Complete JSON that fits the schema")).to_be_visible()
    value = json.loads(chat.answer().locator("pre").inner_text())
    assert set(value) == {"rating", "reason"}
    assert value["rating"] in ("good", "mixed", "bad")


def test_the_context_is_told_before_sending(chat: Chat) -> None:
    page = chat.page
    box = page.get_by_role("textbox", name="Message")
    box.fill("Hello")
    picture = page.get_by_role("img", name=re.compile("^Context: "))
    expect(picture).to_have_accessible_name("Context: 0 % conversation, 6 % kept for the answer")
    box.fill("word " * 2000)
    expect(picture).to_have_accessible_name(re.compile(r"^Context: 2[45] % conversation"))
    box.fill("word " * 9000)
    expect(page.get_by_text("This does not fit")).to_be_visible()


def test_a_branch_from_another_token_by_keyboard(chat: Chat) -> None:
    page = chat.page
    chat.choose_greedy(SHORT)
    text = answer_to(chat, FRANCE)
    page.get_by_role("button", name="Tokens").press("Enter")
    tokens = tokens_of(page)
    spelled = "".join(tokens.all_inner_texts())
    assert spelled == text, "the tokens are the answer"
    page.get_by_label("Show where the model was unsure").focus()
    page.keyboard.press("Tab")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(tokens.nth(3)).to_be_focused()
    expect(tokens.nth(3)).to_have_attribute("aria-pressed", "true")
    alternatives = page.get_by_role("region", name="What could have come here")
    expect(alternatives.get_by_text("Token 4 of")).to_be_visible()
    shares = [float(share) for share in re.findall(r"([\d.]+) %", alternatives.inner_text())]
    assert abs(sum(shares) - 100) < 1, shares
    prefix = "".join(tokens.all_inner_texts()[:3])
    go = alternatives.get_by_role("button", name=re.compile("^Continue from")).first
    other = (
        alternatives.get_by_role("listitem")
        .filter(has=page.get_by_role("button", name=re.compile("^Continue from")))
        .first.locator("code")
        .inner_text()
        .replace("␣", " ")
    )
    page.keyboard.press("Tab")
    expect(go).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("group", name="Version 2 of 2")).to_be_visible()
    branched = finished(chat)
    assert branched.startswith(prefix + other)
    assert branched != text

    chat.wait_until_kept()
    page.reload()
    chat.is_ready(CPU)
    assert finished(chat) == branched
    page.get_by_role("button", name="Tokens").click()
    assert "".join(tokens_of(page).all_inner_texts()) == branched, "tokens are kept with the answer, those of its beginning too"
    page.get_by_role("button", name="Previous version").click()
    expect(chat.answer().get_by_text(text)).to_be_visible()


def test_an_answer_is_made_again_from_its_address(chat: Chat) -> None:
    page = chat.page
    dialog = open_settings(page)
    number(dialog, "Temperature").fill("1.5")
    number(dialog, "Longest answer, in tokens").fill(str(SHORT))
    done(page)
    text = answer_to(chat, MOON)
    page.get_by_role("button", name="Reproduce").click()
    expect(page.get_by_role("heading", name="Reproduce an answer")).to_be_visible()
    expect(page).to_have_url(re.compile("#/compare/1[.]"))
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.get_by_role("button", name="Run what is missing").click()
    expect(page.get_by_text("The same text as the original answer.")).to_be_visible()
    expect(page.get_by_role("region", name=re.compile("^Column A")).get_by_text(text)).to_be_visible()


def test_two_ways_to_run_a_model_side_by_side(chat: Chat, tmp_path: Path) -> None:
    page = chat.page
    chat.choose_greedy(SHORT)
    page.get_by_role("link", name="Compare").click()
    column = page.get_by_role("region", name=re.compile("^Column [AB]"))
    ways = column.last.get_by_label("Runs on")
    expect(ways.locator("option:checked")).to_have_text(re.compile("^CPU · int8 · ONNX Runtime"))
    gpu = ways.get_by_role("option", name=re.compile("^WebGPU"))
    assert gpu.count() > 0
    assert all(option.is_disabled() and "not here: " in option.inner_text() for option in gpu.all())

    box = page.get_by_label("Prompt for all columns")
    box.fill(FRANCE)
    box.press("Enter")
    for shown in column.all():
        expect(shown.get_by_role("list", name="What this answer took")).to_be_visible()
        assert "Paris" in shown.inner_text()
    expect(column.last.get_by_text(re.compile("^The same text as A|^Parts from A"))).to_be_visible()

    address = page.url
    assert len(address) < 500
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as JSON").click()
    file = tmp_path / "comparison.json"
    download.value.save_as(file)
    saved = json.loads(file.read_text())
    assert [result["ran_on"]["backend"].split("-")[0] for result in saved["results"]] == ["simd", "ort"]
    page.goto("about:blank")
    page.goto(address)
    expect(ways.locator("option:checked")).to_have_text(re.compile("^CPU · int8 · ONNX Runtime"))
    for shown in column.all():
        expect(shown.get_by_text(FRANCE)).to_be_visible()
        expect(shown.get_by_text("Not asked yet")).to_be_visible()

    page.goto("about:blank")
    page.goto(address[:-9])
    expect(page.get_by_text("This link is damaged")).to_be_visible()
    expect(column).to_have_count(2)


def test_settings_against_each_other_then_a_blind_vote(chat: Chat) -> None:
    page = chat.page
    dialog = open_settings(page)
    number(dialog, "Longest answer, in tokens").fill(str(SHORT))
    dialog.get_by_label("Seed", exact=True).fill("3")
    done(page)
    page.get_by_role("link", name="Compare").click()
    column = page.get_by_role("region", name=re.compile("^Column [AB]"))
    column.last.get_by_label("Runs on").select_option(index=0)  # one engine for both
    page.get_by_role("button", name="Settings of column B").click()
    dialog = page.get_by_role("dialog", name="Settings of column B")
    number(dialog, "Temperature").fill("2")
    dialog.get_by_role("textbox", name="System prompt").fill("You are a pirate.")
    done(page)

    box = page.get_by_label("Prompt for all columns")
    box.fill(MOON)
    box.press("Enter")
    parts = column.last.get_by_text(re.compile(r"^Parts from A at token \d+:"))
    expect(parts).to_be_visible()
    place = int(re.findall(r"\d+", parts.inner_text())[0])
    for shown in column.all():
        shown.get_by_role("button", name="Tokens").click()
    texts = [tokens_of(shown).all_inner_texts() for shown in column.all()]
    assert texts[0][: place - 1] == texts[1][: place - 1]
    assert texts[0][place - 1] != texts[1][place - 1]

    page.get_by_label("Blind").check()
    box.fill(FRANCE)
    box.press("Enter")
    better = page.get_by_role("button", name="A is best")
    expect(better).to_be_visible()
    for shown in column.all():
        assert not re.search("tokens/s|pirate|temperature", shown.inner_text()), "nothing tells which is which"
    assert "#/compare/1." not in page.url or "pirate" not in page.content()
    better.press("Enter")
    expect(page.get_by_text("Your vote is counted.")).to_be_visible()
    page.get_by_role("button", name="Score sheet").click()
    row = page.get_by_role("dialog", name="Score sheet").get_by_role("row")
    expect(row).to_have_count(3)
    expect(row.nth(1)).to_contain_text("1,016")
    expect(row.filter(has_text="pirate")).to_have_count(1)


def test_webgpu_against_the_cpu(
    new_page: NewPage, chromium_webgpu: Browser, start_server: StartServer, tiny_bundle: Path
) -> None:
    page = new_page(chromium_webgpu)
    chat = Chat(page)
    chat.open(start_server(tiny_bundle).url, CPU)
    chat.choose_greedy(6)
    page.get_by_role("link", name="Compare").click()
    column = page.get_by_role("region", name=re.compile("^Column [AB]"))
    for shown, name in ((column.first, "WebGPU · q4f32"), (column.last, "CPU · int8 · own kernels")):
        way = shown.get_by_role("option", name=name)
        expect(way).to_be_enabled()
        shown.get_by_label("Runs on").select_option(way.get_attribute("value"))
    box = page.get_by_label("Prompt for all columns")
    box.fill("Who is Alice?")
    box.press("Enter")
    for shown, runs in ((column.first, "GPU · q4f32"), (column.last, "CPU · int8")):
        expect(shown.get_by_role("list", name="What this answer took").get_by_text(runs)).to_be_visible()
    expect(column.last.get_by_text(re.compile("^The same text as A|^Parts from A"))).to_be_visible()
