"""Without the server: the page opens, a kept model answers, and nothing was asked for; a newer version waits for its turn."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Browser, Page, expect
from serving import PATIENCE_MS, RESTARTED, NewPage, Server, Watch, copy_bundle, link_or_copy

from slm_playground import paths

CPU = re.compile("^CPU · int8")


def opens_offline(page: Page) -> None:
    """Waits until the service worker has stored the page."""
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("The page opens without its server")).to_be_visible()
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")


def test_the_network_is_cut_and_the_chat_goes_on(new_page: NewPage, chromium: Browser, real_server: Server, watch: Watch) -> None:
    page = new_page(chromium)
    Chat(page).open(real_server.url, CPU)
    opens_offline(page)
    page.get_by_role("button", name=re.compile("^Keep for offline: ")).click()
    expect(page.get_by_text("Kept in this browser").first).to_be_visible()
    watch.expected += RESTARTED
    page.context.set_offline(True)
    real_server.stop()
    page.reload()
    expect(page.get_by_text("The server is not running.")).to_be_visible()
    Chat(page).is_ready(CPU)
    assert page.evaluate("() => crossOriginIsolated"), "threads, as with the server"
    page.get_by_role("link", name="Chat", exact=True).click()
    chat = Chat(page)
    chat.choose_greedy()
    chat.ask("What is the capital of France?")
    assert "Paris" in chat.wait_for_end()

    page.get_by_role("button", name="0 requests since load").click()
    dialog = page.get_by_role("dialog", name="Requests of this page")
    page.get_by_role("button", name="Test it: answer while counting").click()
    expect(dialog.get_by_text(re.compile(r"Proved: an answer of \d+ tokens was computed"))).to_be_visible()
    expect(dialog.get_by_text("Counted by the page, by its workers, and by the service worker")).to_be_visible()
    page.keyboard.press("Escape")
    page.context.set_offline(False)
    real_server.start()
    page.reload()
    Chat(page).is_ready(CPU)
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_role("button", name="Look up")).to_be_visible()


SERVE = """
import sys
from pathlib import Path
from slm_playground.listen import bound_port, open_socket
from slm_playground.serve import make_server
from slm_playground.server import Config, create_app
listener = open_socket(0)
port = bound_port(listener)
models, static = map(Path, sys.argv[1:])
print(f"http://127.0.0.1:{port}/", flush=True)
make_server(create_app(Config(port, "token", models, static)), listener).run()
"""


@pytest.fixture
def own_page(tmp_path: Path, tiny_bundle: Path) -> Iterator[tuple[str, Path]]:
    """A server over a copy of the built page that the test may change: its address, and the copy."""
    (tmp_path / "models").mkdir()
    copy_bundle(tiny_bundle, tmp_path / "models")
    static = tmp_path / "dist"
    shutil.copytree(paths.static_dir(), static, copy_function=link_or_copy)
    for path in [*static.glob("sw.js*"), *static.glob("index.html*")]:
        content = path.read_bytes()
        path.unlink()
        if path.suffix in (".js", ".html"):
            path.write_bytes(content)  # not the link: the built page stays as it is
    process = subprocess.Popen([sys.executable, "-c", SERVE, tmp_path / "models", static], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().strip(), static
    process.terminate()
    process.communicate(timeout=PATIENCE_MS / 1000)


def release(static: Path) -> None:
    """A newer version: its main script has another name."""
    (main,) = static.glob("assets/index-*.js")
    newer = main.with_name("index-Newer123.js")
    main.rename(newer)
    index = static / "index.html"
    before = integrity(index)
    index.write_text(index.read_text().replace(main.name, newer.name))
    worker = static / "sw.js"
    source = worker.read_text()
    assert before in source
    worker.write_text(source.replace(main.name, newer.name).replace(before, integrity(index)))


def integrity(path: Path) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


def test_a_new_version_waits_until_the_user_reloads(new_page: NewPage, chromium: Browser, own_page: tuple[str, Path]) -> None:
    url, static = own_page
    page = new_page(chromium)
    Chat(page).open(url, CPU)
    opens_offline(page)
    release(static)
    page.evaluate("async () => (await navigator.serviceWorker.getRegistration()).update()")
    notice = page.get_by_role("complementary", name="New version")
    expect(notice).to_contain_text("A new version is ready.")
    assert page.evaluate("() => document.querySelector('script[type=module]').src").endswith(".js")
    with page.expect_event("load"):
        notice.get_by_role("button", name="Reload").click()
    Chat(page).is_ready(CPU)
    assert "index-Newer123.js" in page.evaluate("() => document.querySelector('script[type=module]').src")
    expect(notice).to_have_count(0)
    names = page.evaluate("() => caches.keys()")
    assert len([name for name in names if name.startswith("slm-ui")]) == 1, "the old version is deleted"
