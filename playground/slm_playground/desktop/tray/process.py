"""The process of icon and shortcut: reads from its first line what is wanted, then tells what happens until its input ends."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

from slm_playground import paths
from slm_playground.desktop.keys import read_keys

TITLE = "SLM Playground"
PICTURE = paths.static_dir() / "icons" / "icon-192.png"
WORDS = {
    "en": {"open": "Open", "models": "Models", "quit": "Quit"},
    "de": {"open": "Öffnen", "models": "Modelle", "quit": "Beenden"},
}


@dataclass(slots=True)
class Line:
    """The connection to the app. All of it may be used from any thread."""

    orders: IO[bytes]
    news: IO[bytes]
    _writing: threading.Lock = field(default_factory=threading.Lock, init=False)
    _left: threading.Event = field(default_factory=threading.Event, init=False)
    _stops: list[Callable[[], None]] = field(default_factory=list, init=False)

    def tell(self, **news: str) -> None:
        """States (`tray`, `shortcut`), or what the user did (`do`)."""
        with self._writing, suppress(OSError):  # an app that is gone: this process goes too
            self.news.write(json.dumps(news).encode() + b"\n")
            self.news.flush()

    def when_left(self, stop: Callable[[], None]) -> None:
        """Call `stop` from a thread of its own when the app has closed the line."""

        def wait() -> None:
            self._left.wait()
            stop()

        threading.Thread(target=wait, daemon=True, name="stop").start()

    def wait(self) -> None:
        self._left.wait()

    def watch(self) -> None:
        """From now on the end of the line is noticed."""

        def read() -> None:
            with suppress(OSError):
                while self.orders.read(1):
                    pass
            self._left.set()

        threading.Thread(target=read, daemon=True, name="orders").start()


def main() -> int:
    """Until the app closes the line, or is gone."""
    # Descriptors, as in shells/window.py; what libraries print must not be read as news.
    news = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    line = Line(os.fdopen(0, "rb", closefd=False), news)
    wanted = json.loads(line.orders.readline())
    line.watch()
    if wanted["keys"]:
        threading.Thread(target=_listen, args=(str(wanted["keys"]), line), daemon=True, name="shortcut").start()
    if wanted["tray"]:
        _show_icon(WORDS[wanted["language"]], line)
    line.wait()
    return 0


def _listen(keys: str, line: Line) -> None:
    try:
        if sys.platform == "win32":
            from slm_playground.desktop.tray.shortcut_windows import listen
        else:
            from slm_playground.desktop.tray.shortcut_x11 import listen
        listen(read_keys(keys), lambda state: line.tell(shortcut=state), lambda: line.tell(do="open"))
    except ImportError:
        line.tell(shortcut="not-installed")


def _show_icon(words: dict[str, str], line: Line) -> None:
    try:
        if sys.platform.startswith("linux"):
            from slm_playground.desktop.tray.icon_qt import show
        else:
            from slm_playground.desktop.tray.icon_system import show
        show(words, line)
    except ImportError:
        line.tell(tray="not-installed")
