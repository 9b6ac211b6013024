"""A Chrome profile that another browser still has.

A browser that finds its profile in use hands its window over to the one that has it and ends at once. When the app was killed,
that other one is on its way out (its pipe is gone) and shows nothing any more, so it is waited for, and ended if need be: the
app's own lock says that no other app wants it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

# On POSIX systems a symbolic link to `host-process` (chrome/browser/process_singleton_posix.cc).
_LOCK = "SingletonLock"
_LEAVING_SECONDS = 4.0
_LOOK_SECONDS = 0.05


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
