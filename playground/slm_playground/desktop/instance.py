"""One app per data folder: a lock that the system frees when its owner dies, and a file by which a second start finds the first.

The file holds the first one's address and token and is readable by its user alone; the second start asks over HTTP.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from slm_playground.headers import TOKEN_HEADER

TYPE_CHECKING = False  # as `typing` has it, which is not needed otherwise
if TYPE_CHECKING:
    from typing import IO

LOCK_NAME = "lock"
ADDRESS_NAME = "instance.json"
# Usually a moment: so long where something else has the processor, or the disk is asleep.
STARTING_SECONDS = 30.0
ANSWER_SECONDS = 30.0


class NotReached(Exception):
    """The first instance runs, but does not answer; the message says what to do."""


class Instance:
    """The right to be the only one, from `take` to the end of the process."""

    def __init__(self, folder: Path, lock: IO[bytes]) -> None:
        self._address = folder / ADDRESS_NAME
        self._lock = lock

    @classmethod
    def take(cls, folder: Path) -> Instance | None:
        """None where another process has it.

        Raises: OSError where `folder` cannot hold a lock.
        """
        lock = (folder / LOCK_NAME).open("ab")
        if not _try_lock(lock):
            lock.close()
            return None
        # What an instance left that was killed.
        (folder / ADDRESS_NAME).unlink(missing_ok=True)
        return cls(folder, lock)

    def announce(self, url: str, token: str) -> None:
        """From here on a second start can reach this one.

        Raises: OSError.
        """
        partial = self._address.with_suffix(".new")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump({"url": url, "token": token, "process_id": os.getpid()}, file)
        os.replace(partial, self._address)

    def release(self) -> None:
        with suppress(OSError):
            self._address.unlink(missing_ok=True)
        self._lock.close()


class First:
    """The instance that runs already."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.token = token

    def ask(self, path: str, body: dict[str, object]) -> None:
        """POST to it.

        Raises: NotReached.
        """
        try:
            status = _post(self.url.removeprefix("http://").rstrip("/"), path, self.token, json.dumps(body).encode())
        except (OSError, ValueError, LookupError) as error:
            raise NotReached(_unreachable(f"does not answer ({error})")) from error
        if status != 200:
            raise NotReached(_unreachable(f"refused ({status})"))


def is_announced(folder: Path) -> bool:
    """Whether an instance has said where it is; it may have been killed since."""
    return (folder / ADDRESS_NAME).is_file()


def _post(host: str, path: str, token: str, body: bytes) -> int:
    """The status of the answer. Without http.client, which takes longer to import than all the rest of a second start.

    Raises: OSError; ValueError or LookupError where the answer is none.
    """
    name, _, port = host.rpartition(":")
    head = (
        f"POST {path} HTTP/1.0",
        f"Host: {host}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        f"{TOKEN_HEADER}: {token}",
    )
    with socket.create_connection((name, int(port)), timeout=ANSWER_SECONDS) as connection:
        connection.sendall("\r\n".join((*head, "", "")).encode() + body)
        with connection.makefile("rb") as answer:
            status = int(answer.readline().split()[1])
            answer.read()  # to its end, or the server would have something to say of a caller that went away
    return status


def find_first(folder: Path) -> First:
    """The running instance, as its file says; waits a little for one that is only just starting.

    Raises: NotReached.
    """
    end = time.monotonic() + STARTING_SECONDS
    while True:
        try:
            data = json.loads((folder / ADDRESS_NAME).read_text(encoding="utf-8"))
            return First(str(data["url"]), str(data["token"]))
        except (OSError, ValueError, LookupError, TypeError) as error:
            if time.monotonic() > end:
                raise NotReached(_unreachable("has not said its address")) from error
        time.sleep(0.02)


def _unreachable(what: str) -> str:
    return (
        f"SLM Playground is already running, but it {what}. Close its window, or end the process slm-playground in the system's "
        "list of processes, then start again."
    )


if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
