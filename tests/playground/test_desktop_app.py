"""The desktop app as real processes without a window: one instance, signals, ports, disks, windows that fail.

What stands for a browser is a small script; real windows are tested in tests/e2e/test_desktop_*.py.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from ports import kept_port

from slm_playground.desktop.instance import First, NotReached, find_first

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and fifos as POSIX has them")
SERVER_ALONE = ("desktop", "--shell", "none")


@pytest.fixture
def first(tmp_path: Path) -> Callable[[], First]:
    """The running instance, as a second start finds it."""
    return lambda: find_first(tmp_path / "data" / "desktop")


@pytest.fixture
def browser(tmp_path: Path) -> tuple[str, Callable[[], str]]:
    """A program for BROWSER, and a function that waits for the address it is given."""
    pipe = tmp_path / "opened"
    os.mkfifo(pipe)
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {pipe}\n')
    program.chmod(0o755)
    return str(program), lambda: pipe.read_text().strip()  # reading a pipe waits for its writer


def listing(fetch: Callable[..., Any], process: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(fetch(process, "/api/models").body)
    return answer


def test_a_second_start_finds_the_first_and_ends(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    running = start(*SERVER_ALONE, "--port", "0")
    assert fetch(running, "/api/health").status == 200
    second = start(*SERVER_ALONE)
    code, _, errors = second.wait()
    assert (code, second.url) == (0, running.url)
    assert "running already" in errors
    assert running.popen.poll() is None


def test_quit_ends_the_running_app_and_says_when_there_is_none(start: Callable[..., Any]) -> None:
    assert start("desktop", "--quit").url == "SLM Playground is not running."
    running = start(*SERVER_ALONE, "--port", "0")
    assert start("desktop", "--quit").url == "SLM Playground ends."
    assert running.wait()[0] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_nothing(start: Callable[..., Any], tmp_path: Path, number: int) -> None:
    running = start(*SERVER_ALONE, "--port", "0")
    code, rest, errors = running.end(number)
    assert (code, rest) == (0, "")
    assert "Traceback" not in errors
    assert not (tmp_path / "data" / "desktop" / "instance.json").exists()
    events = [event["event"] for event in running.events()]
    assert (events[0], events[-1]) == ("started", "stopping")


def test_after_a_kill_it_starts_again_on_the_same_port(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    with kept_port() as port:
        killed = start(*SERVER_ALONE, "--port", str(port))
        assert fetch(killed, "/api/health").status == 200
        # Clean once, so that the port is kept; then killed.
        killed.end(signal.SIGTERM)
        killed = start(*SERVER_ALONE)
        killed.end(signal.SIGKILL)
        again = start(*SERVER_ALONE)
    assert again.url == killed.url
    assert fetch(again, "/api/health").status == 200


def test_a_remembered_port_that_is_taken_is_only_lent(start: Callable[..., Any], tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = tmp_path / "data" / "settings"
        settings.mkdir(parents=True)
        (settings / "window.json").write_text(json.dumps({"port": port}))
        lent = start(*SERVER_ALONE)
        assert lent.port != port
        lent.end(signal.SIGTERM)
        assert json.loads((settings / "window.json").read_text())["port"] == port, "the next start tries it again"


def test_a_chosen_port_that_is_taken_is_an_error(start: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        process = start(*SERVER_ALONE, "--port", str(other.getsockname()[1]))
        code, _, errors = process.wait()
    assert (code, process.url) == (1, "")
    assert "is taken by another program" in errors
    assert "Use another one: slm-playground desktop --port " in errors


def test_without_a_display_it_says_what_works(start: Callable[..., Any]) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can lack a display")
    process = start("desktop")
    code, _, errors = process.wait()
    assert (code, process.url) == (1, "")
    assert "no display here" in errors
    assert "slm-playground desktop --shell none" in errors


def test_a_data_folder_that_cannot_be_written_is_said(
    start: Callable[..., Any], fetch: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")  # not even root makes a folder below a file
    away = {"SLM_PLAYGROUND_DATA": str(tmp_path / "file" / "data"), "TMPDIR": str(tmp_path)}
    process = start(*SERVER_ALONE, "--port", "0", **away)
    assert fetch(process, "/api/health").status == 200
    code, _, errors = process.end(signal.SIGTERM)
    assert code == 0
    assert "cannot be written" in errors
    assert "Traceback" not in errors


def test_a_full_disk_does_not_keep_it_from_serving(tmp_path: Path, make_bundle: Callable[..., Path], models: Path) -> None:
    make_bundle()
    # No file may grow: what a full disk looks like to a program.
    command = f'ulimit -f 0; exec "{sys.executable}" -m slm_playground desktop --shell none --port 0 --models "{models}"'
    environment = {**os.environ, "SLM_PLAYGROUND_DATA": str(tmp_path / "data"), "DISPLAY": ""}
    process = subprocess.Popen(["sh", "-c", command], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    with socket.create_connection(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2])), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(f"GET /api/models HTTP/1.0\r\nHost: {url[7:-1]}\r\n\r\n".encode())
        answer = connection.makefile("rb").read()
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert b'"id":"tiny"' in answer.replace(b" ", b"")
    assert process.returncode == 0
    assert "Traceback" not in errors


RUN = """
import sys
from pathlib import Path
from slm_playground.desktop.app import Options
from slm_playground.desktop.instance import Instance
from slm_playground.desktop.run import run
folder, chrome = Path(sys.argv[1]), sys.argv[2]
parts = {name: folder / name for name in ("settings", "logs", "models", "static")}
options = Options(("chrome-app", "browser"), chrome, **parts, port=0, patience_seconds=float(sys.argv[3]))
sys.exit(run(options, Instance.take(folder), folder))
"""


@pytest.mark.parametrize(
    ("script", "patience", "says"), [("exec sleep 600", 0.2, "showed no page"), ("exit 3", 60, "ended before")]
)
def test_a_window_that_shows_nothing_is_replaced_by_the_browser(
    tmp_path: Path, browser: tuple[str, Callable[[], str]], script: str, patience: float, says: str
) -> None:
    program = tmp_path / "chrome"
    program.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\n{script}\n")
    program.chmod(0o755)
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-c", RUN, str(tmp_path / "data"), str(program), str(patience)]
    environment = {**os.environ, "BROWSER": browser[0], "SLM_PLAYGROUND_DATA": str(tmp_path / "data")}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    assert browser[1]() == url
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
    assert says in errors
    if began := (tmp_path / "pid").read_text() if (tmp_path / "pid").exists() else "":  # else it ended before its first line
        with pytest.raises(ProcessLookupError):
            os.kill(int(began), 0)


def test_a_folder_and_an_address_open_in_the_running_app(
    start: Callable[..., Any],
    fetch: Callable[..., Any],
    first: Callable[[], First],
    browser: tuple[str, Callable[[], str]],
    make_bundle: Callable[..., Path],
    tmp_path: Path,
) -> None:
    source = make_bundle("tiny").rename(tmp_path / "downloaded")
    running = start("desktop", "--shell", "browser", "--port", "0", BROWSER=browser[0])
    assert browser[1]() == running.url
    assert start("desktop", "--shell", "browser", str(source), BROWSER=browser[0]).wait()[0] == 0
    assert browser[1]() == f"{running.url}#/models"
    told = listing(fetch, running)
    assert [model["id"] for model in told["models"]] == ["tiny"]
    chrome = told["shell"]["can_use_chrome"]
    assert told["shell"] == {"name": "browser", "can_use_chrome": chrome, "notice": None, "icon_language": None}

    assert start("desktop", "--shell", "browser", "slm://write", BROWSER=browser[0]).wait()[0] == 0
    assert browser[1]() == f"{running.url}#/write"

    first().ask("/api/desktop/show", {"open": str(tmp_path / "nothing")})
    assert browser[1]() == f"{running.url}#/models"
    notice = listing(fetch, running)["shell"]["notice"]
    assert (notice["code"], notice["kind"]) == ("not-opened", "no-folder-there")
    assert notice["facts"] == {"path": str(tmp_path / "nothing")}
    assert notice["detail"].startswith(f"{tmp_path / 'nothing'} is not there.")


def test_links_open_outside_and_only_for_who_has_the_token(
    start: Callable[..., Any], first: Callable[[], First], browser: tuple[str, Callable[[], str]]
) -> None:
    running = start(*SERVER_ALONE, "--port", "0", BROWSER=browser[0])
    known = first()
    known.ask("/api/desktop/link", {"url": "https://example.org/a?b=c"})
    assert browser[1]() == "https://example.org/a?b=c"
    for url in ("file:///etc/passwd", "javascript:alert(1)", "https://example.org/\n--flag", ""):
        with pytest.raises(NotReached, match="400"):
            known.ask("/api/desktop/link", {"url": url})
    with pytest.raises(NotReached, match="403"):
        First(known.url, "guessed").ask("/api/desktop/quit", {})
    assert running.popen.poll() is None


def test_the_log_names_the_window(
    start: Callable[..., Any], fetch: Callable[..., Any], browser: tuple[str, Callable[[], str]]
) -> None:
    # Guards: the first window opens before there is a log, and was not in it.
    running = start("desktop", "--shell", "browser", "--port", "0", BROWSER=browser[0])
    assert browser[1]() == running.url
    assert fetch(running, "/api/health").status == 200
    running.end(signal.SIGTERM)
    assert [event["shell"] for event in running.events() if event["event"] == "window"] == ["browser"]


# Tells how it was started, shows no page, and ends with its pipe as Chrome does.
RECORDS = """#!/bin/sh
printf '%s\\n' "$GTK_THEME" "$@" > "{told}"
exec cat <&3 >/dev/null
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GTK's theme, and the display that is said to be there")
@pytest.mark.parametrize(
    ("look", "theme", "told", "mode"),
    [
        ({"theme": "dark", "system": "light"}, "Adwaita:dark", ["--blink-settings=preferredColorScheme=1"], 2),
        ({"theme": "light", "system": "dark"}, "Adwaita", ["--blink-settings=preferredColorScheme=0"], 1),
        ({"theme": "dark", "system": "dark"}, "", [], 0),
        ({"theme": "system", "system": "dark"}, "", [], 0),
    ],
)
def test_the_look_that_the_page_tells_is_the_next_windows(
    start: Callable[..., Any],
    first: Callable[[], First],
    tmp_path: Path,
    look: dict[str, object],
    theme: str,
    told: list[str],
    mode: int,
) -> None:
    start(*SERVER_ALONE, "--port", "0")
    wrong_ones: tuple[dict[str, object], ...] = ({"theme": "blue", "system": "dark"}, {"theme": "dark"}, {})
    for wrong in wrong_ones:
        with pytest.raises(NotReached, match="400"):
            first().ask("/api/desktop/look", wrong)
    # Another one before, so that what is looked for was not there by itself.
    first().ask("/api/desktop/look", {"theme": "light", "system": "light"})
    first().ask("/api/desktop/look", look)
    assert start("desktop", "--quit").url == "SLM Playground ends."
    assert json.loads((tmp_path / "data" / "settings" / "window.json").read_text())["look"] == look

    program, record = tmp_path / "chrome", tmp_path / "told"
    os.mkfifo(record)
    program.write_text(RECORDS.format(told=record))
    program.chmod(0o755)
    chrome = {"DISPLAY": ":of-a-test", "GTK_THEME": "", "SLM_PLAYGROUND_CHROME": str(program)}
    start("desktop", "--shell", "chrome-app", "--port", "0", **chrome)
    gtk, *flags = record.read_text().splitlines()  # reading a pipe waits for its writer
    assert gtk == theme
    assert [flag for flag in flags if "preferredColorScheme" in flag] == told
    profile = tmp_path / "data" / "desktop" / "chrome" / "Default" / "Preferences"
    kept = json.loads(profile.read_text())["browser"]["theme"]["color_scheme2"] if profile.exists() else 0
    assert kept == mode


def test_hidden_it_waits_without_a_window(start: Callable[..., Any], browser: tuple[str, Callable[[], str]]) -> None:
    running = start("desktop", "--hidden", "--shell", "browser", "--port", "0", BROWSER=browser[0])
    assert start("desktop", "--shell", "browser", BROWSER=browser[0]).wait()[0] == 0
    assert browser[1]() == running.url, "opened by the second start, not before"
