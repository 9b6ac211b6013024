"""The process of a native window: reads its orders, hands them to Qt, GTK or pywebview, tells where the window is."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Protocol

from slm_playground.desktop.keep import Geometry, read_geometry

TITLE = "SLM Playground"
# Of the page before it has any, as `--paper` of its tokens.css.
LIGHT_PAPER, DARK_PAPER = "#fbfaf7", "#161816"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The first line of orders: what to open."""

    backend: str
    url: str
    storage: Path
    geometry: Geometry
    theme: str

    def paper(self, *, system_is_dark: bool) -> str:
        """The colour of the window before its page is there: no white flash in the dark."""
        is_dark = self.theme == "dark" or (self.theme != "light" and system_is_dark)
        return DARK_PAPER if is_dark else LIGHT_PAPER


class Window(Protocol):
    """What the orders are carried out on, from any thread."""

    def show(self, url: str | None) -> None:
        """Raise it; go to `url` if there is one."""

    def close(self) -> None:
        """Close it."""


@dataclass(slots=True)
class Line:
    """The connection to the app."""

    orders: IO[bytes]
    news: IO[bytes]
    _last: Geometry | None = field(default=None, init=False)

    def wanted(self) -> Wanted:
        data = json.loads(self.orders.readline())
        storage, shape = Path(data["storage"]), read_geometry(data["geometry"])
        return Wanted(str(data["backend"]), str(data["url"]), storage, shape, str(data["theme"]))

    def obey(self, window: Window) -> None:
        """Carry out orders in a thread of its own; without an app behind it the window closes."""

        def run() -> None:
            for line in self.orders:
                order: dict[str, Any] = json.loads(line)
                if order.get("do") == "close":
                    break
                window.show(order.get("url"))
            window.close()

        threading.Thread(target=run, daemon=True, name="orders").start()

    def tell(self, geometry: Geometry) -> None:
        """Say where the window is, when that is news."""
        if geometry == self._last:
            return
        self._last = geometry
        shape = {"width": geometry.width, "height": geometry.height, "x": geometry.x, "y": geometry.y}
        try:
            self.news.write(json.dumps({"geometry": shape}).encode() + b"\n")
            self.news.flush()
        except OSError:
            return  # the app is gone, and so will be this window


def main() -> int:
    """Open the window that the first line of standard input describes, until it is closed."""
    # Descriptors, since sys.stdin is None in windowed programs on Windows. What libraries print must not be read as news.
    news = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    line = Line(os.fdopen(0, "rb", closefd=False), news)
    wanted = line.wanted()
    return _runner(wanted.backend)(wanted, line)


def _runner(backend: str) -> Callable[[Wanted, Line], int]:
    if backend == "qt":
        from slm_playground.desktop.shells.qt import run_qt

        return run_qt
    if backend == "gtk":
        from slm_playground.desktop.shells.gtk import run_gtk

        return run_gtk
    from slm_playground.desktop.shells.webview import run_webview

    return run_webview
