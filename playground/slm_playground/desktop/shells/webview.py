"""A window of pywebview: WebView2 on Windows, WKWebView on macOS. Linux has windows of its own (qt.py, gtk.py).

pywebview's defaults would lose data (private mode) and refuse downloads; no JavaScript bridge is opened.
"""

from __future__ import annotations

import subprocess
import sys
import threading

import webview

from slm_playground import paths
from slm_playground.desktop.keep import Geometry
from slm_playground.desktop.shells.window import TITLE, Line, Wanted

ICON = paths.static_dir() / "icons" / "icon-512.png"


class _PyWindow:
    def __init__(self, window: webview.Window) -> None:
        self._window = window
        self._closed = threading.Event()
        window.events.closed += self._closed.set

    def show(self, url: str | None) -> None:
        self._window.events.shown.wait()
        self._window.restore()
        self._window.show()
        if url:
            self._window.load_url(url)

    def close(self) -> None:
        self._window.events.shown.wait()
        if not self._closed.is_set():
            self._window.destroy()


def run_webview(wanted: Wanted, line: Line) -> int:
    """Until the window is closed."""
    webview.settings["ALLOW_DOWNLOADS"] = True
    webview.settings["OPEN_EXTERNAL_LINKS_IN_BROWSER"] = True
    wanted.storage.mkdir(parents=True, exist_ok=True)
    shape = wanted.geometry
    window = webview.create_window(
        TITLE,
        wanted.url,
        width=shape.width,
        height=shape.height,
        x=shape.x,
        y=shape.y,
        min_size=(360, 300),
        text_select=True,
        zoomable=True,
        background_color=wanted.paper(system_is_dark=_is_dark()),
    )
    assert window is not None
    _tell_places(window, line, shape)
    line.obey(_PyWindow(window))
    gui = "edgechromium" if sys.platform == "win32" else None
    webview.start(gui=gui, private_mode=False, storage_path=str(wanted.storage), icon=str(ICON) if ICON.is_file() else None)
    return 0


def _tell_places(window: webview.Window, line: Line, first: Geometry) -> None:
    shape = {"width": first.width, "height": first.height, "x": first.x, "y": first.y}

    def resized(width: float, height: float) -> None:
        shape.update(width=int(width), height=int(height))
        _tell()

    def moved(x: float, y: float) -> None:
        shape.update(x=int(x), y=int(y))
        _tell()

    def _tell() -> None:
        line.tell(Geometry(int(shape["width"] or 0), int(shape["height"] or 0), shape["x"], shape["y"]))

    window.events.resized += resized
    window.events.moved += moved


if sys.platform == "win32":
    import winreg

    def _is_dark() -> bool:
        key = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize"
        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as themes:
                return winreg.QueryValueEx(themes, "AppsUseLightTheme")[0] == 0
        except OSError:  # Windows before there was a choice
            return False

else:

    def _is_dark() -> bool:
        # There is no such setting where macOS is light.
        command = ["defaults", "read", "-g", "AppleInterfaceStyle"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() == "Dark"
