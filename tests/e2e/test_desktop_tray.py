"""The icon in a real tray of X's, clicked by a hand from outside; by hand, as in test_desktop_windows.py: SLM_TEST_WINDOWS=1.

The tray is trayer (Debian package of that name); the icon needs the extra `desktop`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from deskapp import DesktopApp
from windows import MISSING, PATIENCE_SECONDS, display, new_window, tool, windows

pytestmark = [
    pytest.mark.skipif("SLM_TEST_WINDOWS" not in os.environ, reason="drives real windows: SLM_TEST_WINDOWS=1"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11's tray"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(shutil.which("trayer") is None, reason="not installed: trayer"),
    pytest.mark.skipif(find_spec("PySide6") is None, reason="needs the extra `desktop` (PySide6)"),
]
ICON_PLACE = ("20", "20")


@pytest.fixture
def screen() -> Iterator[str]:
    with display() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        # No panel of the machine's own: X's tray is what is tested.
        patch.setenv("DBUS_SESSION_BUS_ADDRESS", "disabled:")
        yield name


@pytest.fixture
def tray(screen: str) -> Iterator[Callable[[], None]]:
    """`tray()` starts one in the upper left corner of the screen."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        place = ["--edge", "top", "--align", "left"]
        size = ["--widthtype", "pixel", "--width", "120", "--heighttype", "pixel", "--height", "40"]
        started.append(subprocess.Popen(["trayer", *place, *size], stderr=subprocess.DEVNULL))

    yield start
    for process in started:
        process.terminate()
        process.wait()


def choose_from_menu(place: int) -> None:
    """The entry at `place` of the icon's menu, counted from 1."""
    before = windows()
    tool("mousemove", *ICON_PLACE, "click", "3")
    menu = new_window(before)
    tool("key", *["Down"] * place, "Return")
    for _ in range(PATIENCE_SECONDS * 10):
        if menu not in windows():  # Qt shows the same window the next time
            return
        threading.Event().wait(0.1)
    raise AssertionError("the menu stays")


def test_the_icon_opens_the_page_goes_to_the_models_and_ends_the_app(tmp_path: Path, tray: Callable[[], None]) -> None:
    app = DesktopApp(tmp_path, "--shell", "browser")
    try:
        assert app.opened() == app.url
        assert app.choose(tray=True)["tray"] == "no-tray", "nothing shows icons yet"
        tray()
        app.wait_for(tray="shown")
        tool("mousemove", *ICON_PLACE, "click", "1")
        assert app.opened() == app.url
        choose_from_menu(2)
        assert app.opened() == f"{app.url}#/models"
        # Another button in between: two clicks of the right one, as fast as this, are a double click, which has no menu.
        tool("mousemove", *ICON_PLACE, "click", "1")
        assert app.opened() == app.url
        choose_from_menu(3)
        assert app.process.wait(timeout=PATIENCE_SECONDS) == 0
    finally:
        assert "Traceback" not in app.close()


# In place of a browser: shows the page as one does, until somebody writes into the pipe.
WINDOW = """
import sys, urllib.request
(url,) = (word.removeprefix("--app=") for word in sys.argv if word.startswith("--app="))
urllib.request.urlopen(url + "api/models").read()
open(sys.argv[1]).read()
"""


def test_while_the_icon_is_there_the_app_outlives_its_window(tmp_path: Path, tray: Callable[[], None]) -> None:
    closing, browser, script = tmp_path / "closing", tmp_path / "chrome", tmp_path / "window.py"
    os.mkfifo(closing)
    script.write_text(WINDOW)
    browser.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{script}" "{closing}" "$@"\n')
    browser.chmod(0o755)
    long = {"SLM_PLAYGROUND_PATIENCE_SECONDS": str(PATIENCE_SECONDS)}
    app = DesktopApp(tmp_path, "--shell", "chrome-app", SLM_PLAYGROUND_CHROME=str(browser), **long)
    try:
        app.wait_for_pages(1)
        tray()
        app.choose(tray=True)
        app.wait_for(tray="shown")
        closing.write_text("")
        app.wait_for_window(None)
        assert app.process.poll() is None
        tool("mousemove", *ICON_PLACE, "click", "1")
        app.wait_for_pages(2)
        app.choose(tray=False)
        closing.write_text("")
        assert app.process.wait(timeout=PATIENCE_SECONDS) == 0, "without the icon the app ends with its window"
    finally:
        assert "Traceback" not in app.close()
