"""The data folder's move: copied, verified, then switched. Until the switch nothing of the old folder is touched.

The switch is one transaction of the records (`Records.hand_over`): it names the new folder, so that a server that is killed right
after it finishes the move at its next start (`folder.settle`), and other servers on the same folder follow.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from slm_playground.data import folder as folders
from slm_playground.data.errors import DataError, Moved, told
from slm_playground.data.records import Records, moved_to
from slm_playground.library.sentences import Fact

# Says in the new folder that what lies there is not whole.
UNFINISHED = ".slm-move"
_CHUNK_BYTES = 1 << 20

State = Literal["copying", "verifying", "switching", "done", "failed", "cancelled"]
Listing = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Progress:
    """`message`, `kind` and `facts` are a sentence of `sentences.py`: why it failed, or what is left to be done."""

    target: str
    state: State
    done_bytes: int = 0
    total_bytes: int = 0
    message: str | None = None
    kind: str | None = None
    facts: dict[str, Fact] = field(default_factory=dict)


class Place(Protocol):
    """What is moved: `data.place.DataPlace`."""

    @property
    def folder(self) -> Path: ...

    def records(self) -> Records: ...

    def follow(self) -> None: ...


class Mover:
    """The moves of one server's data folder, one at a time."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.progress: Progress | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, wanted: str, parts: tuple[str, ...]) -> Progress:
        """Begin to move these parts of the folder.

        Raises: DataError where the new place will not do.
        """
        with self._lock:
            if self.is_running:
                raise told("move-running", 409)
            target = _checked(self._place.folder, wanted)
            total = sum(folders.size_of(self._place.folder / name) for name in parts)
            _make_room(target, total)
            self._stop = threading.Event()
            self.progress = Progress(str(target), "copying", 0, total)
            self._thread = threading.Thread(target=self._run, args=(target, parts), name="slm-move", daemon=True)
            self._thread.start()
            return self.progress

    def cancel(self) -> None:
        """Stop and delete what was copied; too late once it says `switching`."""
        self._stop.set()

    def wait(self) -> None:
        if self._thread:
            self._thread.join()

    def _run(self, target: Path, parts: tuple[str, ...]) -> None:
        old = self._place.folder
        try:
            self._copy(old, target, tuple(name for name in parts if name not in ("records", "logs")))
            self._switch(old, target)
        except _Stopped:
            self._end(target, "cancelled", None)
        except DataError as error:
            # Those of the records know nothing of a move.
            is_own = (error.kind or "").startswith("move-")
            self._end(target, "failed", error if is_own else told("move-failed", said=str(error).rstrip("."), folder=str(old)))
        except OSError as error:
            said = f"{error.strerror or error} ({error.filename})"
            self._end(target, "failed", told("move-failed", said=said, folder=str(old)))
        except Moved:
            self._end(target, "failed", told("move-by-another"))

    def _copy(self, old: Path, target: Path, names: tuple[str, ...]) -> None:
        """Copy, then read every copy again and compare digests."""
        before = {name: _listing(old / name) for name in names}
        digests: dict[Path, str] = {}
        for name in names:
            for path in before[name]:
                digests[Path(name, path)] = self._copy_file(old / name / path, target / name / path)
        self._say(state="verifying", done_bytes=0)
        for copied, digest in digests.items():
            if self._digest(target / copied) != digest:
                raise told("move-differs", 507, path=str(target / copied), folder=str(old))
        if before != {name: _listing(old / name) for name in names}:
            raise told("move-changed", 409, folder=str(old))

    def _copy_file(self, source: Path, target: Path) -> str:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with source.open("rb") as reader, target.open("wb") as writer:
            while chunk := reader.read(_CHUNK_BYTES):
                self._check()
                writer.write(chunk)
                digest.update(chunk)
                self._say(more_bytes=len(chunk))
            writer.flush()
            os.fsync(writer.fileno())
        shutil.copystat(source, target)
        return digest.hexdigest()

    def _digest(self, path: Path) -> str:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                self._check()
                digest.update(chunk)
                self._say(more_bytes=len(chunk))
        return digest.hexdigest()

    def _switch(self, old: Path, target: Path) -> None:
        self._check()
        self._say(state="switching")
        records = self._place.records()
        records.hand_over(target / "records")
        try:
            folders.point_to(target, leftover=old)
        except OSError:
            records.take_back()
            raise
        (target / UNFINISHED).unlink(missing_ok=True)
        self._place.follow()
        left: DataError | None = None
        try:
            # Logs go on in the new folder; the old ones are kept beside them, whole as they are.
            if (old / "logs").is_dir():
                shutil.copytree(old / "logs", target / "logs" / "before-the-move", dirs_exist_ok=True)
            folders.clear_leftover()
        except OSError as error:
            left = told("move-leftover", path=str(error.filename), said=str(error.strerror))
        self._tell("done", left)

    def _end(self, target: Path, state: State, problem: DataError | None) -> None:
        with suppress(OSError):
            clear_unfinished(target)
        self._tell(state, problem)

    def _tell(self, state: State, problem: DataError | None) -> None:
        if problem:
            self._say(state=state, message=str(problem), kind=problem.kind, facts=problem.facts)
        else:
            self._say(state=state)

    def _check(self) -> None:
        if self._stop.is_set():
            raise _Stopped

    def _say(self, *, more_bytes: int = 0, **changes: object) -> None:
        if self.progress:
            known = replace(self.progress, **changes)  # type: ignore[arg-type]  # fields of its own
            self.progress = replace(known, done_bytes=known.done_bytes + more_bytes)


class _Stopped(Exception):
    """Somebody asked for an end."""


def clear_unfinished(target: Path) -> None:
    """Delete what a move that did not end has left in `target`; nothing else.

    Raises: OSError.
    """
    if not (target / UNFINISHED).exists():
        return
    for name in folders.PARTS:
        shutil.rmtree(target / name, ignore_errors=True)
    (target / UNFINISHED).unlink(missing_ok=True)
    # Where it was made for this move it is empty now.
    with suppress(OSError):
        target.rmdir()


def _checked(folder: Path, wanted: str) -> Path:
    target = Path(wanted).expanduser()
    if not wanted or not target.is_absolute():
        raise told("move-no-path")
    target = Path(os.path.normpath(target))
    if moved_to(folder / "records"):
        raise told("move-done-elsewhere", 409)
    real, own = target.resolve(), folder.resolve()
    if real == own or own in real.parents or real in own.parents:
        raise told("move-nested", target=str(target), folder=str(folder))
    if target.exists() and not target.is_dir():
        raise told("move-to-file", target=str(target))
    try:
        clear_unfinished(target)
        taken = [name for name in folders.PARTS if name != "logs" and (target / name).exists()]
    except OSError as error:
        raise told("move-not-read", target=str(target), said=str(error.strerror)) from error
    if taken:
        raise told("move-taken", target=str(target), names=", ".join(taken))
    return target


def _make_room(target: Path, total: int) -> None:
    try:
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        (target / UNFINISHED).write_bytes(b"")
        free = shutil.disk_usage(target).free
    except OSError as error:
        raise told("move-not-written", 507, target=str(target), said=str(error.strerror)) from error
    if total > free:
        clear_unfinished(target)
        raise told("move-no-room", 507, needed_mb=round(total / 1e6), target=str(target), free_mb=round(free / 1e6))


def _listing(place: Path) -> Listing:
    """Files below a folder: path → size and time of the last change. Links are not followed.

    Raises: DataError for a link, which would lead to another place from the new folder.
    """
    found: Listing = {}
    for root, folders_below, names in os.walk(place):
        for name in (*folders_below, *names):
            path = Path(root, name)
            if path.is_symlink():
                raise told("move-link", 409, path=str(path), folder=str(place.parent))
        for name in names:
            stat = Path(root, name).stat()
            found[Path(root, name).relative_to(place).as_posix()] = (stat.st_size, stat.st_mtime_ns)
    return found
