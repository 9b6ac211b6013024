"""Starts a batch's processes and waits for them. The same code runs an export here and inside a Ray task.

A child is a session of its own (Ctrl-C reaches only the batch, which stops its children in order) and ends with its parent.
"""

from __future__ import annotations

import dataclasses
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from slm_export.batch_job import Ended, Job, Task
from slm_export.batch_worker import EXIT_FAILED, EXIT_INTERRUPTED

ATTEMPT = "# attempt "
GRACE_SECONDS = 60.0  # a stage of a large model does not look up more often
_POLL_SECONDS = 0.2


class Stop:
    """Asked once: children are interrupted and may tidy up. Asked again: they are killed."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.at_once = threading.Event()


def spawn(
    action: Sequence[str], jobs: Sequence[Job], *, threads: int, cwd: Path, stderr: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """A child that has its jobs (`action`: arguments of batch_worker); its stdin must stay open until it ends."""
    count = str(threads)
    own = {"OMP_NUM_THREADS": count, "MKL_NUM_THREADS": count, "OMP_WAIT_POLICY": "PASSIVE", "PYTHONFAULTHANDLER": "1"}
    child = subprocess.Popen(
        [sys.executable, "-m", "slm_export.batch_worker", *action],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=cwd,  # not ours: a folder named as a Hugging Face id is must not be taken for it
        env={**os.environ, **own},
        start_new_session=True,
    )
    assert child.stdin is not None  # PIPE above
    try:
        child.stdin.write("".join(f"{job.to_json()}\n" for job in jobs).encode() + b"\n")
        child.stdin.flush()
    except BrokenPipeError:
        pass  # it died at once: its exit code says so
    return child


def run_task(task: Task, stop: Stop | None = None) -> Ended:
    """One attempt at an export, in a process of its own; its output is appended to the job's log.

    Raises: KeyboardInterrupt (after the child has ended) where this process is interrupted itself.
    """
    started = time.monotonic()
    task.job.log.parent.mkdir(parents=True, exist_ok=True)
    attempts = 1 + _attempts_so_far(task.job.log)
    with task.job.log.open("ab") as log:
        log.write(f"{ATTEMPT}{attempts}: {shlex.join(command_of(task.job))}\n".encode())
        log.flush()
        child = spawn(["export"], [task.job], threads=task.threads, cwd=task.job.bundle.parent, stderr=log)
        answer = _wait(child, stop)
    ended = _judged(child.returncode, answer)
    if ended.state == "interrupted" and not (stop and stop.asked.is_set()):
        ended = Ended("crashed", 0.0, error="Its process was interrupted by a signal that did not come from this batch.")
    return dataclasses.replace(ended, seconds=time.monotonic() - started, attempts=attempts)


def command_of(job: Job) -> list[str]:
    """What a user would type to do this one export by hand."""
    options = job.options
    command = ["slm-export", "model", job.source, "--out", str(job.bundle), "--variants", ",".join(job.variants)]
    for name, value in (("--revision", options.revision), ("--adapter", options.adapter), ("--task", options.task)):
        command += [name, str(value)] if value else []
    command += ["--chat-template", options.chat_template] if options.chat_template else []
    command += ["--allow-pickle"] if options.allow_pickle else []
    return [*command, "--downloads", str(job.downloads), "--resume"]


def _attempts_so_far(log: Path) -> int:
    if not log.is_file():
        return 0
    with log.open(encoding="utf-8", errors="replace") as file:
        return sum(line.startswith(ATTEMPT) for line in file)


def _wait(child: subprocess.Popen[bytes], stop: Stop | None) -> bytes:
    """Wait until it ends, on its own or stopped; returns what it answered (a line at most: the pipe holds it)."""
    assert child.stdin is not None  # PIPE in spawn
    assert child.stdout is not None
    with child.stdin, child.stdout:
        try:
            while not _ended_within(child, _POLL_SECONDS):
                if stop is not None and stop.asked.is_set():
                    end(child, stop.at_once)
        except BaseException:
            end(child, None)
            raise
        return child.stdout.read()


def end(child: subprocess.Popen[bytes], at_once: threading.Event | None) -> None:
    """Interrupt a child and wait; kill it when asked to, or after GRACE_SECONDS."""
    child.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    while not _ended_within(child, _POLL_SECONDS):
        if time.monotonic() > deadline or (at_once is not None and at_once.is_set()):
            child.kill()
            child.wait()


def _ended_within(child: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _judged(code: int, answer: bytes) -> Ended:
    if code == 0:
        return Ended("exported", 0.0)
    if code == EXIT_FAILED:
        try:
            return Ended("failed", 0.0, error=str(json.loads(answer)["error"]))
        except (ValueError, KeyError):
            return Ended("crashed", 0.0, error="Its process ended with exit code 1 and said nothing.")
    if code == EXIT_INTERRUPTED:
        return Ended("interrupted", 0.0, error="What it has finished is kept.")
    if code >= 0:
        return Ended("crashed", 0.0, error=f"Its process ended unexpectedly (exit code {code}).")
    was_killed = -code == getattr(signal, "SIGKILL", 9)
    why = " Linux does that where memory runs out: try fewer --jobs or another machine." if was_killed else ""
    return Ended("crashed", 0.0, error=f"Its process died of signal {-code} ({_signal_name(-code)}).{why}", was_killed=was_killed)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
