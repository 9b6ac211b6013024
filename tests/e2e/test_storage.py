"""Where models lie: in the server's folder alone, unless a person keeps one in the browser; a full disk is a sentence."""

from __future__ import annotations

import re
from pathlib import Path

from chatting import Chat
from playwright.sync_api import Browser, Page, Playwright, Request, expect
from serving import CHROMIUM, PATIENCE_MS, QUIET, NewPage, Server, StartServer, Watch

CPU = re.compile("^CPU · int8")
KEEP = re.compile("^Keep for offline: ")
# Bytes of the models' files on the browser's private disk.
KEPT_BYTES = """async () => {
  let total = 0
  const root = await navigator.storage.getDirectory()
  const folder = await root.getDirectoryHandle('slm-models', { create: true })
  const files = await folder.getDirectoryHandle('files', { create: true })
  for await (const handle of files.values()) total += (await handle.getFile()).size
  return total
}"""


def test_the_servers_model_is_not_stored_twice(new_page: NewPage, chromium: Browser, real_server: Server) -> None:
    page = new_page(chromium)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.removeprefix(real_server.url))

    page.context.on("request", note)
    Chat(page).open(real_server.url, CPU)
    assert page.evaluate(KEPT_BYTES) < 10_000, "notes about checksums, no weights"
    asked.clear()
    page.reload()
    Chat(page).is_ready(CPU)
    assert len([path for path in asked if path.endswith("model.onnx.data")]) == 1
    assert page.evaluate(KEPT_BYTES) < 10_000


def test_a_kept_model_is_read_from_the_browsers_disk(
    new_page: NewPage, chromium: Browser, start_server: StartServer, tiny_bundle: Path
) -> None:
    server = start_server(tiny_bundle)
    page = new_page(chromium)
    Chat(page).open(server.url, CPU)
    keep(page)
    expect(page.get_by_text("Kept in this browser").first).to_be_visible()
    assert page.evaluate(KEPT_BYTES) > 100_000
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url.removeprefix(server.url))

    page.context.on("request", note)
    page.reload()
    Chat(page).is_ready(CPU)
    assert [path for path in asked if path.startswith("models/") and not path.endswith("manifest.json")] == []
    page.get_by_role("button", name=re.compile("^Remove the copy here: ")).click()
    expect(page.get_by_role("button", name=KEEP)).to_be_visible()
    assert page.evaluate(KEPT_BYTES) < 10_000


def test_a_full_disk_is_told(
    playwright: Playwright, start_server: StartServer, tiny_bundle: Path, tmp_path: Path, watch: Watch
) -> None:
    server = start_server(tiny_bundle)
    watch.expected.append("Quota")  # the page's own offline copy has no room either
    # A profile on disk: private windows keep such files in memory and count them otherwise.
    profile = tmp_path / "profile"
    context = playwright.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, args=QUIET, timeout=PATIENCE_MS)
    try:
        context.set_default_timeout(PATIENCE_MS)
        watch.follow(context)
        page = context.new_page()
        origin = server.url.rstrip("/")
        context.new_cdp_session(page).send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 100_000})
        Chat(page).open(server.url, CPU)  # nothing has to be stored for that
        keep(page)
        told = page.get_by_text("has no room for").first
        expect(told).to_be_visible()
        expect(told).to_contain_text("Remove models that it keeps")
    finally:
        context.close()


def keep(page: Page) -> None:
    page.get_by_role("link", name="Models").click()
    page.get_by_role("button", name=KEEP).click()
