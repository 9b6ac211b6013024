"""A Chrome profile: where its window was, which colour it has, and freeing it from another browser that still has it.

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
# browser.theme.color_scheme2 (chrome/browser/themes/theme_service.h): as the system, light, dark.
_MODE = "color_scheme2"
_MODES = {"system": 0, "light": 1, "dark": 2}
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


def set_mode(profile: Path, mode: str) -> None:
    """The browser's own colour, also of a window without a page yet: `mode` of keep.THEMES. A profile that cannot be read or
    written stays as it is.
    """
    preferences = _preferences(profile)
    try:
        kept = preferences.setdefault("browser", {}).setdefault("theme", {})
        if kept.get(_MODE, 0) == _MODES[mode]:
            return
        kept[_MODE] = _MODES[mode]
        partial = _preferences_file(profile).with_suffix(".slm")
        partial.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_text(json.dumps(preferences, separators=(",", ":")), encoding="utf-8")
        os.replace(partial, _preferences_file(profile))
    except (OSError, AttributeError):
        return


def _kept_place(profile: Path, url: str) -> dict[str, Any]:
    """What Chrome wrote of the window; nothing where it wrote nothing that can be read."""
    parts = urlsplit(url)
    place = _preferences(profile)
    try:
        for key in ("browser", "app_window_placement", *f"{parts.hostname}_{parts.path}".split(".")):
            place = place[key]
    except (LookupError, TypeError):
        return {}
    return place if isinstance(place, dict) else {}


def _preferences_file(profile: Path) -> Path:
    return profile / "Default" / "Preferences"


def _preferences(profile: Path) -> Any:
    """What Chrome keeps of its settings; nothing for a new profile, None where it cannot be read."""
    try:
        return json.loads(_preferences_file(profile).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        return None


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
