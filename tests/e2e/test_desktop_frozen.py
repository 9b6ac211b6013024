"""The built app as people have it: an ordinary user, an empty environment, a real window, the model that came along.

By hand, as test_desktop_windows.py: `make app`, then SLM_TEST_WINDOWS=1; SLM_TEST_APP names another folder, of an archive that
was unpacked. Keys and mouse come from outside (xdotool); what was answered is read from the records that the app keeps.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from serving import CHROMIUM
from windows import MISSING, PATIENCE_SECONDS, covered, display, shown, tool

from slm_playground.desktop.instance import First, find_first
from slm_playground.guard import TOKEN_HEADER

BUILT = Path(__file__).resolve().parents[2] / ".data" / "app" / "dist" / "slm-playground"
APP = Path(os.environ.get("SLM_TEST_APP", BUILT))
PROGRAM = APP / "slm-playground"
pytestmark = [
    pytest.mark.skipif("SLM_TEST_WINDOWS" not in os.environ, reason="drives real windows: SLM_TEST_WINDOWS=1"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's app, X11's windows"),
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(not PROGRAM.is_file(), reason="no app was built here: make app"),
]
NOBODY = 65534
IS_ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
SHELLS = ["native", pytest.param("chrome-app", marks=pytest.mark.skipif(CHROMIUM is None, reason="no Chromium"))]
SMALL_DISK_BYTES = 8 << 20


class Frozen:
    """The app, and a home of its user. Root is no ordinary user: `nobody` starts it then."""

    def __init__(self, home: Path, screen: str | None) -> None:
        self.home = home
        self.data = home / ".local" / "share" / "slm-playground"
        # Chromium is found by the system's usual places for programs; nothing else is given.
        self.environment = {"HOME": str(home), "TMPDIR": str(home.parent), **({"DISPLAY": screen} if screen else {})}
        self._started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        who: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if IS_ROOT else {}
        process = subprocess.Popen(
            [PROGRAM, *arguments],
            cwd="/",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **who,
        )
        self._started.append(process)
        return process

    def url(self, *arguments: str) -> str:
        """Start it and give its address."""
        process = self.start(*arguments)
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.communicate()[1]
        return url

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Start it and wait for its end: exit code, standard output, standard error."""
        process = self.start(*arguments)
        said, errors = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, said.strip(), errors

    def end(self, number: int) -> tuple[int, str]:
        """Send the signal to the one that runs, wait: exit code, standard error."""
        (process,) = (each for each in self._started if each.poll() is None)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, errors

    def clean(self) -> None:
        for process in self._started:
            process.kill()
            process.communicate()

    def processes(self) -> list[str]:
        """Commands of all processes of the app and of browsers on its profile."""
        found = []
        for folder in Path("/proc").iterdir():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                is_ours = Path(os.readlink(folder / "exe")).is_relative_to(APP)
            except OSError:
                continue
            found += [command] if is_ours or str(self.home) in command else []
        return found

    def ask(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """A request with the app's own token."""
        first = self.first()
        with closing(HTTPConnection(first.url[7:-1], timeout=PATIENCE_SECONDS)) as connection:
            headers = {"Content-Type": "application/json", TOKEN_HEADER: first.token}
            connection.request(method, path, json.dumps(body), headers)
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer

    def get(self, url: str, path: str) -> dict[str, Any]:
        with closing(HTTPConnection(url[7:-1], timeout=PATIENCE_SECONDS)) as connection:
            connection.request("GET", path)
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer

    def log(self) -> str:
        return "".join(path.read_text() for path in self.data.glob("logs/server-*.log"))

    def first(self) -> First:
        return find_first(self.data / "desktop")

    def answers(self) -> list[str]:
        """Of the model, whole, in all chats."""
        listed = self.ask("POST", "/api/data/pull", after=0)["records"]
        messages = [record["body"]["message"] for record in listed if record["kind"] == "message" and record["body"]]
        return [each["content"] for each in messages if each["role"] == "assistant" and each["state"] == "done"]


def wait_until(what: str, is_so: Callable[[], object]) -> None:
    for _ in range(PATIENCE_SECONDS * 10):
        if is_so():
            return
        threading.Event().wait(0.1)  # a window, a file, a list of processes: they tell nobody
    raise AssertionError(f"it never came about: {what}")


@pytest.fixture(scope="module")
def screen() -> Iterator[str]:
    with display() as name, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DISPLAY", name)
        yield name


@pytest.fixture
def home() -> Iterator[Path]:
    # Not below pytest's own folder, which is root's alone.
    folder = Path(tempfile.mkdtemp(prefix="slm-frozen-"))
    home = folder / "home"
    home.mkdir()
    for each in (folder, home):
        each.chmod(0o755)
        if IS_ROOT:
            os.chown(each, NOBODY, NOBODY)
    yield home
    shutil.rmtree(folder)


@pytest.fixture
def app(home: Path, screen: str) -> Iterator[Frozen]:
    frozen = Frozen(home, screen)
    yield frozen
    frozen.clean()
    wait_until("nothing is left of it", lambda: not frozen.processes())


def question(app: Frozen) -> None:
    """Ask as a person does: the page has put the cursor into the message by itself."""
    tool("windowfocus", "--sync", shown("^SLM Playground"))
    wait_until("the page is there", lambda: '"page"' in app.log())
    tool("type", "--delay", "40", "What is the capital of France?")
    tool("key", "Return")


def has_left(app: Frozen) -> None:
    wait_until("none of its processes is left", lambda: app.processes() == [])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_question_a_second_start_and_the_end(app: Frozen, shell: str) -> None:
    url = app.url("--shell", shell)
    question(app)
    wait_until("the model has answered", app.answers)
    assert app.answers()[0].strip()

    with covered(shown("^SLM Playground")) as is_in_front:
        code, said, errors = app.run()
        assert (code, said) == (0, url), errors
        wait_until("the window comes to the front", is_in_front)
    assert app.run("slm://models")[0] == 0
    shown("^Models · SLM Playground")

    code, errors = app.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in errors
    has_left(app)


@pytest.mark.parametrize("shell", SHELLS)
def test_after_a_kill_it_starts_again_with_its_chats(app: Frozen, shell: str) -> None:
    url = app.url("--shell", shell)
    question(app)
    wait_until("the model has answered", app.answers)
    before = app.answers()
    app.end(signal.SIGKILL)
    has_left(app)

    assert app.url("--shell", shell) == url
    shown("^SLM Playground")
    assert app.answers() == before
    assert app.end(signal.SIGTERM)[0] == 0


def test_with_its_port_taken_it_serves_at_another_one(app: Frozen) -> None:
    url = app.url("--shell", "native")
    wait_until("the page is there", lambda: '"page"' in app.log())
    assert app.end(signal.SIGTERM)[0] == 0
    with socket.create_server(("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]))):
        assert app.url("--shell", "native") != url
        shown("^SLM Playground")
        assert app.end(signal.SIGTERM)[0] == 0
    has_left(app)
    assert app.url("--shell", "none") == url, "the first one is tried again"


def test_a_home_that_cannot_be_written(app: Frozen) -> None:
    app.home.chmod(0o555)
    url = app.url("--shell", "native")
    shown("^SLM Playground")
    assert app.run("slm://models")[0] == 0  # the page's script runs
    shown("^Models · SLM Playground")
    assert [model["id"] for model in app.get(url, "/api/models")["models"]], "the model that came along"
    code, errors = app.end(signal.SIGTERM)
    assert (code, "Traceback" in errors) == (0, False)
    assert "cannot be written" in errors


@pytest.mark.skipif(not IS_ROOT, reason="only root makes a small disk")
def test_a_full_disk(app: Frozen) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK_BYTES},mode=777", "tmpfs", app.home], check=False)
    if mounted.returncode:
        pytest.skip("no small disk can be made here")
    try:
        with (app.home / "full").open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"0" * 4096)
        url = app.url("--shell", "native")
        shown("^SLM Playground")
        assert [model["id"] for model in app.get(url, "/api/models")["models"]], "the model that came along"
        code, errors = app.end(signal.SIGTERM)
        assert (code, "Traceback" in errors) == (0, False)
        has_left(app)
    finally:
        subprocess.run(["umount", app.home], check=True)


def test_without_a_display_it_says_what_works(home: Path) -> None:
    app = Frozen(home, None)
    code, said, errors = app.run()
    assert (code, said) == (1, "")
    assert "no display here" in errors
    assert "desktop --shell none" in errors
    url = app.url("desktop", "--shell", "none")
    assert app.get(url, "/api/health")["status"] == "ok"
    assert app.end(signal.SIGTERM)[0] == 0
    has_left(app)
