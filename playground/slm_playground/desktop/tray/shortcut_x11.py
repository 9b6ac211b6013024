"""The shortcut on X11: these keys alone are asked for ("grabbed"), so that nothing else that is typed is ever heard.

(Libraries for shortcuts listen to every key instead, and cannot tell that another program has these.)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from Xlib import XK, X, display, error

from slm_playground.desktop.keys import Keys

_MASKS = {"Ctrl": X.ControlMask, "Alt": X.Mod1Mask, "Shift": X.ShiftMask, "Super": X.Mod4Mask}
_NAMES = {"Space": "space", "PageUp": "Prior", "PageDown": "Next"}
# X counts Caps Lock and Num Lock among the keys that are held.
_LOCKS = (0, X.LockMask, X.Mod2Mask, X.LockMask | X.Mod2Mask)
# A key that is held down repeats: once is meant.
_HELD_MS = 700
_CLOCK_MS = 1 << 32


def listen(keys: Keys, tell: Callable[[str], None], act: Callable[[], None]) -> None:
    """Says "on" and calls `act` at each press, for ever; or says why not ("taken", "no-such-key", "failed") and returns."""
    try:
        server = display.Display()
    except (error.DisplayError, OSError) as problem:
        print(problem, file=sys.stderr)  # tray.log
        tell("failed")
        return
    code = server.keysym_to_keycode(XK.string_to_keysym(_NAMES.get(keys.key, keys.key)))
    if code == 0:
        tell("no-such-key")
        return
    if not _grab(server, code, sum(_MASKS[name] for name in keys.modifiers)):
        tell("taken")
        return
    tell("on")
    last_ms: int | None = None
    while True:
        event = server.next_event()
        if event.type == X.KeyPress:
            is_held = last_ms is not None and (event.time - last_ms) % _CLOCK_MS < _HELD_MS
            last_ms = event.time
            if not is_held:
                act()


def _grab(server: display.Display, code: int, modifiers: int) -> bool:
    root = server.screen().root
    refused = error.CatchError(error.BadAccess)
    for locks in _LOCKS:
        root.grab_key(code, modifiers | locks, True, X.GrabModeAsync, X.GrabModeAsync, onerror=refused)
    server.sync()
    return refused.get_error() is None
