"""A site in one HTML file, opened from disk: Chromium gives it no server, no files beside it and an origin like no other."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from chatting import Chat
from playwright.sync_api import Page, expect
from serving import Watch
from sites import WEB

CPU = re.compile("^CPU · int8")


def test_it_opens_from_disk_and_answers(page: Page, tiny_bundle: Path, tmp_path: Path, watch: Watch) -> None:
    watch.expected += ["request to another origin: file://"]
    out = tmp_path / "one.html"
    command = [str(Path(sys.executable).with_name("slm-export")), "site", str(tiny_bundle), "--single-file", "--out", str(out)]
    subprocess.run([*command, "--web", str(WEB), "--title", "One"], capture_output=True, check=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    chat = Chat(page)
    chat.open(out.as_uri(), CPU)
    expect(page).to_have_title("One")
    chat.ask("Hello")
    assert chat.wait_for_end()
    assert [url for url in asked if not url.startswith(("blob:", "data:"))] == [out.as_uri()], "nothing but the file itself"
    kept = page.evaluate("() => Object.keys(localStorage)")
    assert kept
    assert all(name.endswith("one.html%2F") for name in kept), "files on one disk have one origin, and names of their own"
    chat.wait_until_kept()
    page.reload()
    chat.is_ready(CPU)
    expect(page.get_by_role("list", name="Conversation").get_by_text("Hello").first).to_be_visible()
