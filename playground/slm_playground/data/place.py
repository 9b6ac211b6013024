"""The data folder of a running server: it may be moved under it, by itself or by another server on the same folder."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from slm_playground import paths
from slm_playground.data.errors import Moved, told
from slm_playground.data.move import Mover
from slm_playground.data.records import Records

Result = TypeVar("Result")


class DataPlace:
    """One per process. `listen` is told when the folder has become another one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._records: Records | None = None
        self._listeners: list[Callable[[Path], object]] = []
        self.mover = Mover(self)
        # Tells a page that this is another process, with another token, before it is refused.
        self.start_id = secrets.token_hex(8)

    @property
    def folder(self) -> Path:
        return self._folder

    def listen(self, on_move: Callable[[Path], object]) -> None:
        self._listeners.append(on_move)

    def records(self) -> Records:
        """The records, opened at the first call; where that fails it is tried again at the next.

        Raises: DataError.
        """
        with self._lock:
            if self._records is None:
                self._records = Records(self._folder / "records")
            return self._records

    def use(self, act: Callable[[Records], Result]) -> Result:
        """What `act` gives for the records, wherever they are by now.

        Raises: DataError.
        """
        try:
            return act(self.records())
        except Moved:
            self.follow()
        try:
            return act(self.records())
        except Moved as error:
            raise told("move-now", 503) from error

    def follow(self) -> None:
        """Use the folder that `paths.data_dir()` names by now."""
        with self._lock:
            self._close()
            folder = paths.data_dir()
            if folder == self._folder:
                return
            self._folder = folder
        for listener in self._listeners:
            listener(folder)

    def close(self) -> None:
        """Close the file: before the process ends."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._records:
            self._records.close()
            self._records = None
