"""What the app remembers between starts, in one small JSON file: port, window, theme, which bundled models were offered.

What cannot be read is as if it were not there; what cannot be written is said once by the caller.
"""

from __future__ import annotations

import json
import os
import stat
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

FILE_NAME = "window.json"
DEFAULT_WIDTH, DEFAULT_HEIGHT = 1180, 820
SMALLEST, LARGEST = 300, 16_000
SCHEMES = ("light", "dark")
THEMES = ("system", *SCHEMES)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Of the window, in the system's pixels; without `x` and `y` the system chooses the place."""

    width: int = DEFAULT_WIDTH
    height: int = DEFAULT_HEIGHT
    x: int | None = None
    y: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """`theme` was last chosen in the page (of THEMES), `system` is what the page saw the system to be (of SCHEMES).

    For the colour that a window has before its page is there.
    """

    theme: str = THEMES[0]
    system: str = SCHEMES[0]

    @property
    def is_against_system(self) -> bool:
        return self.theme not in ("system", self.system)


@dataclass(frozen=True, slots=True)
class Kept:
    """`port` is the first one that the app ever had; `offered` are the ids of models that came with the app."""

    port: int | None = None
    geometry: Geometry = Geometry()
    offered: tuple[str, ...] = ()
    look: Look = Look()


def own_folder(home: Path) -> tuple[Path, bool]:
    """The folder for the lock and the browsers' profiles: `<home>/desktop`, and True. It stays when the data folder is moved.

    Where that cannot be written: a folder of this user among the system's temporary files, and False.
    Raises: OSError where not even that is possible.
    """
    folder = home / "desktop"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder, True
    except OSError:
        return _temporary_folder(), False


def _temporary_folder() -> Path:
    user = os.getuid() if sys.platform != "win32" else os.environ.get("USERNAME", "user")
    folder = Path(tempfile.gettempdir()) / f"slm-playground-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    # Anybody may have made a folder of that name: the hand-over file holds a token.
    if sys.platform != "win32" and (not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o077):
        raise PermissionError(f"{folder} belongs to somebody else or is open to others. Remove it, then start again.")
    return folder


def load(folder: Path) -> Kept:
    """What was kept; for a missing or damaged file the defaults."""
    try:
        data = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Kept()
    if not isinstance(data, dict):
        return Kept()
    offered = data.get("offered")
    return Kept(
        _whole(data.get("port"), 1, 65_535),
        read_geometry(data.get("geometry")),
        tuple(item for item in offered if isinstance(item, str)) if isinstance(offered, list) else (),
        read_look(data.get("look")) or Look(),
    )


def read_look(data: Any) -> Look | None:
    """From JSON; None where it is none."""
    theme, system = (data.get("theme"), data.get("system")) if isinstance(data, dict) else (None, None)
    return Look(theme, system) if theme in THEMES and system in SCHEMES else None


def read_geometry(data: Any) -> Geometry:
    """From JSON; the default where it is not a sensible size."""
    if not isinstance(data, dict):
        return Geometry()
    width, height = (_whole(data.get(key), SMALLEST, LARGEST) for key in ("width", "height"))
    if width is None or height is None:
        return Geometry()
    x, y = (_whole(data.get(key), -LARGEST, LARGEST) for key in ("x", "y"))
    return Geometry(width, height, x, y) if x is not None and y is not None else Geometry(width, height)


def save(folder: Path, kept: Kept) -> None:
    """Raises: OSError."""
    write(folder / FILE_NAME, asdict(kept))


def write(path: Path, data: dict[str, Any]) -> None:
    """Written beside, then renamed: a full disk or a power cut leaves the old file.

    Raises: OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.new")
    partial.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    os.replace(partial, path)


def with_geometry(kept: Kept, geometry: Geometry) -> Kept:
    return replace(kept, geometry=geometry)


def with_offered(kept: Kept, offered: tuple[str, ...]) -> Kept:
    return replace(kept, offered=offered)


def with_look(kept: Kept, look: Look) -> Kept:
    return replace(kept, look=look)


def _whole(value: Any, least: int, most: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None
