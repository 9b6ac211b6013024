"""The data folder as a whole: what is in it, what a move left to be done, opening it in the system's file manager."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from slm_playground import paths
from slm_playground.data import records
from slm_playground.data.errors import DataError, told

# What moves with the folder. Anything else that lies there is somebody else's (a checkout's downloads, for instance).
PARTS = ("models", "records", "settings", "logs")


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    path: str
    size_bytes: int


def parts(folder: Path, models: Path) -> tuple[Part, ...]:
    """What takes how much room; `models` may lie elsewhere (`--models`)."""
    places = {name: models if name == "models" else folder / name for name in PARTS}
    return tuple(Part(name, str(place), size_of(place)) for name, place in places.items())


def size_of(place: Path) -> int:
    """Bytes of all files below a folder, 0 where there is none; links count as nothing."""
    total = 0
    for root, _, names in os.walk(place):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(root, name)).st_size
    return total


def check(folder: Path) -> None:
    """Raises: DataError where the folder was moved to a place that is not there now."""
    home = paths.home_dir()
    if folder != home and not folder.is_dir():
        raise DataError(
            f"The data folder was moved to {folder}, and that is not there now. If it is on a disk of its own, plug it in and "
            f"start again. To begin anew in {home} instead, delete {home / paths.MOVED_NAME}."
        )


def settle() -> Path:
    """Finish what a move that was killed left undone; gives the data folder. Called before a server opens anything.

    Raises: DataError where the folder is not there.
    """
    folder = paths.data_dir()
    target = records.moved_to(folder / "records")
    if target and target.is_dir():
        point_to(target.parent, leftover=folder)
        folder = target.parent
    check(folder)
    with suppress(OSError):
        clear_leftover()
    return folder


def point_to(target: Path, leftover: Path | None) -> None:
    """From now on the data folder is `target`, for every process; `leftover` is what may be deleted of the old one.

    Raises: OSError.
    """
    home = paths.home_dir()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = home / paths.MOVED_NAME
    if target == home and leftover is None:
        note.unlink(missing_ok=True)
        return
    temporary = note.with_name(f"{note.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump({"data_dir": str(target), "leftover": str(leftover) if leftover else None}, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(note)


def clear_leftover() -> None:
    """Delete the old folder's parts after a move.

    Raises: OSError where something cannot be deleted; it is tried again at the next start.
    """
    note = paths.home_dir() / paths.MOVED_NAME
    try:
        leftover = json.loads(note.read_text(encoding="utf-8"))["leftover"]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if not isinstance(leftover, str) or Path(leftover) == paths.data_dir():
        return
    for name in PARTS:
        place = Path(leftover) / name
        if place.is_symlink():
            continue
        if place.exists():
            shutil.rmtree(place)
    point_to(paths.data_dir(), leftover=None)


def can_open() -> bool:
    """Whether this machine has a file manager to open the folder in."""
    if sys.platform in ("win32", "darwin"):
        return True
    return shutil.which("xdg-open") is not None and any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def open_folder(folder: Path) -> None:
    """Show the folder in the system's file manager.

    Raises: DataError.
    """
    if not can_open():
        raise told("no-file-manager", 409, folder=str(folder))
    if sys.platform == "win32":
        os.startfile(folder)
        return
    program = "open" if sys.platform == "darwin" else "xdg-open"
    subprocess.Popen([program, str(folder)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
