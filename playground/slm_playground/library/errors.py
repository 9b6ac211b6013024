"""What can go wrong while models are added or changed: sentences for people, with the HTTP status they go out under."""

from __future__ import annotations


class LibraryError(Exception):
    """What happened, why, and what to do next; `status` is the HTTP status of the answer."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


class Stopped(Exception):
    """Somebody asked for a pause or an end; not an error."""


class Damaged(Exception):
    """What arrived is not the file that was asked for: worth one more try from the first byte."""
