"""What every shell can do. A shell knows an address and a window; nothing of the server, the models or the lock."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slm_playground.desktop.keep import Geometry, Look

# A window closes in half a second; one that is killed on a busy machine would lose what the page stored last.
CLOSING_SECONDS = 4.0


class ShellError(Exception):
    """A shell that cannot open its window: the message says why."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What shells are given: a folder for profiles, a file for what their programs print, shape and look of the last window, and
    whom to tell.

    `ended(shell)` is called once for each window that is gone, whoever closed it; both may come from any thread.
    """

    profiles: Path
    output: Path
    geometry: Geometry
    look: Look
    ended: Callable[[Shell], None]
    moved: Callable[[Geometry], None]


class Shell(Protocol):
    """One window, from `open` to `close` or until the user closes it."""

    @property
    def name(self) -> str:
        """As the page and the log call it: native, chrome-app, browser or none."""

    def open(self, url: str) -> None:
        """Show the window. Raises: ShellError."""

    def show(self, url: str | None) -> None:
        """Bring it to the front; go to `url` if there is one."""

    def close(self) -> None:
        """Close it, whatever it does: nothing is left running."""


def start(command: list[str], output: Path, **options: object) -> subprocess.Popen[bytes]:
    """A program whose messages go into the file `output`, which each start empties.

    Raises: ShellError.
    """
    try:
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            messages = output.open("wb")
        except OSError:
            return subprocess.Popen(command, stderr=subprocess.DEVNULL, **options)  # type: ignore[call-overload,no-any-return]
        with messages:
            return subprocess.Popen(command, stderr=messages, **options)  # type: ignore[call-overload,no-any-return]
    except OSError as error:
        raise ShellError(f"{command[0]} could not be started ({error}).") from error


def follow(process: subprocess.Popen[bytes], ended: Callable[[], None]) -> None:
    """Call `ended` from a thread of its own when the process is gone."""

    def wait() -> None:
        process.wait()
        ended()

    threading.Thread(target=wait, daemon=True, name="window").start()


def end(process: subprocess.Popen[bytes]) -> None:
    """A process that was asked to end: wait for it a moment, then end it."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(CLOSING_SECONDS)
        return
    process.kill()
    process.wait()
