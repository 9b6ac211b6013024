"""An answer outlives what runs it: the GPU's process killed, the tab frozen and thawed. With the tiny model."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route
from serving import PATIENCE_MS, NewPage, StartServer, Watch

ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
BARE = "<!doctype html><title>Bare</title><link rel=icon href=data:,>"
LOAD = """async options => {
  const { createEngine } = await import('/slm.js')
  globalThis.engine = await createEngine({ bundle: '/models/tiny-llama/', ...options })
}"""
BEGIN = """tokens => {
  globalThis.pieces = []
  globalThis.request = { prompt: 'Alice was', temperature: 0, max_tokens: tokens }
  globalThis.done = (async () => {
    for await (const chunk of engine.completions.create({ ...request, stream: true })) {
      pieces.push(chunk.choices[0].text)
    }
    return { text: pieces.join(''), stats: engine.stats() }
  })()
  globalThis.done.catch(() => {})
}"""
HAS_BEGUN = "() => pieces.length > 2"
# Put in front of the engine's worker: once it was told, its GPU gives so many results more and then none, so that the answer
# cannot end before the GPU's process does.
STAND_STILL = """{
  let left = Infinity
  const channel = new BroadcastChannel('stand-still')
  channel.onmessage = ({ data }) => {
    left = data
    channel.postMessage('noted')
  }
  const { mapAsync } = GPUBuffer.prototype
  GPUBuffer.prototype.mapAsync = async function (...how) {
    if (left-- <= 0) await new Promise(() => {})
    return mapAsync.apply(this, how)
  }
}
"""
TELL = """results => new Promise(resolve => {
  const channel = new BroadcastChannel('stand-still')
  channel.onmessage = () => resolve()
  channel.postMessage(results)
})"""
TOKENS = 24
AGAIN = "async () => (await engine.completions.create(request)).choices[0].text"


def engine_page(page: Page, url: str, options: dict[str, Any]) -> Page:
    """A page of the server without the playground on it, with an engine."""
    page.route("**/bare", lambda route: route.fulfill(body=BARE, content_type="text/html", headers=ISOLATION))
    page.goto(f"{url}bare")
    page.evaluate(LOAD, options)
    return page


def test_a_killed_gpu_process_ends_no_answer(
    new_page: NewPage, chromium_webgpu: Browser, start_server: StartServer, tiny_bundle: Path, watch: Watch
) -> None:
    watch.expected.append("GPU")  # Chromium's own notes of the loss
    options = {"device": "webgpu", "variant": "webgpu-q4f32"}
    page = new_page(chromium_webgpu)

    def prepend(route: Route) -> None:
        response = route.fetch(timeout=PATIENCE_MS)
        route.fulfill(response=response, body=STAND_STILL + response.text())

    page.route(re.compile(r"/worker-[^/]+\.js$"), prepend, times=1)  # the one that goes on with the answer is left alone
    engine_page(page, start_server(tiny_bundle).url, options)
    processes = chromium_webgpu.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    (gpu,) = [process["id"] for process in processes if process["type"] == "GPU"]
    page.evaluate(TELL, 16)
    page.evaluate(BEGIN, TOKENS)
    page.wait_for_function(HAS_BEGUN)
    os.kill(gpu, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    answer = page.evaluate("() => done")
    assert answer["stats"]["recoveries"] == 1
    assert answer["stats"]["outputTokens"] == TOKENS
    assert answer["text"] == page.evaluate(AGAIN)


@pytest.mark.parametrize("backend", ["ort", "simd"])
def test_a_frozen_tab_goes_on_where_it_stopped(page: Page, start_server: StartServer, tiny_bundle: Path, backend: str) -> None:
    engine_page(page, start_server(tiny_bundle).url, {"device": "cpu", "backend": backend})
    session = page.context.new_cdp_session(page)
    page.evaluate(BEGIN, 400)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    session.send("Page.setWebLifecycleState", {"state": "active"})
    answer = page.evaluate("() => done")
    assert answer["stats"]["outputTokens"] == 400
    assert answer["text"] == page.evaluate(AGAIN)
