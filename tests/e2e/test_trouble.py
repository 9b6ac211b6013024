"""What a person sees when something is wrong: a sentence on the page, and the page goes on."""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from chatting import Chat
from playwright.sync_api import Browser, Page, Playwright, expect
from serving import CHROMIUM, PATIENCE_MS, QUIET, RESTARTED, NewPage, Server, StartServer, Watch
from states import flip, rewrite

CPU = re.compile("^CPU · int8")


def cut(bundle: Path) -> None:
    path = bundle / "cpu-int8" / "model.onnx.data"
    rewrite(path, path.read_bytes()[:-1000])


def future_format(bundle: Path) -> None:
    path = bundle / "manifest.json"
    rewrite(path, json.dumps({**json.loads(path.read_text(encoding="utf-8")), "format": 99}).encode())


def lose(bundle: Path) -> None:
    (bundle / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (cut, r"cpu-int8/model\.onnx\.data .*bytes"),
        (future_format, r"this version reads format 1, found 99"),
        (lose, r"tokenizer\.json"),
    ],
)
def test_a_broken_bundle_is_named_on_the_page(
    page: Page, start_server: StartServer, tiny_bundle: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    server = start_server(tiny_bundle)
    spoil(server.models / "tiny-llama")
    page.goto(server.url)
    status = page.get_by_role("region", name="Model status")
    expect(status.get_by_text("No usable model in")).to_be_visible()
    status.get_by_text("One folder is not a usable model").click()
    item = status.get_by_role("listitem")
    expect(item).to_contain_text("tiny-llama")
    expect(item).to_contain_text(re.compile(sentence))
    expect(item).to_contain_text("again")


def test_a_damaged_file_is_found_by_its_digest(page: Page, start_server: StartServer, tiny_bundle: Path) -> None:
    server = start_server(tiny_bundle)
    flip(server.models / "tiny-llama")
    page.goto(server.url)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading", name="A model file is damaged")).to_be_visible()
    expect(alert).to_contain_text("cpu-int8/model.onnx.data")
    rewrite_from = tiny_bundle / "cpu-int8" / "model.onnx.data"
    rewrite(server.models / "tiny-llama" / "cpu-int8" / "model.onnx.data", rewrite_from.read_bytes())
    alert.get_by_role("button", name="Try again").click()
    Chat(page).is_ready(CPU)


def test_an_empty_models_folder_says_how_to_get_a_model(page: Page, start_server: StartServer, tiny_bundle: Path) -> None:
    server = start_server()
    page.goto(server.url)
    status = page.get_by_role("region", name="Model status")
    expect(status).to_contain_text(f"No model in {server.models}")
    expect(status).to_contain_text("make run")
    target = server.models / "tiny-llama"
    target.mkdir()
    for path in sorted(tiny_bundle.rglob("*")):
        place = target / path.relative_to(tiny_bundle)
        place.mkdir(exist_ok=True) if path.is_dir() else place.write_bytes(path.read_bytes())
    status.get_by_role("button", name="Look again").click()
    Chat(page).is_ready(CPU)


def test_a_missing_models_folder_is_named(page: Page, start_server: StartServer) -> None:
    server = start_server()
    server.models.rmdir()
    page.goto(server.url)
    expect(page.get_by_role("region", name="Model status")).to_contain_text(f"There is no models folder at {server.models}")


def test_a_foreign_host_gets_a_sentence_and_nothing_else(page: Page, real_server: Server, watch: Watch) -> None:
    watch.expected += ["421", "has been ignored, because the URL's origin was untrustworthy", "origin-keyed agent cluster"]
    response = page.goto(f"http://rebound.example:{real_server.port}/")
    assert response is not None
    assert response.status == 421
    body = page.locator("body")
    expect(body).to_contain_text("This address is not served here.")
    expect(body).to_contain_text(f"Open http://127.0.0.1:{real_server.port}/ instead")


def test_the_page_outlives_its_server(page: Page, start_server: StartServer, tiny_bundle: Path, watch: Watch) -> None:
    server = start_server(tiny_bundle)
    chat = Chat(page)
    chat.open(server.url, CPU)
    watch.expected += RESTARTED  # also of the copy for offline use, where it was still being made
    assert server.stop() == 0
    chat.ask("Who is Alice?")  # the model is in the page
    told = chat.wait_for_end()
    chat.wait_until_kept()
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("radio", name="CPU").check()  # loads again, which needs the server
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_role("alert").get_by_role("heading", name="The model could not be loaded")).to_be_visible()
    server.start()
    page.get_by_role("button", name="Try again").first.click()
    chat.is_ready(CPU)
    chat.shows_again(told)
    page.reload()
    chat.is_ready(CPU)
    chat.shows_again(told)


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="the switch exists for x86 processors only")
def test_a_browser_without_wasm_simd_is_told(
    playwright: Playwright, new_page: NewPage, start_server: StartServer, tiny_bundle: Path
) -> None:
    # Chromium has WASM SIMD only on x86 processors with SSE4.1: told that this one lacks it, it is such a browser.
    arguments = [*QUIET, "--js-flags=--no-enable-sse4-1"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=PATIENCE_MS)
    page = new_page(browser)
    page.goto(start_server(tiny_bundle).url)
    alert = page.get_by_role("alert")
    expect(alert.get_by_role("heading", name="This browser cannot run the model")).to_be_visible()
    expect(alert).to_contain_text("This browser has no WebAssembly SIMD. Use a newer one")
    browser.close()


def test_webgpu_in_software_is_passed_over_until_it_is_wanted(
    chromium_webgpu: Browser, new_page: NewPage, start_server: StartServer, tiny_bundle: Path
) -> None:
    page = new_page(chromium_webgpu)
    chat = Chat(page)
    chat.open(start_server(tiny_bundle).url, CPU)
    notice = page.get_by_role("complementary", name="Running on another device")
    expect(notice).to_contain_text("Running on the CPU.")
    expect(notice).to_contain_text("emulated in software")
    page.get_by_role("button", name="Settings", exact=True).click()
    page.get_by_role("radio", name="GPU (WebGPU)").check()
    page.get_by_role("button", name="Done").click()
    chat.is_ready(re.compile("^GPU · "))
    chat.choose_greedy(longest=8)
    chat.ask("Who is Alice?")
    chat.wait_for_end()
    assert "GPU · q" in chat.answer().inner_text()
