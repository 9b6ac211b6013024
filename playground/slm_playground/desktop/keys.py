"""Keys of a shortcut such as Ctrl+Alt+Space: read as people write them, checked, written in one way. Pure."""

from __future__ import annotations

import string
from dataclasses import dataclass

from slm_playground.desktop.errors import told

MODIFIERS = ("Ctrl", "Alt", "Shift", "Super")
_OTHER_NAMES = {
    **{"control": "Ctrl", "strg": "Ctrl", "option": "Alt", "umschalt": "Shift"},
    **{"meta": "Super", "win": "Super", "windows": "Super", "cmd": "Super", "command": "Super"},
    **{"leertaste": "Space", "pgup": "PageUp", "pgdown": "PageDown"},
}
NAMED_KEYS = ("Space", "Insert", "Home", "End", "PageUp", "PageDown", "Up", "Down", "Left", "Right")
FUNCTION_KEYS = tuple(f"F{number}" for number in range(1, 13))
_KEYS = (*string.ascii_uppercase, *string.digits, *NAMED_KEYS, *FUNCTION_KEYS)
_BY_NAME = {name.lower(): name for name in (*MODIFIERS, *_KEYS)} | _OTHER_NAMES
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Keys:
    """`modifiers` in the order of MODIFIERS; `key` is one of the others."""

    modifiers: tuple[str, ...]
    key: str

    def __str__(self) -> str:
        return "+".join((*self.modifiers, self.key))


def read_keys(text: str) -> Keys:
    """Raises: DesktopError for what is no shortcut, or one that would take a key away from typing."""
    names = [_BY_NAME.get(part.strip().lower()) for part in text.split("+")]
    modifiers = tuple(name for name in MODIFIERS if name in names)
    keys = [name for name in names if name not in MODIFIERS]
    is_whole = len(keys) == 1 and keys[0] is not None and len(names) == len(modifiers) + 1
    if not is_whole or not set(modifiers) - {"Shift"}:
        raise told("bad-keys", keys=repr(text[:LONGEST]))
    return Keys(modifiers, str(keys[0]))
