"""The app's side: starts the process for icon and shortcut anew whenever something was chosen, and hears from it.

A process of its own, as windows are: no shell has a tray everywhere, macOS wants its main thread, and what kills it (a missing
library, a display that goes) leaves window and server alive. It is told once what to do, ends with its input, and tells on its
output, one JSON object on a line, how it stands and what the user did.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from slm_playground.desktop.choices import Choices
from slm_playground.desktop.environment import own_program
from slm_playground.desktop.shells.base import ShellError, end, start

COMMAND = "desktop-tray"
# Qt on a busy machine, and a tray that answers late; a page is waiting for the answer.
STARTING_SECONDS = 20.0
OFF, FAILED, SHOWN = "off", "failed", "shown"
ACTIONS = ("open", "models", "quit")
PARTS = ("tray", "shortcut")


def impossible_shortcut(platform: str, environment: Mapping[str, str]) -> str | None:
    """Where no program may take keys for itself, or only one that may hear all of them; None where it may."""
    if platform == "darwin":
        return "macos"
    if not platform.startswith("linux"):
        return None
    # X's keys reach us there only while a program of X's has the keyboard.
    is_wayland = environment.get("WAYLAND_DISPLAY") or environment.get("XDG_SESSION_TYPE") == "wayland"
    return "wayland" if is_wayland else None


class Helper:
    """At most one such process. `act(what)` is called from a thread of its own with one of ACTIONS, or "gone"."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self._act = act
        self._changing = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_closed = False
        self._states = self._nothing()

    def state(self) -> dict[str, str]:
        """How icon and shortcut stand, each in a word; from any thread."""
        return dict(self._states)

    def apply(self, choices: Choices, output: Path) -> None:
        """Do what was chosen, and wait until it is known how that went. Not in the main thread."""
        with self._changing:
            self._end()
            self._states = self._nothing()
            wanted = {"tray": choices.tray, "shortcut": choices.shortcut and self._states["shortcut"] == OFF}
            if self._is_closed or not any(wanted.values()):
                return
            order = {
                "tray": wanted["tray"],
                "keys": choices.keys if wanted["shortcut"] else None,
                "language": choices.language,
            }
            try:
                process = start([*own_program(), COMMAND], output, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            except ShellError:
                self._states.update({part: FAILED for part in PARTS if wanted[part]})
                return
            self._process = process
            told = threading.Event()
            waiting = {part for part in PARTS if wanted[part]}
            assert process.stdout  # PIPE above
            listening = (process, process.stdout, waiting, told)
            threading.Thread(target=self._listen, args=listening, daemon=True, name="tray-news").start()
            assert process.stdin
            with suppress(OSError):
                process.stdin.write(json.dumps(order).encode() + b"\n")
                process.stdin.flush()
        told.wait(STARTING_SECONDS)

    def close(self) -> None:
        """The icon goes with the app."""
        self._is_closed = True
        with self._changing:
            self._end()

    def _nothing(self) -> dict[str, str]:
        return {"tray": OFF, "shortcut": impossible_shortcut(sys.platform, os.environ) or OFF}

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin
        with suppress(OSError):
            process.stdin.close()
        end(process)

    def _listen(self, process: subprocess.Popen[bytes], news: IO[bytes], waiting: set[str], told: threading.Event) -> None:
        open_questions = set(waiting)
        with news:
            for line in news:
                with suppress(ValueError):
                    data = json.loads(line)
                    states = {part: str(data[part]) for part in PARTS if part in data}
                    if process is self._process:
                        self._states.update(states)
                    open_questions -= states.keys()
                    if not open_questions:
                        told.set()
                    if data.get("do") in ACTIONS:
                        self._act(data["do"])
        is_ours = process is self._process
        if is_ours:  # it ended by itself
            self._process = None
            self._states.update(dict.fromkeys(waiting, FAILED))
        told.set()
        process.wait()
        if is_ours:
            self._act("gone")
