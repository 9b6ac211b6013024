"""Many exports: a scout looks at every model, an engine runs what has to be made, within the memory that there is.

Nothing is remembered between runs beside the bundles and the unfinished exports themselves: what is current is skipped, what
was interrupted goes on. One model's failure is its own.
"""

from __future__ import annotations

import dataclasses
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slm_export.batch_job import Ended, Job, Limits, Scouted, Task, refusal
from slm_export.batch_local import Engine
from slm_export.batch_scout import Scout
from slm_export.errors import ExportInterrupted

TICK_SECONDS = 0.5
RESTART = "Run the same command again to go on: bundles that are done are skipped, begun ones continue after their last stage."
ENDED = ("exported", "current", "failed", "refused", "interrupted", "not begun")


@dataclass(slots=True)
class Progress:
    """Where one model stands. `state`: waiting (for the scout) → ready → running → one of ENDED; `began`: time.monotonic()."""

    job: Job
    state: str = "waiting"
    scouted: Scouted | None = None
    task: Task | None = None
    began: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    error: str | None = None


Watch = Callable[[Sequence[Progress], str], None]


class Batch:
    """One run over `jobs`: `run` is called once. `watch` is called often, with every model and a word on the engine's load."""

    def __init__(self, jobs: Sequence[Job], *, threads: int, force: bool, watch: Watch) -> None:
        self.models = {job.name: Progress(job) for job in jobs}
        self.threads = threads
        self.force = force
        self.watch = watch
        self._events: queue.Queue[Scouted | tuple[Task, Ended]] = queue.Queue()
        self._jobs = jobs
        self._stopping = False

    def report(self, task: Task, ended: Ended) -> None:
        """For the engine: a started task has ended."""
        self._events.put((task, ended))

    def run(self, engine: Engine) -> None:
        """Bring every model to one of ENDED.

        Raises: ExportInterrupted for Ctrl-C, after all children have ended.
        """
        scout = Scout(self._jobs, self._events.put, None if self.force else Limits(engine.largest_bytes))
        try:
            scout.start()
            while any(model.state not in ENDED for model in self.models.values()):
                self._begin(engine)
                self._show(engine)
                self._take(engine)
                self._show(engine)  # what has ended, before a crashed one runs again
        except KeyboardInterrupt as error:
            self._stop(engine, scout)
            raise ExportInterrupted(f"Interrupted. {RESTART}") from error
        finally:
            scout.stop()
            engine.close()

    def _begin(self, engine: Engine) -> None:
        """Start what is ready and has room, in order; a small one may overtake a large one that has to wait."""
        for model in self.models.values():
            if model.state == "ready" and model.task is not None and engine.has_room(model.task):
                model.state, model.began = "running", time.monotonic()
                engine.start(model.task)

    def _show(self, engine: Engine) -> None:
        self.watch(list(self.models.values()), "stopping; Ctrl-C again kills what runs" if self._stopping else engine.load())

    def _take(self, engine: Engine) -> None:
        """Wait a little for the next event, then take in all that are there."""
        timeout: float | None = TICK_SECONDS
        while True:
            try:
                event = self._events.get(timeout=timeout) if timeout else self._events.get_nowait()
            except queue.Empty:
                return
            timeout = None
            if isinstance(event, Scouted):
                self._scouted(event, engine)
            else:
                self._ended(*event, engine)

    def _scouted(self, found: Scouted, engine: Engine) -> None:
        model = self.models[found.name]
        model.scouted = found
        if found.state in ("current", "failed"):
            model.state, model.error = found.state, found.error
            return
        reason = None if self.force else refusal(found, Limits(engine.largest_bytes))
        if reason is not None:
            model.state, model.error = "refused", reason
            return
        options = model.job.options
        if found.revision is not None:  # the commit that was looked at, wherever its branch goes meanwhile
            options = dataclasses.replace(options, revision=found.revision)
        model.job = dataclasses.replace(model.job, options=options)
        memory_bytes = found.peak_memory_bytes
        if engine.largest_bytes is not None:  # forced: it then runs alone
            memory_bytes = min(memory_bytes, engine.largest_bytes)
        model.task = Task(model.job, memory_bytes, self.threads)
        model.state = "ready"

    def _ended(self, task: Task, ended: Ended, engine: Engine) -> None:
        model = self.models[task.job.name]
        model.seconds = ended.seconds or time.monotonic() - model.began  # Ray cancels without a word on how long it took
        model.attempts, model.error = ended.attempts, ended.error
        if ended.state != "crashed":
            model.state = ended.state
        elif ended.attempts > engine.retries:
            model.state = "failed"
        else:  # alone, where memory was what it died of
            alone_bytes = engine.largest_bytes if ended.was_killed and engine.largest_bytes is not None else task.memory_bytes
            model.state, model.task = "ready", dataclasses.replace(task, memory_bytes=alone_bytes)

    def _stop(self, engine: Engine, scout: Scout) -> None:
        """Interrupt the children and wait for them; another Ctrl-C kills them."""
        self._stopping = True
        engine.stop()
        self._show(engine)
        scout.stop()
        while any(model.state == "running" for model in self.models.values()):
            try:
                self._show(engine)
                self._take(engine)
            except KeyboardInterrupt:
                engine.stop()
        for model in self.models.values():
            if model.state not in ENDED:
                model.state = "not begun"
