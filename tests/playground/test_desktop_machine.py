"""What belongs to the app on this machine: keys, what was chosen, the question for a newer version, and their routes."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from packaging.version import Version
from releases import Releases

from slm_playground import __version__
from slm_playground.desktop import choices, updates
from slm_playground.desktop.choices import Choices
from slm_playground.desktop.errors import DesktopError
from slm_playground.desktop.instance import First, find_first
from slm_playground.desktop.keys import read_keys
from slm_playground.desktop.tray.helper import impossible_shortcut
from slm_playground.desktop.tray.process import WORDS
from slm_playground.guard import TOKEN_HEADER


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ctrl+alt+space", "Ctrl+Alt+Space"),
        (" Strg + Umschalt + F12 ", "Ctrl+Shift+F12"),
        ("Shift+Win+pgdown", "Shift+Super+PageDown"),
        ("Alt+7", "Alt+7"),
    ],
)
def test_keys_are_read_as_people_write_them(typed: str, meant: str) -> None:
    assert str(read_keys(typed)) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "A",
        "Shift+A",
        "Ctrl",
        "Ctrl+Alt",
        "Ctrl+A+B",
        "Ctrl+Ctrl+A",
        "Ctrl++",
        "Ctrl+F13",
        "Ctrl+ä",
        "Ctrl+Alt+Space+",
        "x" * 9999,
    ],
)
def test_what_is_no_shortcut_or_would_take_a_key_from_typing_is_refused(typed: str) -> None:
    with pytest.raises(DesktopError, match="cannot be used") as refused:
        read_keys(typed)
    assert refused.value.kind == "bad-keys"
    assert len(str(refused.value)) < 300


def test_choices_are_kept_and_damage_is_as_if_nothing_was(tmp_path: Path) -> None:
    assert choices.load(tmp_path) == Choices(tray=False, shortcut=False, keys="Ctrl+Alt+Space", language="en")
    chosen = choices.changed(Choices(), {"tray": True, "keys": "alt+x", "language": "de", "shortcut": "yes", "other": 1})
    assert chosen == Choices(tray=True, shortcut=False, keys="Alt+X", language="de")
    choices.save(tmp_path, chosen)
    assert choices.load(tmp_path) == chosen
    for damaged in ("", "[]", '{"keys": "nothing"}', "{"):
        (tmp_path / choices.FILE_NAME).write_text(damaged)
        assert choices.load(tmp_path) == Choices()


@pytest.mark.parametrize(
    ("platform", "environment", "why"),
    [
        ("linux", {"DISPLAY": ":0"}, None),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "wayland"),
        ("linux", {"DISPLAY": ":0", "XDG_SESSION_TYPE": "wayland"}, "wayland"),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "x11"}, None),
        ("darwin", {}, "macos"),
        ("win32", {}, None),
    ],
)
def test_where_no_program_may_have_keys_of_its_own(platform: str, environment: dict[str, str], why: str | None) -> None:
    assert impossible_shortcut(platform, environment) == why


def test_the_menu_has_the_same_entries_in_each_language() -> None:
    assert {tuple(words) for words in WORDS.values()} == {("open", "models", "quit")}
    assert WORDS.keys() == set(choices.LANGUAGES)


@pytest.fixture
def releases() -> Iterator[Releases]:
    server = Releases()
    yield server
    server.close()


def test_a_newer_version_is_told_with_its_page_and_nothing_of_us_is_sent(releases: Releases) -> None:
    releases.say(tag_name="v999.1", html_url="https://example.org/o/n/releases/tag/v999.1")
    newest = updates.ask(releases.url)
    assert asdict(newest) == {
        "own": __version__,
        "newest": "999.1",
        "is_newer": True,
        "page": "https://example.org/o/n/releases/tag/v999.1",
    }
    assert releases.asked == [
        {
            "path": "/repos/o/n/releases/latest",
            "host": f"127.0.0.1:{releases.server.server_port}",
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "slm-playground",
            "connection": "close",
        }
    ]


@pytest.mark.parametrize("tag", [__version__, f"v{__version__}", f"{__version__}.0", f"{__version__}rc1", "0.0.9"])
def test_the_same_and_older_ones_are_not_newer(releases: Releases, tag: str) -> None:
    releases.say(tag_name=tag, html_url="https://example.org/")
    assert not updates.ask(releases.url).is_newer


def test_versions_are_compared_as_numbers(releases: Releases) -> None:
    own = Version(__version__)
    releases.say(tag_name=f"{own.major}.{own.minor + 10}.0")
    assert updates.ask(releases.url).is_newer


@pytest.mark.parametrize("page", ["javascript:alert(1)", "http://example.org/", "file:///etc/passwd", "//x", 7, None])
def test_only_a_web_page_becomes_a_link(releases: Releases, page: object) -> None:
    releases.say(tag_name="999", html_url=page)
    assert updates.ask(releases.url).page is None


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, b"{}", "update-none"),
        (403, b"{}", "update-refused"),
        (429, b"{}", "update-refused"),
        (500, b"{}", "update-refused"),
        (200, b"<!doctype html><title>Sign in</title>", "update-unclear"),
        (200, b"[]", "update-unclear"),
        (200, b'{"tag_name": "the newest"}', "update-unclear"),
        (200, b'{"tag_name": 1}', "update-unclear"),
        (200, b"\xff\xfe", "update-unclear"),
        (200, b" " * (updates.MAX_BYTES + 1), "update-unclear"),
    ],
)
def test_an_answer_that_is_none_is_said_as_what_it_is(releases: Releases, status: int, body: bytes, kind: str) -> None:
    releases.status, releases.body = status, body
    with pytest.raises(DesktopError) as refused:
        updates.ask(releases.url)
    assert (refused.value.kind, refused.value.status) == (kind, 502)


def test_a_server_that_is_gone_slow_or_leads_elsewhere_is_said(releases: Releases) -> None:
    releases.waits = threading.Event()
    with pytest.raises(DesktopError, match="did not answer within"):
        updates.ask(releases.url, timeout_seconds=0.2)
    releases.waits.set()
    releases.status, releases.location = 302, "http://example.org/latest"
    with pytest.raises(DesktopError, match="over https only"):
        updates.ask(releases.url)
    with pytest.raises(DesktopError, match="over https only"):
        updates.ask("http://example.org/latest")
    releases.close()
    with pytest.raises(DesktopError, match="could not be reached"):
        updates.ask(releases.url)


def test_the_address_is_the_packagers_else_the_packages_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(updates.VARIABLE, "https://example.org/latest")
    assert updates.address() == "https://example.org/latest"
    monkeypatch.setenv(updates.VARIABLE, "https://github.com/owner/na.me/releases")
    assert updates.address() == "https://api.github.com/repos/owner/na.me/releases/latest"
    monkeypatch.setenv(updates.VARIABLE, "")
    assert updates.address() is None
    # As an installed package says it: a folder of metadata that is found before the real one.
    monkeypatch.delenv(updates.VARIABLE)
    (tmp_path / "slm_playground-0.1.0.dist-info").mkdir()
    said = "Metadata-Version: 2.4\nName: slm-playground\nVersion: 0.1.0\nProject-URL: Home, https://a\n"
    said += "Project-URL: Releases, https://github.com/o/n/releases\n"
    (tmp_path / "slm_playground-0.1.0.dist-info" / "METADATA").write_text(said)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert updates.address() == "https://api.github.com/repos/o/n/releases/latest"


def request(first: First, method: str, path: str, body: dict[str, object] | None = None) -> tuple[int, dict[str, Any]]:
    connection = HTTPConnection(first.url[7:-1], timeout=PATIENCE_SECONDS)
    try:
        headers = {"Content-Type": "application/json", TOKEN_HEADER: first.token}
        connection.request(method, path, json.dumps(body or {}), headers)
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


def test_the_running_app_keeps_what_is_chosen_and_asks_only_when_asked(
    start: Callable[..., Any], releases: Releases, tmp_path: Path
) -> None:
    releases.say(tag_name="999", html_url="https://example.org/")
    running = start("desktop", "--shell", "none", "--port", "0", SLM_PLAYGROUND_RELEASES=releases.url)
    first = find_first(tmp_path / "data" / "desktop")
    status, facts = request(first, "GET", "/api/desktop/machine")
    assert (status, facts["version"], facts["releases"]) == (200, __version__, releases.url)
    assert facts["command"].endswith("desktop")
    assert (facts["tray"], facts["choices"]["tray"], facts["choices"]["shortcut"]) == ("off", False, False)

    status, refused = request(first, "PUT", "/api/desktop/machine", {"keys": "Shift+A", "language": "de"})
    assert (status, refused["error"]["kind"]) == (400, "bad-keys")
    status, facts = request(first, "PUT", "/api/desktop/machine", {"keys": "super+k", "language": "de"})
    assert (status, facts["choices"]) == (200, {"tray": False, "shortcut": False, "keys": "Super+K", "language": "de"})
    assert choices.load(tmp_path / "data" / "settings") == Choices(keys="Super+K", language="de")

    assert releases.asked == [], "nothing was asked by itself"
    status, newest = request(first, "POST", "/api/desktop/update")
    assert (status, newest["is_newer"]) == (200, True)
    releases.status = 404
    status, refused = request(first, "POST", "/api/desktop/update")
    assert (status, refused["error"]["kind"]) == (502, "update-none")
    assert "Traceback" not in running.end(signal.SIGTERM)[2]


def test_without_an_address_there_is_nothing_to_ask(start: Callable[..., Any], tmp_path: Path) -> None:
    start("desktop", "--shell", "none", "--port", "0", SLM_PLAYGROUND_RELEASES="")
    first = find_first(tmp_path / "data" / "desktop")
    assert request(first, "GET", "/api/desktop/machine")[1]["releases"] is None
    status, refused = request(first, "POST", "/api/desktop/update")
    assert (status, refused["error"]["kind"]) == (404, "update-no-address")
    with_other_token = First(first.url, "guessed")
    assert request(with_other_token, "PUT", "/api/desktop/machine", {"tray": True})[0] == 403


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's tray and X11's keys")
def test_an_icon_that_cannot_be_is_said_and_kept_for_the_next_start(start: Callable[..., Any], tmp_path: Path) -> None:
    running = start("desktop", "--shell", "none", "--port", "0")  # without a display
    first = find_first(tmp_path / "data" / "desktop")
    _, facts = request(first, "PUT", "/api/desktop/machine", {"tray": True, "shortcut": True})
    # Without the extra `desktop` that is said; with it Qt finds no display and ends.
    assert facts["tray"] == ("failed" if find_spec("PySide6") else "not-installed")
    assert facts["shortcut"] == "failed"
    assert running.popen.poll() is None
    running.end(signal.SIGTERM)
    assert choices.load(tmp_path / "data" / "settings") == Choices(tray=True, shortcut=True)
    start("desktop", "--shell", "none", "--port", "0", WAYLAND_DISPLAY="wayland-of-a-test")
    _, facts = request(find_first(tmp_path / "data" / "desktop"), "PUT", "/api/desktop/machine", {"tray": False})
    assert (facts["tray"], facts["shortcut"]) == ("off", "wayland")
    assert os.path.exists(tmp_path / "data" / "logs" / "tray.log")
