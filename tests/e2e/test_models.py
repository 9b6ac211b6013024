"""The models page over the real server: from a hub on this machine, from a folder; paused, damaged, repaired, deleted."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import Chat
from faraway import Faraway, Moods, serve
from playwright.sync_api import Browser, Page, Route, expect
from serving import PATIENCE_MS, RESTARTED, NewPage, Server, StartServer, Watch

from slm_playground.library import plan

CPU = re.compile("^CPU")
FOREIGN = Path(__file__).resolve().parents[2] / "tests" / ".fixtures" / "foreign" / "tiny-llama"


@pytest.fixture(scope="module")
def hub() -> Iterator[Faraway]:
    """A hub with one ONNX repository, padded so that its graph comes in more than one range."""
    assert (FOREIGN / "config.json").is_file(), f"{FOREIGN} is not there: run `make setup`"
    files = {path.relative_to(FOREIGN).as_posix(): path.read_bytes() for path in FOREIGN.rglob("*") if path.is_file()}
    # An unused file that the graph's name makes a part of it: 20 MB to download.
    files["onnx/model.onnx_data"] = bytes(range(256)) * 80_000
    far = Faraway()
    server = serve(far)
    far.put_hub("someone/Far-Llama", files)
    yield far
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(hub: Faraway, start_server: StartServer, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    hub.moods = Moods()  # what a test before this one had it do is over
    monkeypatch.setenv(plan.HUB_VARIABLE, hub.url)
    return start_server(tiny_bundle)


def look_up(page: Page, source: str) -> None:
    page.get_by_label("Address or Hugging Face id").fill(source)
    page.get_by_role("button", name="Look up").click()


def test_a_hub_repository_paused_over_a_restart_then_used(
    hub: Faraway, server: Server, new_page: NewPage, chromium: Browser, watch: Watch
) -> None:
    watch.expected += RESTARTED  # while the server is restarted
    reached, go_on = threading.Event(), threading.Event()

    def hold(path: str, wanted: str | None) -> None:
        # The second range of the large file waits until the test has paused the download.
        if path.endswith("onnx_data") and wanted == "bytes=8388608-16777215":
            reached.set()
            assert go_on.wait(PATIENCE_MS / 1000)

    hub.moods.before_body = hold
    page = new_page(chromium)
    Chat(page).open(f"{server.url}#/models", CPU)
    look_up(page, "someone/Far-Llama")
    page.get_by_role("checkbox", name=re.compile("^cpu-fp32")).check()
    page.get_by_role("button", name=re.compile("^Download ")).click()
    expect(page.get_by_role("progressbar", name="Far-Llama")).to_be_visible()
    assert reached.wait(PATIENCE_MS / 1000)
    page.get_by_role("button", name="Pause Far-Llama").click()
    expect(page.get_by_text("Paused")).to_be_visible()
    go_on.set()
    server.stop()
    server.start()
    page.reload()
    expect(page.get_by_text("Paused")).to_be_visible()
    page.get_by_role("button", name="Go on with Far-Llama").click()
    card = page.get_by_role("listitem", name="Far-Llama")
    expect(card).to_be_visible()
    expect(card).to_contain_text("Licence: mit")
    expect(card).to_contain_text("not compared with its original")
    card.get_by_role("button", name="Use Far-Llama").click()
    expect(card.get_by_text("In use")).to_be_visible()
    chat = Chat(page)
    chat.is_ready(re.compile("^CPU · fp32"))
    page.get_by_role("link", name="Chat", exact=True).click()
    chat.ask("a cat")
    chat.wait_for_end()


def test_a_damaged_file_is_found_and_repaired_then_the_model_deleted(
    hub: Faraway, server: Server, new_page: NewPage, chromium: Browser
) -> None:
    page = new_page(chromium)
    Chat(page).open(f"{server.url}#/models", CPU)
    look_up(page, "someone/Far-Llama")
    page.get_by_role("checkbox", name=re.compile("^cpu-fp32")).check()
    page.get_by_role("button", name=re.compile("^Download ")).click()
    card = page.get_by_role("listitem", name="Far-Llama")
    expect(card).to_be_visible()
    config = server.models / "far-llama" / "tokenizer_config.json"
    sound = config.read_bytes()
    config.write_bytes(sound[:-1] + b" ")
    card.get_by_role("button", name="Check files: Far-Llama").click()
    expect(card.get_by_text("Damaged: tokenizer_config.json.")).to_be_visible()
    hub.asked.clear()
    card.get_by_role("button", name="Fetch again").click()
    expect(card.get_by_text("Only the damaged files")).to_be_visible()
    expect(page.get_by_role("region", name="Downloads")).to_have_count(0)
    assert config.read_bytes() == sound
    assert [path.rpartition("/")[2] for path, _ in hub.asked] == ["tokenizer_config.json"]
    card.get_by_role("button", name="Check files: Far-Llama").click()
    expect(card.get_by_text("all are as they should be")).to_be_visible()

    card.get_by_role("button", name="Delete Far-Llama").click()
    dialog = page.get_by_role("dialog", name="Delete Far-Llama?")
    expect(dialog).to_contain_text(re.compile(r"This frees 2\d\.\d MB"))
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(card).to_have_count(0)
    assert not (server.models / "far-llama").exists()
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(card).to_be_visible()
    assert config.read_bytes() == sound


def test_a_download_that_is_over_before_the_page_looks(server: Server, new_page: NewPage, chromium: Browser) -> None:
    page = new_page(chromium)

    def answer_late(route: Route) -> None:
        response = route.fetch(timeout=PATIENCE_MS)
        if route.request.method == "POST":
            while any(job["state"] == "running" for job in page.request.get(route.request.url).json()["downloads"]):
                pass
        route.fulfill(response=response)

    page.add_init_script("delete Navigator.prototype.serviceWorker")  # it asks where no route reaches
    page.route("**/api/downloads", answer_late)
    Chat(page).open(f"{server.url}#/models", CPU)
    look_up(page, "someone/Far-Llama")
    page.get_by_role("checkbox", name=re.compile("^cpu-fp32")).check()
    page.get_by_role("button", name=re.compile("^Download ")).click()
    expect(page.get_by_role("listitem", name="Far-Llama")).to_be_visible()


def test_a_folder_of_the_user_and_what_is_wrong_with_others(
    server: Server, new_page: NewPage, chromium: Browser, watch: Watch, tiny_bundle: Path, tmp_path: Path
) -> None:
    watch.expected.append("400 (BAD REQUEST)")  # what is no model is refused
    page = new_page(chromium)
    Chat(page).open(f"{server.url}#/models", CPU)
    own = tmp_path / "own"
    own.mkdir()
    (own / "photo.txt").write_text("no model")
    page.get_by_label("Choose a folder").set_input_files(own)
    expect(page.get_by_role("alert").get_by_text("neither a manifest.json")).to_be_visible()
    for path in tiny_bundle.rglob("*"):
        if path.is_file():
            target = own / path.relative_to(tiny_bundle)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    manifest = json.loads((own / "manifest.json").read_text())
    (own / "manifest.json").write_text(json.dumps({**manifest, "id": "my-own", "name": "My own"}))
    page.get_by_label("Choose a folder").set_input_files(own)
    expect(page.get_by_role("region", name="Add a model").get_by_text("my-own was added.")).to_be_visible()
    expect(page.get_by_role("listitem", name="My own")).to_contain_text("× its perplexity")
    (server.models / "my-own" / "manifest.json").write_text("{")
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("region", name="One folder is not a usable model")).to_contain_text("my-own")
