"""The desktop app from start to end: lock, port, window, server, then whatever happens, one thing after another.

Everything that happens (a signal, a closed window, a second start) is put into one queue, which the main thread works off.
"""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from slm_playground.desktop import instance, keep, links
from slm_playground.desktop.environment import open_in_browser
from slm_playground.desktop.ports import open_remembered
from slm_playground.desktop.shells.base import Shell, ShellError, Surroundings
from slm_playground.desktop.shells.chrome import ChromeShell
from slm_playground.desktop.shells.native import NativeShell
from slm_playground.desktop.shells.plain import BrowserShell, NoShell
from slm_playground.listen import bound_port, open_socket

PATIENCE_SECONDS = 15.0
WINDOWLESS = ("browser", "none")

_log = logging.getLogger("slm_playground.desktop")


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for. `shells`: names in the order to try; `chrome`: program of a Chrome-family browser, if there is one."""

    shells: tuple[str, ...]
    chrome: str | None
    home: Path
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
        self._notice: dict[str, str] | None = None
        self._url = ""
        self._started = time.monotonic()

    def put(self, event: Event) -> None:
        """From any thread, and from signal handlers."""
        self._events.put(event)

    def leave(self) -> None:
        raise Leave

    def facts(self) -> dict[str, Any]:
        """What the page should know of its window; from any thread."""
        shell = self._shell
        return {"name": shell.name if shell else None, "can_use_chrome": self._options.chrome is not None, "notice": self._notice}

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
                _say(f"{error}")
                continue
            _log.info("window", extra={"fields": {"shell": shell.name, "backend": getattr(shell, "backend", None)}})
            if shell.name not in WINDOWLESS:
                self._watch(shell)
            return
        self._shell = None
        _say(f"No window could be opened. The server goes on: open {self._url} in a browser.")

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
        except (links.LinkError, LibraryError, OSError) as error:
            self._notice = {"code": "not-opened", "detail": str(error)}
            _say(str(error))
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
            _say(f"The window ({shell.name}) ended before it showed the page; see {self._options.logs / 'window.log'}.")
            self.next_shell()
            return
        self._shell = None
        if not self._options.hidden:
            self.leave()

    def _watch(self, shell: Shell) -> None:
        def look() -> None:
            if not self._seen.wait(self._options.patience_seconds):
                self.put(lambda: self._give_up(shell))

        threading.Thread(target=look, daemon=True, name="watchdog").start()

    def _give_up(self, shell: Shell) -> None:
        if shell is not self._shell or self._seen.is_set():
            return
        seconds = self._options.patience_seconds
        _say(f"The window ({shell.name}) showed no page within {seconds:.0f} s: opening {self._url} in the browser instead.")
        self._notice = {"code": "window-failed", "detail": shell.name}
        self._left = ["browser"]
        self._shell = None
        shell.close()
        self.next_shell()

    def keep_place(self, geometry: keep.Geometry) -> None:
        self._kept = keep.with_geometry(self._kept, geometry)
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


def run(options: Options) -> int:
    """The whole app; the exit code.

    Raises: OSError where no folder can hold the lock; ListenError where the chosen port is taken; NotReached where an app runs
    that does not answer.
    """
    folder, is_kept = keep.own_folder(options.home)
    ours = instance.Instance.take(folder)
    if ours is None:
        return _hand_over(folder, options)
    kept = keep.load(options.settings)
    listener = open_socket(options.port) if options.port is not None else open_remembered(kept.port)
    port = bound_port(listener)
    url, token = f"http://127.0.0.1:{port}/", secrets.token_urlsafe(32)
    kept = replace(kept, port=kept.port or port)
    app = App(options, folder, kept)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: app.put(app.leave))
    print(url, flush=True)
    # The window starts while the server is being imported: its first request waits in the socket's queue.
    app.start(url)
    server = _serve(app, options, listener, token)
    try:
        ours.announce(url, token)
    except OSError as error:
        _say(f"A second start will not find this one ({error}).")
    if not is_kept:
        _say(f"{options.home} cannot be written: window, port and what the browser stores are kept in {folder} only.")
    app.run()
    _log.info("stopping")
    app.close()
    server.close()
    ours.release()
    return 0


def _serve(app: App, options: Options, listener: Any, token: str) -> Any:
    """Start the server in a thread of its own."""
    from slm_playground import __version__, log
    from slm_playground.desktop.routes import Actions, add_desktop
    from slm_playground.serve import make_server
    from slm_playground.server import Config, create_app

    port = bound_port(listener)
    log.configure(options.logs, port)
    flask_app = create_app(Config(port, token, options.models, options.static, shell=app.facts))
    actions = Actions(
        page_seen=app.page_seen,
        show=lambda opening: app.put(lambda: app.show(opening)),
        use_chrome=lambda: app.put(app.use_chrome),
        open_link=lambda link: threading.Thread(target=open_in_browser, args=(link,), daemon=True).start(),
        leave=lambda: app.put(app.leave),
    )
    add_desktop(flask_app, actions)
    server = make_server(flask_app, listener)
    threading.Thread(target=server.run, daemon=True, name="server").start()
    _log.info("started", extra={"fields": {"version": __version__, "port": port, "shells": options.shells}})
    return server


def _hand_over(folder: Path, options: Options) -> int:
    """A second start: the first one shows its window."""
    first = instance.find_first(folder)
    print(first.url, flush=True)
    first.ask("/api/desktop/show", {"open": options.opening} if options.opening else {})
    print("SLM Playground is running already: its window was brought to the front.", file=sys.stderr)
    return 0


def quit_first(home: Path) -> bool:
    """End the running app; False where none runs. Raises: NotReached, OSError."""
    folder, _ = keep.own_folder(home)
    ours = instance.Instance.take(folder)
    if ours is not None:
        ours.release()
        return False
    instance.find_first(folder).ask("/api/desktop/quit", {})
    return True


def _say(message: str) -> None:
    """To the log, which shows warnings to people too."""
    if _log.hasHandlers() and logging.getLogger("slm_playground").handlers:
        _log.warning("%s", message)
    else:
        print(message, file=sys.stderr)
