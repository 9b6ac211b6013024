"""A file on a server, and how its transfer is followed: values only."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from slm_playground.library import web
from slm_playground.library.errors import Damaged, LibraryError, Stopped, told


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file to fetch. `sha256` or `git_oid` (SHA-1 of git's blob) where its server states them; size None where unknown."""

    path: str
    url: str
    size_bytes: int | None = None
    sha256: str | None = None
    git_oid: str | None = None


@dataclass(frozen=True, slots=True)
class Watch:
    """How a transfer is followed and stopped: `on_bytes` hears of bytes that came (negative: thrown away)."""

    on_bytes: Callable[[int], None] = lambda _: None
    stop: threading.Event = field(default_factory=threading.Event)
    # Seconds before the second try; doubled with each further one.
    patience: float = 1.0

    def check(self) -> None:
        if self.stop.is_set():
            raise Stopped


@dataclass(frozen=True, slots=True)
class Received:
    size_bytes: int
    sha256: str


def strong_etag(answer: web.Answer) -> str | None:
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else None


def broken_or_full(path: str, error: OSError) -> Exception:
    if isinstance(error, (ConnectionError, TimeoutError)):
        return Damaged("broke off.")
    return disk_error(path, error)


def disk_error(path: str, error: OSError) -> LibraryError:
    return told("not-written", 507, path=path, said=error.strerror or str(error))
