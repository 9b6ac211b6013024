"""The guard and the headers as a real browser sees them: our page may do what it needs, other pages get nothing."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: set CHROMIUM to its program")

# DNS rebinding in one line: the attacker's name leads to this machine.
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--host-resolver-rules=MAP evil.test 127.0.0.1"]

APP = """
const check = async (name, run) => { try { return [name, await run()] } catch (error) { return [name, String(error)] } }
const reply = worker => new Promise((done, fail) => {
  worker.onmessage = event => done(event.data)
  worker.onerror = () => fail('blocked')
})
const script = "postMessage(typeof SharedArrayBuffer)"
window.result = Promise.all([
  check('isolated', () => crossOriginIsolated),
  check('memory', () => new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true }).buffer.constructor.name),
  check('wasm', () => WebAssembly.compile(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0])).then(m => m.constructor.name)),
  check('worker', () => reply(new Worker('/worker.js', { type: 'module' }))),
  check('blob worker', () => reply(new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))))),
  check('models', () => fetch('/api/models').then(r => r.json()).then(data => data.models[0].id)),
  check('range', () => fetch('/models/tiny/README.md', { headers: { Range: 'bytes=2-5' } }).then(r => r.text())),
  check('inline', () => window.inline ?? 'blocked'),
  check('eval', () => { try { return eval('1') } catch { return 'blocked' } }),
  check('elsewhere', () => fetch('http://127.0.0.1:9/').catch(() => 'blocked')),
]).then(Object.fromEntries)
"""


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE_SECONDS * 1000)
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    yield context.new_page()
    context.close()


@pytest.fixture
def attacker() -> Iterator[int]:
    """The port of a web server that answers every request with the same empty page of somebody else."""

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>Attacker</title>")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_our_page_is_isolated_and_may_do_what_the_engine_needs(
    page: Page, live: Any, static: Path, make_bundle: Callable[..., Path]
) -> None:
    make_bundle()
    (static / "index.html").write_text("<!doctype html><script>window.inline = 'ran'</script><script src=/app.js></script>")
    (static / "app.js").write_text(APP)
    (static / "worker.js").write_text("postMessage(typeof SharedArrayBuffer)")
    page.goto(live.url)
    assert page.evaluate("window.result") == {
        "isolated": True,
        "memory": "SharedArrayBuffer",
        "wasm": "Module",
        "worker": "function",
        "blob worker": "function",
        "models": "tiny",
        "range": "Tiny",
        "inline": "blocked",
        "eval": "blocked",
        "elsewhere": "blocked",
    }


# Each gives what the attacking page learnt.
ATTACKS = """
const text = response => response.text().then(text => text || 'nothing')
const load = (tag, src) => new Promise(done => {
  const element = document.createElement(tag)
  element.onload = () => done('loaded')
  element.onerror = () => done('nothing')
  element.src = src
  document.body.append(element)
})
const attacks = {
  fetch: url => fetch(url).then(text),
  noCors: url => fetch(url, { mode: 'no-cors' }).then(text),
  credentials: url => fetch(url, { credentials: 'include' }).then(text),
  post: url => fetch(url, { method: 'POST', mode: 'no-cors', body: '{}' }).then(text),
  image: url => load('img', url),
  script: url => load('script', url),
}
const learnt = []
for (const url of urls) for (const [name, attack] of Object.entries(attacks)) {
  const got = await attack(url).catch(() => 'nothing')
  if (got !== 'nothing') learnt.push([name, url, got])
}
return { learnt, made: urls.length * Object.keys(attacks).length }
"""


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])  # same-site and cross-site to the server's 127.0.0.1
def test_other_pages_of_this_machine_get_nothing(
    page: Page, live: Any, attacker: int, make_bundle: Callable[..., Path], name: str
) -> None:
    make_bundle()
    page.goto(f"http://{name}:{attacker}/")
    urls = [live.url + path for path in ("", "slm.js", "api/models", "models/tiny/README.md", "favicon.svg")]
    outcome = page.evaluate(f"async urls => {{ {ATTACKS} }}", urls)
    assert outcome["learnt"] == []
    # The browser hides from its own page what was answered, so ask the server: every one arrived and was refused.
    assert [event["status"] for event in live.events()] == [403] * outcome["made"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_other_pages_cannot_frame_ours_but_may_link_to_it(page: Page, live: Any, attacker: int, name: str) -> None:
    page.goto(f"http://{name}:{attacker}/")
    with page.expect_response(live.url) as framed:
        page.evaluate("url => { const f = document.createElement('iframe'); f.src = url; document.body.append(f) }", live.url)
    assert framed.value.status == 403
    page.evaluate("url => { document.body.innerHTML = `<a id=link href=${url}>Open</a>` }", live.url)
    with page.expect_navigation() as followed:
        page.click("#link")
    assert followed.value is not None
    assert followed.value.status == 200
    assert page.title() == "UI"


def test_a_window_opened_by_another_page_is_cut_off_from_it(page: Page, live: Any, attacker: int) -> None:
    page.goto(f"http://localhost:{attacker}/")
    with page.expect_popup() as opened:
        page.evaluate("url => { window.opened = window.open(url) }", live.url)
    opened.value.wait_for_load_state()
    assert opened.value.title() == "UI"
    assert opened.value.evaluate("window.opener") is None
    page.wait_for_function("window.opened.closed === true")  # the opener hears of the new group a moment after it loads


def test_a_foreign_name_for_this_machine_gets_a_page_that_says_what_to_do(page: Page, live: Any) -> None:
    response = page.goto(f"http://evil.test:{live.port}/")
    assert response is not None
    assert response.status == 421
    assert f"Open {live.url} instead" in page.inner_text("main")
