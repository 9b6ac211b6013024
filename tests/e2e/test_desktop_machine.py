"""The desktop app's own settings, in the page and on a real display: shortcut pressed by a hand from outside, newer versions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from deskapp import DesktopApp
from playwright.sync_api import Browser, Locator, Page, expect
from releases import Releases
from serving import NewPage, Watch, copy_bundle
from windows import MISSING, display, tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fifos as POSIX has them")
StartApp = Callable[..., DesktopApp]


@pytest.fixture
def releases() -> Iterator[Releases]:
    server = Releases()
    yield server
    server.close()


@pytest.fixture
def start_app(tmp_path: Path, tiny_bundle: Path) -> Iterator[StartApp]:
    """The app without a window of its own, over the tiny model."""
    models = tmp_path / "models"
    models.mkdir()
    copy_bundle(tiny_bundle, models)
    running: list[DesktopApp] = []

    def start(shell: str, **environment: str) -> DesktopApp:
        running.append(DesktopApp(tmp_path, "--shell", shell, "--models", models, **environment))
        return running[-1]

    yield start
    for app in running:
        assert "Traceback" not in app.close()


def settings_of_the_app(page: Page, url: str) -> Locator:
    page.goto(url)
    page.get_by_role("button", name="Settings", exact=True).click()
    section = page.locator("details", has_text="The app on this machine")
    section.locator("summary").click()
    return section


def test_the_page_says_what_would_be_asked_and_asks_when_the_button_is_pressed(
    start_app: StartApp, releases: Releases, new_page: NewPage, chromium: Browser, watch: Watch
) -> None:
    watch.expected.append("502 (BAD GATEWAY)")
    app = start_app("none", SLM_PLAYGROUND_RELEASES=releases.url)
    section = settings_of_the_app(new_page(chromium), app.url)
    expect(section.get_by_text(releases.url)).to_be_visible()
    button = section.get_by_role("button", name="Check for updates")
    expect(button).to_be_visible()
    assert releases.asked == [], "nothing was asked by itself"

    releases.say(tag_name="v999.0", html_url="https://example.org/v999.0")
    button.click()
    expect(section.get_by_text("Version 999.0 has been published.")).to_be_visible()
    expect(section.get_by_role("link")).to_have_attribute("href", "https://example.org/v999.0")
    releases.say(tag_name="0.0.1")
    button.click()
    expect(section.get_by_text("Up to date: the newest version is 0.0.1.")).to_be_visible()
    releases.status = 403
    button.click()
    expect(section.get_by_role("alert")).to_contain_text("does not say it now (HTTP 403)")
    assert len(releases.asked) == 3


def test_keys_that_cannot_be_used_are_said_and_without_an_address_there_is_no_button(
    start_app: StartApp, new_page: NewPage, chromium: Browser, watch: Watch
) -> None:
    watch.expected.append("400 (BAD REQUEST)")
    app = start_app("none", SLM_PLAYGROUND_RELEASES="")
    section = settings_of_the_app(new_page(chromium), app.url)
    expect(section.get_by_text("This is version ")).to_be_visible()
    expect(section.get_by_role("button", name="Check for updates")).to_have_count(0)
    keys = section.get_by_role("textbox", name="Keys")
    expect(keys).to_have_value("Ctrl+Alt+Space")
    expect(section.get_by_role("checkbox")).to_have_count(2)
    for switch in section.get_by_role("checkbox").all():
        expect(switch).not_to_be_checked()
    keys.fill("Shift+A")
    keys.press("Enter")
    expect(section.get_by_role("alert")).to_contain_text("'Shift+A' cannot be used.")
    expect(keys).to_have_attribute("aria-invalid", "true")
    expect(section.get_by_role("checkbox", name="Keys that bring")).not_to_be_checked()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Wayland is Linux's")
def test_on_wayland_the_settings_name_the_command_instead(start_app: StartApp, new_page: NewPage, chromium: Browser) -> None:
    app = start_app("none", WAYLAND_DISPLAY="wayland-of-a-test")
    section = settings_of_the_app(new_page(chromium), app.url)
    expect(section.get_by_text("On Wayland only the desktop itself")).to_be_visible()
    expect(section.get_by_text(str(Path(sys.executable).with_name("slm-playground")) + " desktop")).to_be_visible()
    expect(section.get_by_role("checkbox", name="Keys that bring")).to_have_count(0)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11's keys")
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
@pytest.mark.skipif(find_spec("Xlib") is None, reason="needs python-xlib")
def test_pressed_keys_bring_the_page_and_keys_of_others_are_refused(start_app: StartApp) -> None:
    from Xlib import XK, X
    from Xlib.display import Display

    with display() as name:
        app = start_app("browser", DISPLAY=name)
        assert app.opened() == app.url
        assert app.choose(shortcut=True)["shortcut"] == "on"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DISPLAY", name)
            tool("key", "ctrl+alt+space")
            assert app.opened() == app.url
            tool("key", "Caps_Lock", "ctrl+alt+space", "Caps_Lock")

            other = Display(name)
            root, code = other.screen().root, other.keysym_to_keycode(XK.string_to_keysym("j"))
            root.grab_key(code, X.ControlMask | X.Mod1Mask, True, X.GrabModeAsync, X.GrabModeAsync)
            other.sync()
            assert app.choose(keys="Ctrl+Alt+J")["shortcut"] == "taken"
            other.close()
            assert app.choose(keys="Ctrl+Alt+J")["shortcut"] == "on"
            tool("key", "ctrl+alt+j")
            assert app.opened() == app.url
            assert app.choose(shortcut=False)["shortcut"] == "off"
        app.close()  # while its display is there
