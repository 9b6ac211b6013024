"""Models on their way into the models folder: started, paused, gone on with after a restart, cancelled, repaired.

A job lives in `<models>/.downloads/<id>/`: `job.json` says what and how far, `files/` holds what has come. Only a whole and
verified model is renamed to `<models>/<id>`. After a restart jobs wait for a person: nothing asks the network by itself.
"""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from slm_export.manifest import MANIFEST_NAME, FileEntry
from slm_playground.library import layouts, plan
from slm_playground.library.errors import LibraryError, Stopped, told
from slm_playground.library.plan import Plan
from slm_playground.library.remote import RemoteFile, Watch
from slm_playground.library.transfer import fetch

FOLDER = ".downloads"
ORIGIN_NAME = "origin.json"
_JOB_NAME = "job.json"

State = Literal["running", "paused", "failed"]
Kind = Literal["add", "repair"]


@dataclass
class Job:
    """One model. `done` has what is whole already: path → size and SHA-256; `problem` why it stopped, as errors are told."""

    kind: Kind
    plan: Plan
    folder: Path
    state: State = "paused"
    problem: dict[str, Any] | None = None
    done: dict[str, tuple[int, str]] = field(default_factory=dict)
    received_bytes: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def total_bytes(self) -> int | None:
        sizes = [file.size_bytes for file in self.plan.files]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def save(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        data = {"kind": self.kind, "plan": self.plan.to_json(), "state": self.state, "problem": self.problem, "done": self.done}
        temporary = self.folder / f"{_JOB_NAME}.new"
        temporary.write_text(json.dumps(data), encoding="utf-8")
        temporary.replace(self.folder / _JOB_NAME)

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.plan.id,
            "kind": self.kind,
            "name": self.plan.name,
            "source": self.plan.source,
            "revision": self.plan.revision,
            "variants": [part.name for part in self.plan.parts],
            "state": self.state,
            "problem": self.problem,
            "received_bytes": self.received_bytes,
            "total_bytes": self.total_bytes,
        }


class Downloads:
    """All jobs of one models folder. `patience` is the pause before a second try, in seconds."""

    def __init__(self, models: Path, patience: float = 1.0) -> None:
        self._models = models
        self._patience = patience
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        for note in sorted((models / FOLDER).glob(f"*/{_JOB_NAME}")):
            if job := _read_job(note):
                self._jobs[job.plan.id] = job

    def jobs(self) -> list[dict[str, Any]]:
        with self._lock:
            return [job.to_json() for job in self._jobs.values()]

    def add(self, wanted: Plan) -> dict[str, Any]:
        """Begin a download.

        Raises: LibraryError where the name is taken or the disk is too small.
        """
        with self._lock:
            if (self._models / wanted.id).exists() or wanted.id in self._jobs:
                raise told("model-exists", 409, id=wanted.id)
            return self._begin(Job("add", wanted, self._models / FOLDER / wanted.id))

    def repair(self, bundle_id: str, paths: list[str]) -> dict[str, Any]:
        """Fetch these files of a model again, from where it was downloaded.

        Raises: LibraryError where that is not known, or a file is not one of its.
        """
        origin = read_origin(self._models / bundle_id)
        if origin is None:
            raise told("no-origin")
        with self._lock:
            if bundle_id in self._jobs:
                raise told("downloading", 409, model=origin.name)
            files = tuple(file for file in origin.files if file.path in paths)
            if len(files) != len(set(paths)):
                raise told("other-files")
            return self._begin(Job("repair", replace(origin, files=files), self._models / FOLDER / bundle_id))

    def resume(self, job_id: str) -> dict[str, Any]:
        """Raises: LibraryError."""
        with self._lock:
            job = self._find(job_id)
            if job.state != "running":
                self._start(job)
            return job.to_json()

    def pause(self, job_id: str) -> dict[str, Any]:
        """Raises: LibraryError."""
        with self._lock:
            job = self._find(job_id)
            if job.state == "running":
                job.stop.set()
                job.state = "paused"
                job.save()
            return job.to_json()

    def cancel(self, job_id: str) -> None:
        """Stop and delete what has come.

        Raises: LibraryError.
        """
        with self._lock:
            job = self._jobs.pop(self._find(job_id).plan.id)
            job.stop.set()
        if job.thread:
            job.thread.join()
        shutil.rmtree(job.folder, ignore_errors=True)

    def wait(self, job_id: str) -> None:
        """Until the job's thread ends, however it does."""
        job = self._jobs.get(job_id)
        if job and job.thread:
            job.thread.join()

    def _find(self, job_id: str) -> Job:
        if job_id not in self._jobs:
            raise told("no-download", 404)
        return self._jobs[job_id]

    def _begin(self, job: Job) -> dict[str, Any]:
        _require_room(self._models, job)
        self._jobs[job.plan.id] = job
        self._start(job)
        return job.to_json()

    def _start(self, job: Job) -> None:
        before = job.thread
        job.stop = threading.Event()
        job.state, job.problem = "running", None
        job.save()
        job.thread = threading.Thread(target=self._run, args=(job, job.stop, before), name=f"slm-job-{job.plan.id}", daemon=True)
        job.thread.start()

    def _run(self, job: Job, stop: threading.Event, before: threading.Thread | None) -> None:
        if before:
            before.join()
        try:
            self._fetch_all(job, stop)
            self._finish(job, stop)
        except Stopped:
            return
        except LibraryError as error:
            self._fail(job, stop, error)
        except OSError as error:
            self._fail(job, stop, told("folder-not-written", said=str(error)))

    def _fail(self, job: Job, stop: threading.Event, error: LibraryError) -> None:
        with self._lock:
            if not stop.is_set():
                job.state, job.problem = "failed", {"message": str(error), "kind": error.kind, "facts": error.facts}
                job.save()

    def _fetch_all(self, job: Job, stop: threading.Event) -> None:
        files = job.folder / "files"
        job.done = {path: known for path, known in job.done.items() if _has_size(files / path, known[0])}
        job.received_bytes = sum(size for size, _ in job.done.values())

        def count(size_bytes: int) -> None:
            with self._lock:
                job.received_bytes += size_bytes

        for remote in job.plan.files:
            if remote.path in job.done:
                continue
            received = fetch(remote, files / remote.path, Watch(count, stop, self._patience))
            with self._lock:
                if stop.is_set():
                    raise Stopped
                job.done[remote.path] = (received.size_bytes, received.sha256)
                job.save()

    def _finish(self, job: Job, stop: threading.Event) -> None:
        files, target = job.folder / "files", self._models / job.plan.id
        with self._lock:
            if stop.is_set():
                raise Stopped
            if job.kind == "repair":
                for path in job.done:
                    (files / path).replace(target / path)
            else:
                write_description(files, job.plan, job.done)
                files.rename(target)
            del self._jobs[job.plan.id]
        shutil.rmtree(job.folder, ignore_errors=True)


def write_description(folder: Path, wanted: Plan, done: dict[str, tuple[int, str]]) -> None:
    """The manifest of a downloaded model, and where it came from."""
    text = wanted.manifest
    if text is None:
        entries = tuple(FileEntry(path, size, sha256) for path, (size, sha256) in done.items())
        repository = layouts.Repository(
            wanted.id,
            wanted.name,
            wanted.licence,
            wanted.family,
            wanted.architecture,
            wanted.context_length,
            {"ref": wanted.source, "url": wanted.url, "revision": wanted.revision},
            entries,
        )
        text = json.dumps(repository.to_json(), indent=2, ensure_ascii=False) + "\n"
    known = tuple(
        RemoteFile(file.path, file.url, *(done.get(file.path, (file.size_bytes, file.sha256)))) for file in wanted.files
    )
    (folder / ORIGIN_NAME).write_text(json.dumps(replace(wanted, files=known).to_json()), encoding="utf-8")
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def read_origin(folder: Path) -> Plan | None:
    """Where a model was downloaded from, None where nobody noted it."""
    try:
        return plan.from_json(json.loads((folder / ORIGIN_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _read_job(note: Path) -> Job | None:
    try:
        data = json.loads(note.read_text(encoding="utf-8"))
        done = {path: (int(size), str(digest)) for path, (size, digest) in data["done"].items()}
        state: State = "failed" if data["state"] == "failed" else "paused"
        job = Job(data["kind"], plan.from_json(data["plan"]), note.parent, state, data["problem"], done)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    job.received_bytes = sum(size for size, _ in done.values())
    return job


def _has_size(path: Path, size_bytes: int) -> bool:
    return path.is_file() and path.stat().st_size == size_bytes


def _require_room(models: Path, job: Job) -> None:
    models.mkdir(parents=True, exist_ok=True)
    free, needed = shutil.disk_usage(models).free, job.total_bytes or 0
    if needed > free:
        raise told("no-room", 507, model=job.plan.name, needed_mb=f"{needed / 1e6:,.0f}", free_mb=f"{free / 1e6:,.0f}")
