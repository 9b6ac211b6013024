"""One writer at a time for an output folder: a lock of the operating system on a file beside it.

The kernel gives the lock back when its process ends, however it ends, so that nothing has to be cleaned up after a crash.
On a network file system it needs one that passes locks on (NFS 4 and most cluster file systems do).
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from slm_export.errors import ExportError


@contextmanager
def output_lock(out: Path, what: str = "export", *, wait_seconds: float = 0.0) -> Iterator[None]:
    """Hold the folder `out` (which need not exist) against other processes and threads that write there.

    Raises: ExportError naming the process that still holds it after `wait_seconds`.
    """
    file = out.with_name(f".{out.name}.lock")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout as error:
        raise ExportError(
            f"Another {what} ({_holder(file)}) is writing to {out}, so this one does not begin. "
            "Wait for it to end or stop it, then run the command again; or choose another --out."
        ) from error
    try:
        with suppress(OSError):  # Windows locks the file against our own second handle: then it stays without a name
            file.write_text(f"process {os.getpid()} on {platform.node()}, since {time.strftime('%H:%M:%S')}", encoding="utf-8")
        yield
    finally:
        if os.name == "nt":
            lock.release()
            with suppress(OSError):  # someone else has it open
                file.unlink()
        else:  # while the lock is held; whoever opened the file before sees that it has no name any more, and makes a new one
            file.unlink(missing_ok=True)
            lock.release()


def _holder(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") or "unknown process"
    except OSError:
        return "unknown process"
