"""What the user chose for the app on this machine, in a small JSON file of its own: tray icon, shortcut, the menu's language.

Not in the page's settings: those follow the user to other browsers. What cannot be read is as if it were not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slm_playground.desktop import keep
from slm_playground.desktop.errors import DesktopError
from slm_playground.desktop.keys import read_keys

FILE_NAME = "choices.json"
LANGUAGES = ("en", "de")


@dataclass(frozen=True, slots=True)
class Choices:
    """Both are off until somebody wants them. `language` is that of the icon's menu."""

    tray: bool = False
    shortcut: bool = False
    keys: str = "Ctrl+Alt+Space"
    language: str = LANGUAGES[0]

    def needs_helper(self) -> bool:
        return self.tray or self.shortcut


def load(folder: Path) -> Choices:
    """What was kept; for a missing or damaged file the defaults."""
    try:
        data = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        return changed(Choices(), data) if isinstance(data, dict) else Choices()
    except (OSError, ValueError, DesktopError):
        return Choices()


def save(folder: Path, choices: Choices) -> None:
    """Raises: OSError."""
    keep.write(folder / FILE_NAME, asdict(choices))


def changed(choices: Choices, data: Mapping[str, Any]) -> Choices:
    """`choices` with what `data` says; values of another type are passed over.

    Raises: DesktopError for keys that cannot be a shortcut.
    """
    tray, shortcut, keys, language = (data.get(name) for name in ("tray", "shortcut", "keys", "language"))
    return Choices(
        tray if isinstance(tray, bool) else choices.tray,
        shortcut if isinstance(shortcut, bool) else choices.shortcut,
        str(read_keys(keys)) if isinstance(keys, str) else choices.keys,
        language if language in LANGUAGES else choices.language,
    )
