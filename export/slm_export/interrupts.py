"""Ctrl-C and SIGTERM: one message, everything unfinished removed, and the exit code that a shell expects (128 + signal).

Where nobody has called `catch_signals` (the exporter as a library), signals do what they always do.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

SAME_KEYSTROKE_SECONDS = 1.0  # a second signal within this time is an impatient finger: the first is being cleaned up after
_received: list[tuple[int, float]] = []


def catch_signals() -> None:
    """Handle SIGINT and SIGTERM from now on (main thread only). A signal that the parent has us ignore stays ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _receive)


def interrupted_by() -> signal.Signals | None:
    """The first signal that arrived; None where there was none."""
    return signal.Signals(_received[0][0]) if _received else None


def exit_code() -> int:
    """130 after Ctrl-C, 143 after SIGTERM."""
    return 128 + (interrupted_by() or signal.SIGINT)


def _receive(number: int, _: FrameType | None) -> None:
    now = time.monotonic()
    is_same = bool(_received) and now - _received[-1][1] < SAME_KEYSTROKE_SECONDS
    _received.append((number, now))
    if not is_same:
        raise KeyboardInterrupt
