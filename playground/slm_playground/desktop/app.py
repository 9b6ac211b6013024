"""The running app: its window, and whatever happens to it, one thing after another.

Everything that happens (a signal, a closed window, a second start) is put into one queue, which the main thread works off.
"""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from slm_playground.desktop import keep, links
from slm_playground.desktop.errors import DesktopError
from slm_playground.desktop.machine import Machine
from slm_playground.desktop.shells.base import Shell, ShellError, Surroundings
from slm_playground.desktop.shells.chrome import ChromeShell
from slm_playground.desktop.shells.native import NativeShell
from slm_playground.desktop.shells.plain import BrowserShell, NoShell

PATIENCE_SECONDS = 15.0
WINDOWLESS = ("browser", "none")

_log = logging.getLogger("slm_playground.desktop")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `shells`: names in the order to try; `chrome`: program of a Chrome-family browser, if there is one."""

    shells: tuple[str, ...]
    chrome: str | None
    settings: Path
    logs: Path
    models: Path
    static: Path
    port: int | None = None
    opening: str | None = None
    hidden: bool = False
    patience_seconds: float = PATIENCE_SECONDS


Event = Callable[[], None]


class Leave(Exception):
    """The end was asked for."""


class App:
    """One running app. Methods that are put into the queue run in the main thread, all others say so."""

    def __init__(self, options: Options, folder: Path, kept: keep.Kept) -> None:
        self._options = options
        self._folder = folder
        self._kept = kept
        self._events: SimpleQueue[Event] = SimpleQueue()
        self._left = list(options.shells)
        self._shell: Shell | None = None
        self._seen = threading.Event()
        self._notice: dict[str, object] | None = None
        self._url = ""
        self._started = self._active = time.monotonic()
        self.machine = Machine(
            lambda: (self._options.settings, self._options.logs), lambda what: self.put(lambda: self._do(what))
        )

    def put(self, event: Event) -> None:
        """From any thread, and from signal handlers."""
        self._events.put(event)

    def leave(self) -> None:
        raise Leave

    def facts(self) -> dict[str, Any]:
        """What the page should know of its window; from any thread."""
        shell = self._shell
        return {
            "name": shell.name if shell else None,
            "can_use_chrome": self._options.chrome is not None,
            "notice": self._notice,
            "icon_language": self.machine.icon_language,
        }

    def follow(self, folder: Path) -> None:
        """The data folder was moved."""
        from slm_playground import log

        old = self._options
        models = folder / "models" if old.models.parent == old.settings.parent else old.models
        self._options = replace(old, models=models, settings=folder / "settings", logs=folder / "logs")
        log.configure(folder / "logs", urlsplit(self._url).port or 0)

    def alive(self) -> None:
        """Somebody asks the server for something; from any thread."""
        self._active = time.monotonic()

    def page_seen(self) -> None:
        """From any thread."""
        if not self._seen.is_set():
            self._seen.set()
            milliseconds = round((time.monotonic() - self._started) * 1000)
            _log.info("page", extra={"fields": {"shell": self.facts()["name"], "since_start_ms": milliseconds}})

    def start(self, url: str) -> None:
        """Show the window, if it is not to stay hidden; what is to be opened follows in a thread of its own."""
        self._url = url
        if not self._options.hidden:
            self.next_shell()
        if self._options.opening:
            self.open(self._options.opening)
        self.machine.start()

    def run(self) -> None:
        """Until the end is asked for or the window is closed."""
        try:
            while True:
                self._events.get()()
        except Leave:
            pass

    def close(self) -> None:
        """The window goes, its place is kept."""
        shell, self._shell = self._shell, None
        if shell:
            shell.close()
        self.machine.close()
        # A window tells its place last of all.
        while not self._events.empty():
            event = self._events.get()
            if isinstance(event, _Moved):
                event()
        self._save()

    def next_shell(self) -> None:
        """Try shells in order until one starts; the last one's failure is the app's."""
        while self._left:
            shell = self._make(self._left.pop(0))
            self._seen.clear()
            self._shell = shell
            try:
                shell.open(self._url)
            except ShellError as error:
                say(f"{error}")
                continue
            fields = {"shell": shell.name, "backend": getattr(shell, "backend", None)}
            # Later: the first window opens before there is a log.
            self.put(partial(_log.info, "window", extra={"fields": fields}))
            if shell.name not in WINDOWLESS:
                self._watch(shell)
            return
        self._shell = None
        say(f"No window could be opened. The server goes on: open {self._url} in a browser.")

    def show(self, opening: str | None) -> None:
        """A second start: raise the window, or open one; then what it was asked to open."""
        if opening:
            self.open(opening)
        elif self._shell is None:
            self._open_again()
        else:
            self._shell.show(self._url if self._shell.name == "browser" else None)

    def open(self, opening: str) -> None:
        """Copying a model takes a while: not in the main thread."""

        def work() -> None:
            page = self._page_for(opening)
            self.put(lambda: self._turn_to(page))

        threading.Thread(target=work, daemon=True, name="opening").start()

    def use_chrome(self) -> None:
        """The same page in Chrome's window instead of the web view's: that one has the GPU."""
        if self._options.chrome is None or (self._shell and self._shell.name == "chrome-app"):
            return
        old = self._shell
        self._left = ["chrome-app", *(["browser"] if old is None else [])]
        self._notice = None
        self.next_shell()
        if self._shell is None:
            self._shell = old
        elif old:
            old.close()

    def _page_for(self, opening: str) -> str:
        from slm_playground.library.errors import LibraryError
        from slm_playground.library.folders import add_folder

        try:
            page = links.page_of(opening)
            if page:
                return page
            name = add_folder(self._options.models, links.folder_of(opening))
            _log.info("model added", extra={"fields": {"model": name}})
            self._notice = None
        except (DesktopError, LibraryError) as error:
            self._notice = {"code": "not-opened", "detail": str(error), "kind": error.kind, "facts": error.facts}
            say(str(error))
        except OSError as error:
            self._notice = {"code": "not-opened", "detail": str(error), "kind": None, "facts": {}}
            say(str(error))
        return "#/models"

    def _turn_to(self, page: str) -> None:
        if self._shell is None:
            self._open_again(page)
        else:
            self._shell.show(self._url + page)

    def _open_again(self, page: str = "") -> None:
        self._left = list(self._options.shells)
        home, self._url = self._url, self._url + page
        self.next_shell()
        self._url = home

    def _make(self, name: str) -> Shell:
        surroundings = Surroundings(
            self._folder,
            self._options.logs / "window.log",
            self._kept.geometry,
            self._kept.look,
            lambda shell: self.put(lambda: self._ended(shell)),
            lambda geometry: self.put(_Moved(self, geometry)),
        )
        if name == "chrome-app":
            assert self._options.chrome
            return ChromeShell(self._options.chrome, surroundings)
        if name == "browser":
            return BrowserShell()
        return NoShell() if name == "none" else NativeShell(name, surroundings)

    def _ended(self, shell: Shell) -> None:
        """A window is gone: the user closed it, or it never worked."""
        if shell is not self._shell:
            return
        if not self._seen.is_set() and self._left:
            say(f"The window ({shell.name}) ended before it showed the page; see {self._options.logs / 'window.log'}.")
            self.next_shell()
            return
        self._shell = None
        if not self._options.hidden and not self.machine.has_icon:
            self.leave()

    def _do(self, what: str) -> None:
        """What the user did with the icon or the shortcut; "gone": they are no more, and they may have been all there was."""
        if what == "quit" or (what == "gone" and self._shell is None and not self._options.hidden):
            self.leave()
        elif what in ("open", "models"):
            self.show("slm://models" if what == "models" else None)

    def _watch(self, shell: Shell) -> None:
        """A window that asks for nothing any more and has no page is given up; a slow one that goes on asking is not."""
        self.alive()

        def look() -> None:
            while True:
                left = self._active + self._options.patience_seconds - time.monotonic()
                if left <= 0:
                    self.put(lambda: self._give_up(shell))
                    return
                if self._seen.wait(left):
                    return

        threading.Thread(target=look, daemon=True, name="watchdog").start()

    def _give_up(self, shell: Shell) -> None:
        if shell is not self._shell or self._seen.is_set():
            return
        seconds = self._options.patience_seconds
        say(f"The window ({shell.name}) showed no page within {seconds:.0f} s: opening {self._url} in the browser instead.")
        self._notice = {"code": "window-failed", "detail": shell.name}
        self._left = ["browser"]
        self._shell = None
        shell.close()
        self.next_shell()

    def keep_place(self, geometry: keep.Geometry) -> None:
        self._kept = keep.with_geometry(self._kept, geometry)
        self._save()

    def keep_look(self, look: keep.Look) -> None:
        if look != self._kept.look:
            self._kept = keep.with_look(self._kept, look)
            self._save()

    def _save(self) -> None:
        try:
            keep.save(self._options.settings, self._kept)
        except OSError as error:
            _log.info("not kept", extra={"fields": {"problem": str(error)}})


@dataclass(frozen=True, slots=True)
class _Moved:
    """An event that counts at the end too."""

    app: App
    geometry: keep.Geometry

    def __call__(self) -> None:
        self.app.keep_place(self.geometry)


def say(message: str) -> None:
    """To the log, which shows warnings to people too."""
    if _log.hasHandlers() and logging.getLogger("slm_playground").handlers:
        _log.warning("%s", message)
    else:
        print(message, file=sys.stderr)
