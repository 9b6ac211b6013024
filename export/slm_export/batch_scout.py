"""The scout: one child process that fetches and looks at every model of a batch, in order, while the first ones are exported."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from slm_export.batch_child import end, spawn
from slm_export.batch_job import Job, Limits, Scouted

_THREADS = 1  # it reads and hashes


class Scout:
    """Answers one `Scouted` a job through `report`, from a thread of its own. If it dies over a job, that job has failed."""

    def __init__(self, jobs: Sequence[Job], report: Callable[[Scouted], None], limits: Limits | None) -> None:
        """What is beyond `limits` is not fetched; None sets none."""
        self._left = list(jobs)
        self._limits = limits
        self._report = report
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scout")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End it, whatever it is at; a download goes on where it stopped the next time."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while self._left and not self._stopping.is_set():
            for found in answers("scout", self._left, self._limits, self._left[0].bundle.parent, self._stopping):
                self._left.pop(0)
                self._report(found)
            if self._left and not self._stopping.is_set():
                job = self._left.pop(0)
                text = f"The process that looked at its source died. What it said last is in {job.log}."
                self._report(Scouted(job.name, "failed", text))


def answers(
    action: str, jobs: Sequence[Job], limits: Limits | None, cwd: Path, stopping: threading.Event | None = None
) -> Iterator[Scouted]:
    """Start a child for `jobs` and yield what it answers, until it ends or is told to (`action`: scout or plan)."""
    text = "none" if limits is None else "unknown" if limits.memory_bytes is None else str(limits.memory_bytes)
    child = spawn([action, text], jobs, threads=_THREADS, cwd=cwd, stderr=subprocess.DEVNULL)
    assert child.stdin is not None  # PIPE in spawn
    assert child.stdout is not None
    watcher = threading.Thread(target=_end_when, args=(child, stopping or threading.Event()), daemon=True)
    watcher.start()
    try:
        with child.stdin, child.stdout:
            for line in child.stdout:
                yield Scouted.from_json(line.decode())
            child.wait()
    finally:
        if child.poll() is None:
            end(child, None)
        watcher.join()


def _end_when(child: subprocess.Popen[bytes], stopping: threading.Event) -> None:
    """Reading its answers blocks; so another thread ends it."""
    while child.poll() is None:
        if stopping.wait(timeout=0.2):
            end(child, None)
