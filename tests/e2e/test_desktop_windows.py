"""One list of what people do with a window, run against every shell that this machine has.

Chrome's app mode needs a Chromium, Qt the extra `desktop`, GTK PyGObject and the system's WebKit2 4.1.

A mouse and a keyboard from outside meet dialogs of the system, which nothing tells when they listen. So these run when somebody
looks after a shell, with SLM_TEST_WINDOWS=1; those of the whole app in test_desktop_app.py run always.
"""

from __future__ import annotations

import os
import queue
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from serving import CHROMIUM
from windows import (
    MISSING,
    PATIENCE_SECONDS,
    Hand,
    Probe,
    arrived,
    chrome_for_tests,
    clipboard,
    colours,
    display,
    new_window,
    place_of,
    shown,
    tool,
    windows,
)

from slm_playground.desktop.keep import Geometry, Look
from slm_playground.desktop.shells.base import Shell, Surroundings
from slm_playground.desktop.shells.chrome import ChromeShell
from slm_playground.desktop.shells.native import NativeShell, has_gtk, has_qt

pytestmark = [
    pytest.mark.skipif("SLM_TEST_WINDOWS" not in os.environ, reason="drives real windows: SLM_TEST_WINDOWS=1"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drives X11 windows"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]
SHELLS = [
    pytest.param("chrome-app", marks=pytest.mark.skipif(CHROMIUM is None, reason="no Chromium")),
    pytest.param("qt", marks=pytest.mark.skipif(not has_qt(), reason="needs the extra `desktop` (PySide6)")),
    pytest.param("gtk", marks=pytest.mark.skipif(not has_gtk(), reason="needs PyGObject and the system's WebKitGTK")),
]

FIRST = Geometry(900, 700)
# Darker than anything between the paper of the page and the themes of the systems.
DARK = 0x60


@dataclass
class Window:
    """An open window on the probe's page."""

    name: str
    shell: Shell
    probe: Probe
    hand: Hand
    places: dict[str, dict[str, int]]
    facts: dict[str, object]
    home: Path
    ended: queue.Queue[Shell]
    moved: queue.Queue[Geometry]


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with display() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        patch.delenv("WAYLAND_DISPLAY", raising=False)
        yield name


@pytest.fixture(scope="module", params=SHELLS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def opener(name: str, screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Window]]:
    """Open a window of the shell on a probe, in a home of its own that all windows of one shell share."""
    home = tmp_path_factory.mktemp(f"home-{name}")
    (home / "Downloads").mkdir()
    browser = home / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >> {home}/outside\n')
    browser.chmod(0o755)
    program = chrome_for_tests(home)
    # GTK's dialog asks for a name at once then. Else it loses the letters that come while it makes room for one.
    settings = home / ".config" / "glib-2.0" / "settings"
    settings.mkdir(parents=True)
    (settings / "keyfile").write_text("[org/gtk/settings/file-chooser]\nlocation-mode='filename-entry'\nstartup-mode='cwd'\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_DOWNLOAD_DIR", str(home / "Downloads"))
        patch.setenv("BROWSER", str(browser))
        patch.setenv("GSETTINGS_BACKEND", "keyfile")
        for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
            patch.delenv(variable, raising=False)
        opened: list[Shell] = []

        def open_window(probe: Probe, geometry: Geometry = FIRST, look: Look = Look()) -> Window:  # noqa: B008  # frozen
            ended: queue.Queue[Shell] = queue.Queue()
            moved: queue.Queue[Geometry] = queue.Queue()
            around = Surroundings(home / "profiles", home / "window.log", geometry, look, ended.put, moved.put)
            shell: Shell = ChromeShell(program, around) if name == "chrome-app" else NativeShell(name, around)
            opened.append(shell)
            shell.open(probe.url)
            facts = probe.wait("ready")
            hand = Hand(probe)
            return Window(name, shell, probe, hand, facts["places"], facts, home, ended, moved)

        yield open_window
        for shell in opened:
            shell.close()


@pytest.fixture(scope="module")
def window(opener: Callable[..., Window]) -> Iterator[Window]:
    probe = Probe()
    opened = opener(probe)
    opened.hand.find()
    yield opened
    opened.shell.close()
    probe.close()


def test_the_page_is_isolated_and_has_shared_memory(window: Window) -> None:
    assert window.facts["isolated"]
    assert window.facts["shared"], "threads of WebAssembly need it"


def test_copy(window: Window) -> None:
    window.hand.click(window.places["copy"])
    window.probe.wait("copied")
    assert clipboard() == "copied by the page"


def test_typing_and_the_keys_of_the_clipboard(window: Window) -> None:
    window.hand.click(window.places["text"])
    window.hand.key("ctrl+a")
    window.hand.type("typed")
    window.probe.wait("typed", text="typed")
    window.hand.key("ctrl+a", "ctrl+c", "Right", "ctrl+v")
    window.probe.wait("typed", text="typedtyped")


def test_context_menu(window: Window) -> None:
    before = windows()
    window.hand.click(window.places["text"], button=3)
    window.probe.wait("menu")
    new_window(before)
    window.hand.key("Escape")


def test_the_menu_of_the_page_has_nothing_that_does_nothing(window: Window) -> None:
    if window.name != "qt":
        pytest.skip("the menu is the browser's own")
    before = windows()
    window.hand.click(window.places["drop"], button=3)
    tool("windowfocus", "--sync", new_window(before))
    # Guards: the last entry showed the page's source in a window that never came. Now it loads the page anew.
    window.hand.key("Up", "Return")
    window.probe.wait("ready")
    window.hand.focus()


def test_open(window: Window) -> None:
    if window.name == "chrome-app":
        pytest.skip("the dialog is Chrome's own")
    (window.home / "mine.txt").write_text("from the disk")
    before = windows()
    window.hand.click(window.places["open"])
    dialog = new_window(before)
    tool("windowfocus", "--sync", dialog)
    window.hand.type(str(window.home / "mine.txt"))
    window.hand.key("Return")
    window.probe.wait("opened", name="mine.txt", text="from the disk")
    window.hand.focus()


# Behind the others: browsers show what was saved in a window of its own for a while.
def test_save(window: Window) -> None:
    before = windows()
    window.hand.click(window.places["save"])
    if window.name != "chrome-app":  # asks where to
        tool("windowfocus", "--sync", new_window(before))
        window.hand.key("Return")
    assert arrived(window.home / "Downloads" / "saved.txt") == b"saved by the page"
    window.hand.focus()


def test_zoom(window: Window) -> None:
    window.hand.click(window.places["text"])
    start = window.facts["width"]
    window.hand.key("ctrl+plus")
    # Of the page's own pixels there are fewer then. WebKit zooms without telling by devicePixelRatio.
    assert window.probe.wait("zoom")["width"] < start
    window.hand.key("ctrl+0")
    window.probe.wait("zoom", width=start)


def test_zoom_by_the_wheel(window: Window) -> None:
    window.hand.move(window.places["text"])
    start = window.facts["width"]
    tool("keydown", "ctrl", "click", "4", "keyup", "ctrl")
    assert window.probe.wait("zoom")["width"] < start
    tool("keydown", "ctrl", "click", "5", "keyup", "ctrl")
    window.probe.wait("zoom", width=start)


def test_links_lead_to_the_users_browser(window: Window) -> None:
    if window.name == "chrome-app":
        pytest.skip("there the page itself asks the server: test_desktop_app.py")
    window.hand.click(window.places["outside"])
    assert arrived(window.home / "outside") == b"https://example.org/outside\n"


def test_it_turns_to_a_page_without_loading_it_anew(window: Window) -> None:
    window.shell.show(f"{window.probe.url}#/models")
    assert window.probe.wait("turned") == {"event": "turned", "hash": "#/models"}


@pytest.fixture
def alone(window: Window) -> None:
    """The window of the tests above is closed: two programs cannot have one profile."""
    window.shell.close()


@pytest.mark.usefixtures("alone")
def test_what_the_page_stored_is_there_again_after_closing(opener: Callable[..., Window]) -> None:
    probe = Probe()
    first = opener(probe)
    stored = first.facts["visits"]
    first.shell.close()
    assert first.ended.get(timeout=PATIENCE_SECONDS) is first.shell
    second = opener(probe)
    assert (stored, second.facts["visits"]) == (1, 2)
    second.shell.close()
    probe.close()


@pytest.mark.usefixtures("alone")
def test_size_and_place_come_back(opener: Callable[..., Window]) -> None:
    probe = Probe()
    first = opener(probe)
    frame = shown()
    wanted = Geometry(1000, 640, 70, 50)
    tool("windowsize", "--sync", frame, "1000", "640", "windowmove", "--sync", frame, "70", "50")
    assert place_of(frame) == wanted
    kept = wanted
    if first.name == "chrome-app":
        probe.wait("zoom")
    else:  # tells where it is; Chrome writes that into its profile
        while (kept := first.moved.get(timeout=PATIENCE_SECONDS)) != wanted:
            pass
    first.shell.close()
    assert first.ended.get(timeout=PATIENCE_SECONDS) is first.shell
    second = opener(probe, kept)
    assert place_of(shown()) == wanted
    second.shell.close()
    probe.close()


@pytest.mark.usefixtures("alone")
def test_a_window_begins_in_the_colour_of_a_page_that_is_dark_on_a_light_system(opener: Callable[..., Window]) -> None:
    # Guards: Chrome was white between its window and the page.
    probe = Probe("dark")
    with colours(600, 500) as seen:
        opened = opener(probe, look=Look("dark", "light"))
        opened.hand.find()
    assert seen[-1] == 0x16
    assert max(seen) < DARK, seen
    assert opened.facts["system"] == "light", "the page is still told what the system is"
    opened.shell.close()
    probe.close()


@pytest.mark.usefixtures("alone")
def test_a_light_page_on_a_dark_system_is_told_of_it(opener: Callable[..., Window], name: str) -> None:
    if name != "chrome-app":
        pytest.skip("asks the system itself, and this display's is light")
    probe = Probe()
    opened = opener(probe, look=Look("light", "dark"))
    assert opened.facts["system"] == "dark"
    opened.shell.close()
    probe.close()
