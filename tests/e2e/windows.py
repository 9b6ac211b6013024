"""What the tests of real windows need: a display of their own, a hand on mouse and keyboard, and a page that tells what it sees.

Xvfb is the display, xdotool the hand, xclip looks into the clipboard (Debian packages of these names).
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from serving import CHROMIUM

from slm_playground.desktop.keep import Geometry
from slm_playground.headers import SECURITY_HEADERS

TOOLS = ("Xvfb", "xdotool", "xclip")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
PATIENCE_SECONDS = 120
LEAST_PX = 60
# The page's; before it is there the window's own.
TITLES = "Window under test|SLM Playground"
FOLDER = Path(__file__).parent / "window-page"


@contextmanager
def display() -> Iterator[str]:
    """A display that nobody sees, as DISPLAY names it."""
    reading, writing = os.pipe()
    # -noreset: it would begin anew when the last window closes, and turn away whoever opens the next one meanwhile.
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1300x900x24", "-nolisten", "tcp", "-noreset"]
    with subprocess.Popen(command, pass_fds=(writing,), stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as answer:
            number = answer.readline().strip()
        assert number, "Xvfb did not start"
        try:
            yield f":{number}"
        finally:
            server.terminate()


def chrome_for_tests(folder: Path, *flags: str) -> str:
    """Chromium as root, as CI has it, refuses its sandbox; users' browsers are started without this."""
    program = folder / "chrome"
    own = " ".join([*flags, *(["--no-sandbox"] if os.geteuid() == 0 else [])])
    program.write_text(f'#!/bin/sh\nexec "{CHROMIUM}" {own} "$@"\n')
    program.chmod(0o755)
    return str(program)


@dataclass
class Probe:
    """A server whose page reports what happens in it; behind the same headers as the real one."""

    # Of the page: "light" or "dark", whatever the system is.
    theme: str = "light"
    reports: queue.Queue[dict[str, Any]] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        probe = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                name = self.path.partition("?")[0].strip("/") or "index.html"
                path = FOLDER / name
                known = name in ("index.html", "page.js", "page.css")
                body = path.read_bytes().replace(b"THEME", probe.theme.encode()) if known else b""
                self.answer(200 if known else 404, body, path.suffix)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.answer(200, b"{}", ".json")
                probe.reports.put(json.loads(body))

            def answer(self, status: int, body: bytes, suffix: str) -> None:
                self.send_response(status)
                types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".json": "application/json"}
                self.send_header("Content-Type", types.get(suffix, "text/plain"))
                self.send_header("Content-Length", str(len(body)))
                for header, value in SECURITY_HEADERS.items():
                    self.send_header(header, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait(self, event: str, **wanted: object) -> dict[str, Any]:
        """The next report of that kind with these values; others before it are passed over."""
        while True:
            report = self.reports.get(timeout=PATIENCE_SECONDS)
            assert report["event"] != "error", report
            if report["event"] == event and all(report.get(key) == value for key, value in wanted.items()):
                return report

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@dataclass
class Hand:
    """Mouse and keyboard on the display of the environment. Places are the page's, found by where it sees the mouse."""

    probe: Probe
    left: int = 0
    top: int = 0

    def find(self) -> None:
        """Where the page begins on the screen: the mouse moves on, until the page says for the second time where it is.

        Browsers drop what happens before their first picture, and nothing outside tells when that was.
        """
        tool("search", "--sync", "--onlyvisible", "--name", TITLES)
        seen = 0
        for place in range(300, 300 + PATIENCE_SECONDS * 2):
            tool("mousemove", str(place), "300")
            with suppress(queue.Empty):
                report = self.probe.reports.get(timeout=0.5)
                seen += report["event"] == "mouse"
            # The one before may have been of the place before; this one is not, since nothing else is on its way.
            if seen >= 2 and self.probe.reports.empty():
                self.left, self.top = place - report["x"], 300 - report["y"]
                return
        raise AssertionError("the page does not see the mouse")

    def click(self, place: dict[str, Any], button: int = 1) -> None:
        self.move(place)
        tool("click", str(button))

    def move(self, place: dict[str, Any]) -> None:
        tool("mousemove", str(self.left + place["x"]), str(self.top + place["y"]))

    def type(self, text: str) -> None:
        tool("type", "--delay", "20", text)

    def key(self, *keys: str) -> None:
        tool("key", *keys)

    def focus(self) -> None:
        """After a dialog: without a window manager nobody gives the keyboard back."""
        tool("search", "--onlyvisible", "--name", TITLES, "windowfocus", "--sync")


def tool(*arguments: str) -> str:
    done = subprocess.run(["xdotool", *arguments], capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    return done.stdout


def windows() -> set[str]:
    """Every window that can be seen."""
    return set(tool("search", "--onlyvisible", "--name", "").split())


def new_window(before: set[str]) -> str:
    """The window that was not there before, a menu or a dialog; waits for it."""
    for _ in range(PATIENCE_SECONDS * 10):
        for window in windows() - before:
            lines = tool("getwindowgeometry", "--shell", window).splitlines()
            shape = dict(line.split("=") for line in lines)
            # GTK has windows of one pixel beside its own, and what lies under the mouse may explain itself in a line.
            if min(int(shape.get("WIDTH", 0)), int(shape.get("HEIGHT", 0))) >= LEAST_PX:
                return window
        threading.Event().wait(0.1)  # X tells nobody who only asks
    raise AssertionError("no new window")


def shown(title: str = TITLES) -> str:
    """The window with that title; waits for it."""
    return tool("search", "--sync", "--onlyvisible", "--limit", "1", "--name", title).strip()


def place_of(window: str) -> Geometry:
    lines = tool("getwindowgeometry", "--shell", window).splitlines()
    shape = {name: int(value) for name, _, value in (line.partition("=") for line in lines)}
    return Geometry(shape["WIDTH"], shape["HEIGHT"], shape["X"], shape["Y"])


@contextmanager
def colours(x: int, y: int) -> Iterator[list[int]]:
    """How bright that place of the display has been since: each brightness that followed another one (0 black, 255 white)."""
    from Xlib import X
    from Xlib.display import Display

    seen: list[int] = []
    is_over = threading.Event()
    screen = Display()

    def look() -> None:
        while not is_over.wait(0.01):
            pixel = screen.screen().root.get_image(x, y, 1, 1, X.ZPixmap, 0xFFFFFFFF).data
            brightness = sum(pixel[:3]) // 3
            if seen[-1:] != [brightness]:
                seen.append(brightness)

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    try:
        yield seen
    finally:
        is_over.set()
        looking.join()
        screen.close()


@contextmanager
def covered(window: str) -> Iterator[Callable[[], bool]]:
    """Somebody else's window lies over `window`; the function tells whether `window` has come to the front."""
    from Xlib.display import Display

    screen = Display()
    root = screen.screen().root
    cover = root.create_window(0, 0, 1300, 900, 0, screen.screen().root_depth)
    cover.map()
    screen.sync()

    def is_in_front() -> bool:
        order = [child.id for child in root.query_tree().children]  # without a window manager all windows are the root's
        return order.index(int(window)) > order.index(cover.id)

    try:
        assert not is_in_front()
        yield is_in_front
    finally:
        screen.close()


def clipboard() -> str:
    command = ["xclip", "-selection", "clipboard", "-out"]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=True).stdout


def arrived(path: Path) -> bytes:
    """The file's content, once it is there and not empty."""
    for _ in range(PATIENCE_SECONDS * 10):
        if path.is_file() and path.stat().st_size:
            return path.read_bytes()
        threading.Event().wait(0.1)
    raise AssertionError(f"{path.name} was not saved")
