"""The system's own web view in a process of its own: what kills a window (a missing library, a driver) leaves the server alive.

Orders go to its standard input and news come from its standard output, one JSON object on a line. It ends with its input, so no
window outlives an app that was killed. What runs there is window.py.
"""

from __future__ import annotations

import importlib.util
import json
import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

from slm_playground.desktop.environment import own_program
from slm_playground.desktop.keep import read_geometry
from slm_playground.desktop.shells.base import Surroundings, end, follow, start

WINDOW_COMMAND = "desktop-window"


def has_qt() -> bool:
    """PySide6 with QtWebEngine; nothing of it is loaded."""
    found = importlib.util.find_spec("PySide6")
    places = found.submodule_search_locations if found else None
    return any(next(Path(place).glob("QtWebEngineWidgets.*"), None) for place in places or ())


def has_webview() -> bool:
    """pywebview: WebView2 on Windows, WKWebView on macOS."""
    return importlib.util.find_spec("webview") is not None


def has_gtk() -> bool:
    """PyGObject; whether the system has WebKitGTK for it is seen when the window opens."""
    return importlib.util.find_spec("gi") is not None


class NativeShell:
    """A window of Qt (`backend` "qt"), of GTK ("gtk") or of pywebview ("webview")."""

    name = "native"

    def __init__(self, backend: str, surroundings: Surroundings) -> None:
        self.backend = backend
        self._surroundings = surroundings
        self._process: subprocess.Popen[bytes] | None = None
        self._writing = threading.Lock()

    def open(self, url: str) -> None:
        """Raises: ShellError."""
        ours = self._surroundings
        self._process = start([*own_program(), WINDOW_COMMAND], ours.output, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdout  # PIPE above
        threading.Thread(target=self._listen, args=(self._process.stdout,), daemon=True, name="window-news").start()
        storage = ours.profiles / self.backend
        self._order(backend=self.backend, url=url, storage=str(storage), geometry=asdict(ours.geometry), theme=ours.look.theme)
        follow(self._process, lambda: ours.ended(self))

    def show(self, url: str | None) -> None:
        self._order(do="show", url=url)

    def close(self) -> None:
        process = self._process
        if process is None:
            return
        self._order(do="close")
        assert process.stdin
        with suppress(OSError):
            process.stdin.close()
        end(process)

    def _order(self, **order: object) -> None:
        if self._process is None or self._process.stdin is None:
            return
        # A window that is gone is told by its end.
        with self._writing, suppress(OSError, ValueError):
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    def _listen(self, news: IO[bytes]) -> None:
        moved: Callable[..., None] = self._surroundings.moved
        with news:
            for line in news:
                with suppress(ValueError):
                    data = json.loads(line)
                    if isinstance(data, dict) and "geometry" in data:
                        moved(read_geometry(data["geometry"]))
