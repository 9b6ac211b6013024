"""Remembers which steps are done: a stamp per step, written only after success, and a lock around all of them.

A stamp holds a SHA-256 over the step's inputs and the identity (size in bytes, mtime in nanoseconds) of what it made.
A step is done when both still match; that a folder exists says nothing. Knows nothing of what the steps do.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOCK_POLL_SECONDS = 0.2


def tree(folder: Path, *, without: Iterable[Path] = ()) -> list[Path]:
    """Every file below `folder` in a fixed order, but those below the folders `without`, caches and hidden files."""
    excluded = set(without)
    found: list[Path] = []
    for base, folders, names in os.walk(folder):
        here = Path(base)
        folders[:] = sorted(f for f in folders if f != "__pycache__" and not f.startswith(".") and here / f not in excluded)
        found += [here / name for name in sorted(names) if not name.startswith(".")]
    return found


def digest(files: Iterable[Path], *, texts: Iterable[str] = (), root: Path) -> str:
    """SHA-256 over names (relative to `root`) and contents of `files`, and over `texts` such as versions."""
    total = hashlib.sha256()
    for text in texts:
        total.update(b"text\0" + text.encode() + b"\0")
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
        total.update(f"file\0{os.path.relpath(path, root)}\0{content}\0".encode())
    return total.hexdigest()


def identities(paths: Iterable[Path], root: Path) -> dict[str, list[int]]:
    """Size and mtime of each path; a path that is not there is an error (the step did not make what it should)."""
    result = {}
    for path in paths:
        status = path.stat()
        result[os.path.relpath(path, root)] = [status.st_size, status.st_mtime_ns]
    return result


class Stamps:
    """The stamps of one checkout, in `folder`."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder = folder
        self.root = root

    def is_done(self, name: str, inputs: str) -> bool:
        """True when `name` ended well with these inputs and what it made has not been touched since."""
        stamp = self.read(name)
        if stamp is None or stamp.get("inputs") != inputs:
            return False
        made = stamp.get("made")
        if not isinstance(made, dict):
            return False
        try:
            return identities((self.root / path for path in made), self.root) == made
        except OSError:
            return False

    def read(self, name: str) -> dict[str, object] | None:
        """The stamp as written, or None where there is none or it cannot be read."""
        try:
            data = json.loads((self.folder / f"{name}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return data if isinstance(data, dict) else None

    def write(self, name: str, inputs: str, made: Iterable[Path]) -> None:
        """Record success: written beside and renamed, so that a stamp is whole or absent."""
        self.folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"inputs": inputs, "made": identities(made, self.root)}, indent=1)
        draft = self.folder / f"{name}.json.part"
        draft.write_text(text + "\n", encoding="utf-8")
        os.replace(draft, self.folder / f"{name}.json")

    def begin(self, name: str) -> None:
        """Called before a step starts: until it ends well, it is not done; that it was begun stays known."""
        self.write(name, "begun, not ended", [])


@contextmanager
def exclusive(path: Path, on_wait: Callable[[str], None]) -> Iterator[int]:
    """Hold the lock file `path`; yields its descriptor.

    The descriptor is to be inherited by child processes: if this process is killed, a child that still writes keeps
    the lock, and the next start waits for it. `on_wait` is called once, with the holder's note, if the lock is taken.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        waited = False
        while not _try_lock(file):
            if not waited:
                file.seek(0)
                on_wait(file.read().strip() or "unknown process")
                waited = True
            time.sleep(LOCK_POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()}, since {time.strftime('%H:%M:%S')}\n")
        file.flush()
        yield file.fileno()


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str]) -> bool:
        file.seek(0)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
