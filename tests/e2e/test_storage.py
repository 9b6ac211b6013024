"""The browser's private disk: what is downloaded once is not asked for again, and a full disk is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from chatting import Chat
from playwright.sync_api import Browser, Playwright, Request, expect
from serving import CHROMIUM, QUIET, NewPage, StartServer, Watch

CPU = re.compile("^CPU · int8")


def test_a_reload_asks_for_no_model_file_again(
    new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path
) -> None:
    server = start_server(tiny_bundle)
    page = new_page(chromium)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.removeprefix(server.url))

    page.context.on("request", note)
    Chat(page).open(server.url, CPU)
    assert any(path.endswith("model.onnx.data") for path in asked)
    asked.clear()
    page.reload()
    Chat(page).is_ready(CPU)
    assert [path for path in asked if "tiny-llama" in path and not path.endswith(("manifest.json", "README.md"))] == []


def test_a_full_disk_is_told(
    playwright: Playwright, start_server: StartServer, tiny_bundle: Path, tmp_path: Path, watch: Watch
) -> None:
    server = start_server(tiny_bundle)
    # A profile on disk: private windows keep such files in memory and count them otherwise.
    context = playwright.chromium.launch_persistent_context(tmp_path / "profile", executable_path=CHROMIUM, args=QUIET)
    try:
        watch.follow(context)
        page = context.new_page()
        origin = server.url.rstrip("/")
        context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 100_000})
        page.goto(server.url)
        alert = page.get_by_role("alert")
        expect(alert.get_by_role("heading", name="The browser has no room for the model")).to_be_visible()
        expect(alert).to_contain_text("free disk space")
    finally:
        context.close()
