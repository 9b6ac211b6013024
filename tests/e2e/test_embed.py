"""`/slm.js` in somebody else's page: any static server, any sub-path, with and without cross-origin isolation."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from serving import NewPage, Watch, link_or_copy
from sites import ISOLATION, StaticServer
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
PAGE = "<!doctype html><meta charset=utf-8><title>Bare</title><link rel=icon href=data:,><p>Somebody else's page.</p>"
COMPLETE = """async ({ device, prompt }) => {
  const { createEngine } = await import('./slm.js')
  const phases = []
  const engine = await createEngine({ bundle: 'models/tiny-llama', device, onProgress: ({ phase }) => phases.push(phase) })
  const whole = await engine.completions.create({ prompt, temperature: 0, max_tokens: 24 })
  const pieces = []
  for await (const chunk of engine.completions.create({ prompt, temperature: 0, max_tokens: 24, stream: true })) {
    if (chunk.choices[0].text) pieces.push(chunk.choices[0].text)
  }
  const { info } = engine
  const stats = engine.stats()
  await engine.dispose()
  const text = whole.choices[0].text
  return { text, usage: whole.usage, pieces, info, stats, phases: [...new Set(phases)], isolated: crossOriginIsolated }
}"""


class Handler(SimpleHTTPRequestHandler):
    """Python's static server plus some headers; not ours, on purpose."""

    extra: dict[str, str]

    def __init__(self, *arguments: Any, extra: dict[str, str], directory: str) -> None:
        self.extra = extra
        super().__init__(*arguments, directory=directory)

    def end_headers(self) -> None:
        for name, value in self.extra.items():
            self.send_header(name, value)
        super().end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


Site = Callable[[dict[str, str]], str]


@pytest.fixture
def site(tmp_path: Path, tiny_bundle: Path) -> Iterator[Site]:
    """Serve a page, the built module and the tiny bundle below /sub/path/; gives the page's address."""
    folder = tmp_path / "sub" / "path"
    shutil.copytree(ROOT / "web" / "dist", folder, copy_function=link_or_copy)
    shutil.copytree(tiny_bundle, folder / "models" / "tiny-llama")
    (folder / "bare.html").write_text(PAGE, encoding="utf-8")
    servers: list[StaticServer] = []
    threads: list[threading.Thread] = []

    def serve(headers: dict[str, str]) -> str:
        server = StaticServer(("127.0.0.1", 0), partial(Handler, extra=headers, directory=str(tmp_path)))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append(server)
        threads.append(thread)
        return f"http://127.0.0.1:{server.server_address[1]}/sub/path/bare.html"

    yield serve
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def expected(tiny_bundle: Path, variant: str) -> tuple[str, str]:
    """A prompt, and what PyTorch continues it with over this variant's weights."""
    tokenizer = Tokenizer.from_file(str(tiny_bundle / "tokenizer.json"))
    case = json.loads((tiny_bundle / "golden.json").read_text(encoding="utf-8"))["cases"][0]
    return tokenizer.decode(case["prompt_tokens"]), tokenizer.decode(case["variant_tokens"][variant])


def run(page: Page, url: str, tiny_bundle: Path, device: str, variant: str) -> dict[str, Any]:
    page.goto(url)
    prompt, text = expected(tiny_bundle, variant)
    result: dict[str, Any] = page.evaluate(COMPLETE, {"device": device, "prompt": prompt})
    assert result["info"]["variant"] == variant
    assert result["info"]["selfTest"]["passed"]
    assert result["text"] == text
    assert "".join(result["pieces"]) == text
    assert len(result["pieces"]) > 5, "a stream comes in pieces"
    assert result["usage"]["completion_tokens"] == result["stats"]["outputTokens"] == 24
    assert result["stats"]["cachedTokens"] > 0, "the second run has the same prompt"
    assert (result["phases"][0], result["phases"][-1]) == ("manifest", "ready")
    assert set(result["phases"]) == {"manifest", "runtime", "download", "session", "self-test", "ready"}
    return result


@pytest.mark.parametrize("headers", [ISOLATION, {}], ids=["isolated", "not isolated"])
def test_any_page_can_use_the_module_on_the_cpu(page: Page, site: Site, tiny_bundle: Path, headers: dict[str, str]) -> None:
    result = run(page, site(headers), tiny_bundle, "cpu", "cpu-int8")
    assert result["isolated"] == bool(headers)
    assert result["info"]["device"] == "cpu"
    assert (result["info"]["threads"] > 1) == bool(headers), "threads need isolation"
    assert result["info"]["fallbacks"] == []


def test_any_page_can_use_the_module_on_webgpu(
    chromium_webgpu: Browser, new_page: NewPage, site: Site, tiny_bundle: Path
) -> None:
    page = new_page(chromium_webgpu)
    result = run(page, site({}), tiny_bundle, "webgpu", "webgpu-q4f32")
    assert not result["isolated"], "a GPU needs none"
    assert result["info"]["device"] == "webgpu"
    assert result["info"]["adapter"]


def test_the_module_says_what_is_wrong(page: Page, site: Site, watch: Watch) -> None:
    watch.expected.append("404")
    page.goto(site({}))
    script = """async options => {
      const { createEngine, EngineError } = await import('./slm.js')
      try { await createEngine(options); return null }
      catch (error) { return [error instanceof EngineError, error.code, error.message] }
    }"""
    is_engine_error, code, message = page.evaluate(script, {"bundle": "models/not-there"})
    assert (is_engine_error, code) == (True, "no-model")
    assert "models/not-there" in message
    assert page.evaluate(script, {"bundle": "models/tiny-llama", "threads": 0})[1] == "bad-request"
