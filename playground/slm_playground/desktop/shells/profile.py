"""A Chrome profile: where its window was, and freeing it from another browser that still has it.

Chrome writes down where an app's window is, but splits the app's name at its dots while writing and not while reading. So a
window at 127.0.0.1 never comes back as it was (Chromium 156), and what was written is given to Chrome again as flags.

A browser that finds its profile in use hands its window over to the one that has it and ends at once. When the app was killed,
that other one is on its way out (its pipe is gone) and shows nothing any more, so it is waited for, and ended if need be: the
app's own lock says that no other app wants it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from slm_playground.desktop.keep import Geometry, read_geometry

# On POSIX systems a symbolic link to `host-process` (chrome/browser/process_singleton_posix.cc).
_LOCK = "SingletonLock"
_LEAVING_SECONDS = 4.0
_LOOK_SECONDS = 0.05


def place_flags(profile: Path, url: str, first: Geometry) -> list[str]:
    """Chrome's flags for a window of `url` as it was the last time; of the size `first` where the profile says nothing."""
    kept = _kept_place(profile, url)
    left, top = kept.get("left"), kept.get("top")
    try:
        shape = read_geometry({"width": kept["right"] - left, "height": kept["bottom"] - top, "x": left, "y": top})
    except (KeyError, TypeError):
        return [f"--window-size={first.width},{first.height}"]
    flags = [f"--window-size={shape.width},{shape.height}"]
    if shape.x is not None and shape.y is not None:
        flags.append(f"--window-position={shape.x},{shape.y}")
    return [*flags, *(["--start-maximized"] if kept.get("maximized") is True else [])]


def _kept_place(profile: Path, url: str) -> dict[str, Any]:
    """What Chrome wrote of the window; nothing where it wrote nothing that can be read."""
    parts = urlsplit(url)
    try:
        place = json.loads((profile / "Default" / "Preferences").read_text(encoding="utf-8"))
        for key in ("browser", "app_window_placement", *f"{parts.hostname}_{parts.path}".split(".")):
            place = place[key]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return place if isinstance(place, dict) else {}


def free(profile: Path) -> None:
    """Return when no browser of this machine has the profile any more."""
    holder = _holder(profile)
    for ending in (None, signal.SIGTERM, getattr(signal, "SIGKILL", None)):
        if holder is None or not _runs_on(holder, profile):
            return
        if ending is not None:
            with suppress(OSError):
                os.kill(holder, ending)
        limit = time.monotonic() + _LEAVING_SECONDS
        while _runs_on(holder, profile) and time.monotonic() < limit:
            time.sleep(_LOOK_SECONDS)


def _holder(profile: Path) -> int | None:
    try:
        host, _, process = os.readlink(profile / _LOCK).rpartition("-")
    except OSError:
        return None
    return int(process) if host == socket.gethostname() and process.isdecimal() else None


def _runs_on(process: int, profile: Path) -> bool:
    """Whether that process is there and is a browser with this profile: numbers of processes come back."""
    try:
        done = subprocess.run(["ps", "-ww", "-o", "stat=,args=", "-p", str(process)], capture_output=True, text=True, check=False)
    except OSError:
        return False
    state, _, command = done.stdout.strip().partition(" ")
    return bool(state) and not state.startswith("Z") and str(profile) in command
