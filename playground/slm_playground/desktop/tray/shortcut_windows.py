"""The shortcut on Windows: these keys alone are asked for, by RegisterHotKey (never run: no such machine was at hand)."""

from __future__ import annotations

import sys
from collections.abc import Callable

from slm_playground.desktop.keys import FUNCTION_KEYS, Keys

_NO_REPEAT = 0x4000
_MODIFIERS = {"Alt": 1, "Ctrl": 2, "Shift": 4, "Super": 8}
_VIRTUAL_KEYS = {
    **{"Space": 0x20, "PageUp": 0x21, "PageDown": 0x22, "End": 0x23, "Home": 0x24},
    **{"Left": 0x25, "Up": 0x26, "Right": 0x27, "Down": 0x28, "Insert": 0x2D},
    **{name: 0x70 + place for place, name in enumerate(FUNCTION_KEYS)},
}
_HOTKEY_MESSAGE = 0x0312
_ALREADY_REGISTERED = 1409


def listen(keys: Keys, tell: Callable[[str], None], act: Callable[[], None]) -> None:
    """Says "on" and calls `act` at each press, for ever; or says why not ("taken", "failed") and returns."""
    if sys.platform != "win32":
        raise ImportError("user32 is a part of Windows")
    import ctypes
    from ctypes import wintypes

    user32 = ctypes.WinDLL("user32", use_last_error=True)
    modifiers = sum(_MODIFIERS[name] for name in keys.modifiers) | _NO_REPEAT
    code = _VIRTUAL_KEYS.get(keys.key) or ord(keys.key)
    # Without a window, for this thread: its messages come here.
    if not user32.RegisterHotKey(None, 1, modifiers, code):
        tell("taken" if ctypes.get_last_error() == _ALREADY_REGISTERED else "failed")
        return
    tell("on")
    message = wintypes.MSG()
    while user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
        if message.message == _HOTKEY_MESSAGE:
            act()
