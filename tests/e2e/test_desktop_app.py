"""The whole desktop app in Chrome's app mode: its own process, its own profile, the real page, a small model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect
from ports import kept_port
from serving import CHROMIUM, PATIENCE_MS, copy_bundle
from windows import MISSING, PATIENCE_SECONDS, arrived, chrome_for_tests, display

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drives X11 windows"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"),
]


@dataclass
class Running:
    """`slm-playground desktop` in its own process, and the page in its window."""

    process: subprocess.Popen[str]
    url: str
    page: Page


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with display() as name:
        yield name


@pytest.fixture
def environment(screen: str, tmp_path: Path) -> dict[str, str]:
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/outside\n')
    browser.chmod(0o755)
    own = {
        "DISPLAY": screen,
        "WAYLAND_DISPLAY": "",
        "BROWSER": str(browser),
        "SLM_PLAYGROUND_PATIENCE_SECONDS": str(PATIENCE_SECONDS),  # a busy machine is no broken window
        "SLM_PLAYGROUND_DATA": str(tmp_path / "data"),
        "SLM_PLAYGROUND_CHROME": chrome_for_tests(tmp_path, "--remote-debugging-port=0"),
    }
    return {**os.environ, **own}


@pytest.fixture
def start(
    environment: dict[str, str], tmp_path: Path, tiny_bundle: Path, playwright: Playwright
) -> Iterator[Callable[..., Running]]:
    """`start(*arguments)` runs the app and finds its page."""
    models = tmp_path / "models"
    models.mkdir()
    copy_bundle(tiny_bundle, models)
    program = Path(sys.executable).with_name("slm-playground")
    running: list[subprocess.Popen[str]] = []

    def run(*arguments: str) -> Running:
        port_file = tmp_path / "data" / "desktop" / "chrome" / "DevToolsActivePort"
        port_file.unlink(missing_ok=True)
        command: list[str | Path] = [program, "desktop", "--shell", "chrome-app", "--models", models, *arguments]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout
        url = process.stdout.readline().strip()
        port = int(arrived(port_file).split()[0])
        wait_for_title(port, "SLM Playground")
        browser = playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}", timeout=PATIENCE_MS)
        (context,) = browser.contexts
        context.set_default_timeout(PATIENCE_MS)
        (page,) = context.pages
        # From now on the app knows that the page was there: a window that ends before makes room for the browser.
        expect(page.get_by_role("banner").get_by_text("CPU")).to_be_visible()
        return Running(process, url, page)

    yield run
    for process in running:
        process.kill()
        process.communicate()


def wait_for_title(port: int, title: str) -> None:
    """Waits until Chrome's window shows the page, as its DevTools port lists it.

    The port is there before the window, and a Playwright that connects while the window opens can wait for ever: three of 25
    did on a busy machine.
    """
    for _ in range(PATIENCE_SECONDS * 10):
        connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        with closing(connection):
            connection.request("GET", "/json/list")
            targets = json.load(connection.getresponse())
        if any(target["type"] == "page" and target["title"] == title for target in targets):
            return
        threading.Event().wait(0.1)  # the list tells nobody when it changes
    raise AssertionError("no window with the page")


def second(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [Path(sys.executable).with_name("slm-playground"), "desktop", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)


def browsers_on(profile: Path) -> list[str]:
    """Processes that were started with this profile."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            found += [folder.name] if str(profile).encode() in (folder / "cmdline").read_bytes() else []
        except OSError:
            continue
    return found


def test_chat_links_a_second_start_and_a_clean_end(
    start: Callable[..., Running], environment: dict[str, str], tmp_path: Path
) -> None:
    app = start("--port", "0")
    page = app.page
    box = page.get_by_role("textbox", name="Message")
    box.fill("Hello")
    expect(page.get_by_role("banner").get_by_text("CPU")).to_be_visible()
    box.press("Enter")
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()

    page.evaluate(
        """() => {
          const link = Object.assign(document.createElement('a'), { href: 'https://example.org/x', target: '_blank' })
          link.textContent = 'Elsewhere'
          document.querySelector('main').prepend(link)
        }"""
    )
    page.get_by_role("link", name="Elsewhere").click()
    assert arrived(tmp_path / "outside") == b"https://example.org/x\n"
    assert len(page.context.pages) == 1, "no window of ours was opened for it"

    again = second(environment, "slm://models")
    assert (again.returncode, again.stdout.strip()) == (0, app.url)
    page.wait_for_url(f"{app.url}#/models")
    page.go_back()
    expect(page.get_by_role("button", name="Regenerate")).to_be_visible()

    app.process.send_signal(signal.SIGTERM)
    _, errors = app.process.communicate(timeout=PATIENCE_SECONDS)
    assert app.process.returncode == 0
    assert "Traceback" not in errors
    # The browser has ended; helpers of it that have not yet are on their way.
    end = time.monotonic() + PATIENCE_SECONDS
    while browsers_on(tmp_path / "data" / "desktop") and time.monotonic() < end:
        pass
    assert browsers_on(tmp_path / "data" / "desktop") == []


def test_a_killed_app_leaves_no_browser_and_starts_again_with_what_was_stored(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    with kept_port() as port:
        app = start("--port", str(port))
        app.page.evaluate("() => localStorage.setItem('of the test', 'kept')")
        session = app.page.context.new_cdp_session(app.page)
        window = session.send("Browser.getWindowForTarget")
        place = {"left": 40, "top": 30, "width": 1000, "height": 760}
        session.send("Browser.setWindowBounds", {"windowId": window["windowId"], "bounds": place})
        app.page.wait_for_function("() => outerWidth === 1000 && outerHeight === 760")
        app.page.close()  # the user closes the window: the app ends, and the port is remembered
        assert app.process.wait(timeout=PATIENCE_SECONDS) == 0

        app = start()
        app.process.kill()
        app.process.wait()
        again = start()
    assert again.url == app.url
    assert again.page.evaluate("() => localStorage.getItem('of the test')") == "kept"
    window = again.page.context.new_cdp_session(again.page).send("Browser.getWindowForTarget")
    assert {name: window["bounds"][name] for name in place} == place
