"""The engine of a batch on this machine: child processes within a number of jobs and a memory budget."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from slm_export.batch_child import Stop, run_task
from slm_export.batch_job import Ended, Task

Report = Callable[[Task, Ended], None]


class Engine(Protocol):
    """Runs exports somewhere. `report` is called once for each started task, from any thread.

    `largest_bytes`: the most memory that one export may take, None where nobody knows. `retries`: how many times a crashed
    export is begun again by the caller (an engine that does it by itself says 0).
    """

    largest_bytes: int | None
    retries: int

    def has_room(self, task: Task) -> bool:
        """Whether it may start now; an engine with a queue of its own always has room."""

    def start(self, task: Task) -> None:
        """Begin; returns at once."""

    def stop(self) -> None:
        """Interrupt all that runs; what ends then is reported. A second call does not wait for tidying up."""

    def close(self) -> None:
        """Give everything back; nothing runs any more."""

    def load(self) -> str:
        """A few words on memory in use, for the display."""


class LocalEngine:
    """A thread waits for each child; memory is what the plans predict, not what is measured."""

    def __init__(self, jobs: int, budget_bytes: int | None, retries: int, report: Report) -> None:
        self.jobs = jobs
        self.largest_bytes = budget_bytes
        self.retries = retries
        self._report = report
        self._stop = Stop()
        self._running: dict[str, Task] = {}
        self._lock = threading.Lock()

    def has_room(self, task: Task) -> bool:
        with self._lock:
            used_bytes = sum(other.memory_bytes for other in self._running.values())
            fits = self.largest_bytes is None or used_bytes + task.memory_bytes <= self.largest_bytes
            return fits and len(self._running) < self.jobs

    def start(self, task: Task) -> None:
        with self._lock:
            self._running[task.job.name] = task
        threading.Thread(target=self._run, args=(task,), name=task.job.name).start()

    def _run(self, task: Task) -> None:
        try:
            ended = run_task(task, self._stop)
        except OSError as error:  # no process, no log file
            ended = Ended("failed", 0.0, error=f"Its process could not be started: {error}.")
        with self._lock:
            del self._running[task.job.name]
        self._report(task, ended)

    def stop(self) -> None:
        if self._stop.asked.is_set():
            self._stop.at_once.set()
        self._stop.asked.set()

    def close(self) -> None:
        """Threads end with their children."""

    def load(self) -> str:
        with self._lock:
            used_bytes = sum(task.memory_bytes for task in self._running.values())
        total = "" if self.largest_bytes is None else f" of {self.largest_bytes / 1e9:.1f}"
        return f"{used_bytes / 1e9:.1f}{total} GB of memory planned for"
