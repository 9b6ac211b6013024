"""Sites that `slm-export site` wrote, in Chromium, on static hosts of several kinds: none of ours, on purpose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe import violations
from chatting import Chat
from playwright.sync_api import Page, expect
from serving import GONE, Watch
from sites import ISOLATION, Host, hosted, is_stored, make_site

CPU = re.compile("^CPU · int8")
NAMES = """async () => {
  const root = await navigator.storage.getDirectory()
  const files = []
  for await (const name of root.keys()) files.push(name)
  const databases = (await indexedDB.databases()).map(({ name }) => name)
  const locks = (await navigator.locks.query()).held.map(({ name }) => name)
  return [...Object.keys(localStorage), ...databases, ...files, ...(await caches.keys()), ...locks]
}"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Path) -> Path:
    """Sites of the tiny model below one root: `a/` and `b/`; `w/` isolates itself."""
    root = tmp_path_factory.mktemp("sites")
    said = {"example": "Tell me a story", "author": "Ada", "accent": "#ffd000", "controls": "simple"}
    make_site(root / "sub" / "a", tiny_bundle, title="Site A", pages="write,chat,device", **said)
    make_site(root / "sub" / "b", tiny_bundle, title="Site B", pages="chat,models")
    make_site(root / "w", tiny_bundle, title="Site W", pages="chat,device", isolation="worker")
    return root


@pytest.fixture
def host(written: Path) -> Iterator[Host]:
    with hosted(Host(written)) as running:
        yield running


def answers(page: Page, question: str = "Hello") -> str:
    chat = Chat(page)
    chat.ask(question)
    return chat.wait_for_end()


@pytest.mark.parametrize("ranges", [False, True], ids=["no ranges", "ranges"])
def test_any_static_server_at_a_sub_path(page: Page, host: Host, ranges: bool) -> None:
    host.ranges = ranges
    page.goto(f"{host.url}/sub/a/")
    expect(page).to_have_title("Site A")
    expect(page).to_have_url(re.compile("#/write"))  # the author's first page
    page.get_by_role("link", name="Chat", exact=True).click()
    Chat(page).is_ready(CPU)
    assert not page.evaluate("() => crossOriginIsolated")
    expect(page.get_by_text("Nothing you type leaves this device.").first).to_be_visible()
    expect(page.get_by_role("link", name="Models")).to_have_count(0)
    is_stored(page)
    before = list(host.asked)
    page.get_by_role("button", name="Tell me a story").click()
    assert Chat(page).wait_for_end()
    answers(page)
    assert host.asked == before, "after load nothing is asked for"
    assert all(path.startswith("/sub/a/") for path in before), "and before, files of this site alone"
    assert not [path for path in before if "/api/" in path]


PAGE_SAYS = {
    "chat": "Nothing you type",
    "compare": "The same prompt",
    "models": "This browser takes",
    "write": "the next words appear in grey",
    "device": "What this browser lets small models use",
}


@pytest.mark.parametrize("pages", ["chat", "compare,models", "write,device"])
def test_a_site_has_all_that_its_pages_ask_for(page: Page, tiny_bundle: Path, tmp_path: Path, pages: str) -> None:
    make_site(tmp_path / "s", tiny_bundle, pages=pages, variants="cpu-int8")
    with hosted(Host(tmp_path)) as host:
        for name in pages.split(","):
            page.goto(f"{host.url}/s/#/{name}")
            expect(page.get_by_role("main")).to_contain_text(PAGE_SAYS[name])
        Chat(page).is_ready(CPU)
        is_stored(page)
        assert host.missing == []


def test_the_second_visit_needs_no_network(page: Page, written: Path, watch: Watch) -> None:
    host = Host(written)
    with hosted(host):
        Chat(page).open(f"{host.url}/sub/b/", CPU)
        is_stored(page)
    watch.expected.append(GONE)
    page.reload()
    Chat(page).is_ready(CPU)
    expect(page).to_have_title("Site B")
    assert answers(page)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("button", name=re.compile("^Check"))).to_be_visible()


def test_two_sites_of_one_origin_share_nothing(page: Page, host: Host) -> None:
    Chat(page).open(f"{host.url}/sub/a/#/chat", CPU)
    answers(page, "Only in A")
    is_stored(page)
    mine = set(page.evaluate(NAMES))
    other = page.context.new_page()
    Chat(other).open(f"{host.url}/sub/b/", CPU)
    is_stored(other)
    expect(other.get_by_text("No chats yet.")).to_be_visible()
    both = set(other.evaluate(NAMES))
    added = both - mine
    assert len(mine) > 5
    assert len(added) > 5
    assert all("b" in name.rpartition("sub")[2] or name.startswith("slm-engine") for name in added), added
    assert not [name for name in mine if "%2Fsub%2Fb" in name or "/sub/b/" in name]
    # What one of them deletes is its own.
    kept = "async () => { const { storedBundles: all } = await import('./slm.js'); return (await all()).map(b => b.bundle) }"
    assert other.evaluate(kept) == [f"{host.url}/sub/b/models/tiny-llama/"]
    other.evaluate("async () => (await import('./slm.js')).removeStoredBundle('models/tiny-llama')")
    assert other.evaluate(kept) == []
    asked = len(host.asked)
    page.reload()
    Chat(page).is_ready(CPU)
    expect(page.get_by_role("list", name="Conversation").get_by_text("Only in A")).to_be_visible()
    assert not [path for path in host.asked[asked:] if "onnx" in path], "A's model is still there"


def test_with_headers_there_are_threads(page: Page, written: Path) -> None:
    with hosted(Host(written, headers=ISOLATION)) as host:
        Chat(page).open(f"{host.url}/sub/a/#/device", CPU)
        assert page.evaluate("() => crossOriginIsolated")
        expect(page.get_by_role("banner").get_by_text(re.compile("2 threads|3 threads|4 threads"))).to_be_attached()


def test_a_site_isolates_itself_with_one_reload(page: Page, host: Host) -> None:
    Chat(page).open(f"{host.url}/w/", CPU)
    assert page.evaluate("() => crossOriginIsolated")
    assert host.asked.count("/w/") == 2
    is_stored(page)
    page.reload()
    Chat(page).is_ready(CPU)
    assert page.evaluate("() => crossOriginIsolated")
    assert host.asked.count("/w/") == 3
    page.goto(f"{host.url}/w/embed.html")
    assert page.evaluate("() => crossOriginIsolated"), "the page beside it as well"


HINDRANCES = {
    "no service workers": "navigator.serviceWorker.register = async () => { throw new DOMException('', 'SecurityError') }",
    "no storage": "Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError') } })",
}


@pytest.mark.parametrize("hindrance", HINDRANCES)
def test_no_reload_where_isolation_cannot_be_had(page: Page, host: Host, hindrance: str) -> None:
    page.add_init_script(HINDRANCES[hindrance])
    Chat(page).open(f"{host.url}/w/", CPU)
    assert host.asked.count("/w/") == 1
    assert not page.evaluate("() => crossOriginIsolated")


def test_a_frame_cannot_be_isolated_alone_and_tries_once(page: Page, host: Host, written: Path) -> None:
    own = '<!doctype html><title>Own</title><link rel="icon" href="data:,"><iframe src="w/" width="800" height="600"></iframe>'
    (written / "frame.html").write_text(own, encoding="utf-8")
    page.goto(f"{host.url}/frame.html")
    expect(page.frame_locator("iframe").get_by_role("banner").get_by_text(CPU)).to_be_visible()
    assert host.asked.count("/w/") == 2


def test_the_large_model_is_announced_goes_on_and_stays(page: Page, real_bundle: Path, tmp_path: Path, watch: Watch) -> None:
    make_site(tmp_path / "s", real_bundle, title="SmolLM2", pages="chat", variants="cpu-int8")
    host = Host(tmp_path, stalls_at="onnx.data.001")
    with hosted(host):
        page.goto(f"{host.url}/s/")
        start = page.get_by_role("button", name=re.compile(r"^Download 1\d\d\.\d MB and start"))
        expect(start).to_be_visible()
        assert not [path for path in host.asked if "onnx" in path], "nothing large before somebody agrees"
        start.click()
        expect(page.get_by_text(re.compile(r"^(4[0-9]|5[0-9])\.\d MB of 1\d\d\.\d MB"))).to_be_visible()
        page.reload()
        go_on = page.get_by_role("button", name=re.compile(r"^Download the other \d+\.\d MB and start"))
        expect(go_on).to_be_visible()
        go_on.click()
        Chat(page).is_ready(CPU)
        assert [path for path in host.asked if re.search(r"onnx\.data\.001 bytes=4\d{7}-$", path)], "goes on where it was"
        assert [path for path in host.asked if path.endswith("onnx.data.002")], "145 MB of weights are two files of 95 MB at most"
        is_stored(page)
    watch.expected.append(GONE)
    page.reload()
    Chat(page).is_ready(CPU)
    chat = Chat(page)
    chat.choose_greedy()
    assert "Paris" in answers(page, "What is the capital of France?")


SITE_TOML = """
title = "Two models"
pages = ["chat", "write"]
tasks = ["autocomplete"]
default_model = "tiny-llama"
[per_task]
write = "qwen3"
[examples]
write = ["Down the rabbit hole"]
"""


def test_each_page_has_the_model_that_the_author_names(page: Page, tiny_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE_TOML, encoding="utf-8")
    make_site(tmp_path / "m", tiny_bundle, tiny_bundle.parent / "families" / "qwen3", config=str(tmp_path / "site.toml"))
    with hosted(Host(tmp_path)) as host:
        Chat(page).open(f"{host.url}/m/", CPU)
        model = page.get_by_role("banner").get_by_label("Model")
        expect(model).to_have_value("tiny-llama")
        page.get_by_role("link", name="Write").click()
        expect(model).to_have_value("qwen3")
        Chat(page).is_ready(CPU)
        page.get_by_role("button", name="Down the rabbit hole").click()
        expect(page.get_by_role("textbox", name="Document text")).to_contain_text("Down the rabbit hole")
        expect(page.get_by_role("list", name="Texts to begin with")).to_have_count(0)
        page.get_by_role("link", name="Chat", exact=True).click()
        expect(model).to_have_value("tiny-llama")
        Chat(page).is_ready(CPU)


def test_models_of_a_site_are_compared_side_by_side(page: Page, tiny_bundle: Path, tmp_path: Path) -> None:
    qwen = tiny_bundle.parent / "families" / "qwen3"
    make_site(tmp_path / "s", tiny_bundle, qwen, pages="compare", title="Two models", variants="cpu-int8")
    with hosted(Host(tmp_path)) as host:
        page.goto(f"{host.url}/s/")
        models = page.get_by_role("main").get_by_role("combobox", name=re.compile("^Model"))
        expect(models).to_have_count(2)
        expect(models.nth(0)).to_have_value("tiny-llama")
        expect(models.nth(1)).to_have_value("qwen3")


def test_a_site_that_only_suggests_offers_its_download(page: Page, real_bundle: Path, tmp_path: Path) -> None:
    make_site(tmp_path / "s", real_bundle, title="SmolLM2", pages="write", variants="cpu-int8")
    with hosted(Host(tmp_path)) as host:
        page.goto(f"{host.url}/s/")
        expect(page.get_by_role("button", name=re.compile(r"^Download 1\d\d\.\d MB and start"))).to_be_visible()
        expect(page.get_by_text(re.compile("the next words appear in grey"))).to_be_visible()
        expect(page.get_by_role("link", name="Choose a model")).to_have_count(0)


def test_a_site_that_only_corrects_explains_itself(page: Page, grammar_bundle: Path, tmp_path: Path) -> None:
    make_site(tmp_path / "s", grammar_bundle, title="Mend my English", pages="write", tasks="grammar", variants="cpu-int8")
    with hosted(Host(tmp_path)) as host:
        page.goto(f"{host.url}/s/")
        expect(page.get_by_role("heading", name="Mend my English", level=2)).to_be_visible()
        expect(page.get_by_text(re.compile("mistakes are underlined"))).to_be_visible()
        start = page.get_by_role("button", name=re.compile(r"^Download 1\d\d\.\d MB and start"))
        expect(start).to_be_visible()
        page.get_by_role("button", name=re.compile("^She have went")).click()
        expect(page.get_by_role("textbox", name="Document text")).to_contain_text("She have went")
        expect(start).to_be_visible()
        assert not [path for path in host.asked if "onnx.data" in path], "nothing large before somebody agrees"
        start.click()
        expect(page.get_by_text(re.compile("found by the model|model and rules agree")).first).to_be_visible()
        expect(start).to_have_count(0)
        expect(page.get_by_role("contentinfo")).to_contain_text("requests since load")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_read_and_reach_it(page: Page, host: Host, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 800})
    Chat(page).open(f"{host.url}/sub/a/#/chat", CPU)
    page.get_by_role("button", name="About this page").press("Enter")
    about = page.get_by_role("dialog", name="About this page")
    for words in ("Site A", "By Ada", "Nothing you type leaves this device.", "Licence of this page: Apache-2.0."):
        expect(about.get_by_text(words).first).to_be_visible()
    expect(about.get_by_role("link", name="Model card")).to_have_attribute("href", "models/tiny-llama/card.html")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert violations(page) == []
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= 390
    page.get_by_role("button", name="Settings", exact=True).click()
    expect(page.get_by_label("Temperature as a number")).to_be_visible()
    expect(page.get_by_text("Advanced", exact=True)).to_have_count(0)  # `controls`: simple
