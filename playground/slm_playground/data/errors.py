"""What can go wrong with the data folder: sentences for people, with the HTTP status they go out under."""

from __future__ import annotations


class DataError(Exception):
    """What happened, why, and what to do next; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Moved(Exception):
    """The records have been moved by another process: open them again where `paths.data_dir()` says."""
