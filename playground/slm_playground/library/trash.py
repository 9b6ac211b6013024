"""Deleted models: out of the list at once, on the disk for a while yet, so that a deletion can be taken back."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from slm_playground.catalog import Entry
from slm_playground.library.errors import told

FOLDER = ".trash"
GRACE_SECONDS = 600.0


class Trash:
    """Of one models folder. What an earlier server left in it is gone: its page, which could take it back, is too."""

    def __init__(self, models: Path, grace_seconds: float = GRACE_SECONDS) -> None:
        self._models = models
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._timers: dict[str, threading.Timer] = {}
        shutil.rmtree(models / FOLDER, ignore_errors=True)

    def put(self, folder: Path) -> int:
        """Take a model out of the list; gives the bytes that the disk will have again.

        Raises: LibraryError where something uses its files; all of it stays then.
        """
        size_bytes = Entry(folder, None, None).size_bytes()
        with self._lock:
            target = self._place(folder.name)
            self._stop(folder.name)
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(exist_ok=True)
            try:
                folder.rename(target)
            except OSError as error:
                raise told("in-use", 409, path=str(folder), said=str(error)) from error
            timer = threading.Timer(self._grace_seconds, self._drop, [folder.name])
            timer.daemon = True  # what it leaves goes at the next start
            self._timers[folder.name] = timer
            timer.start()
        return size_bytes

    def restore(self, name: str) -> None:
        """Put a model back where it was.

        Raises: LibraryError where the time is over, or another model has that name by now.
        """
        with self._lock:
            if name not in self._timers:
                raise told("not-in-trash", 404)
            if (self._models / name).exists():
                raise told("model-exists", 409, id=name)
            self._stop(name)
            self._place(name).rename(self._models / name)

    def join(self) -> None:
        """Wait until everything in it is gone."""
        for timer in list(self._timers.values()):
            timer.join()

    def _drop(self, name: str) -> None:
        with self._lock:
            if self._timers.get(name) is threading.current_thread():
                shutil.rmtree(self._place(name), ignore_errors=True)
                del self._timers[name]

    def _stop(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def _place(self, name: str) -> Path:
        return self._models / FOLDER / name
