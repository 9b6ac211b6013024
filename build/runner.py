"""Runs one program of a step: full output into a log file, one line of progress for people, the tail on failure.

Everything is printed to stderr: the first line on stdout belongs to the server's URL. Sizes are bytes, times seconds.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import RawIOBase
from pathlib import Path
from typing import IO

TAIL_LINES = 15
STATUS_COLUMNS = 110
LINE_EVERY_SECONDS = 15.0  # without a terminal: a line now and then, not a moving one
SAMPLE_EVERY_SECONDS = 2.0  # how often folder sizes are taken
TICK_SECONDS = 0.25
STOP_GRACE_SECONDS = 10.0
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class SetupError(Exception):
    """A step that cannot go on. The message says what happened, why, and what to do next."""


def say(text: str) -> None:
    """Print one line for people."""
    print(text, file=sys.stderr, flush=True)


def megabytes(size_bytes: int) -> str:
    """Bytes for people, decimal: `12.3 MB`, `2.9 GB`."""
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below `folder`; files that vanish meanwhile count nothing."""
    total = 0
    pending = [str(folder)]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        total += entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
    return total


class Progress:
    """One line that moves on a terminal; a line every 15 s elsewhere."""

    def __init__(self, watch: Sequence[Path]) -> None:
        self.watch = watch
        self.started = time.monotonic()
        self.before_bytes = self.size_bytes()
        self.grown_bytes = 0
        self.last_sample = self.started
        self.last_line = self.started
        self.activity = ""
        self.moving = sys.stderr.isatty()

    def size_bytes(self) -> int:
        return sum(folder_bytes(folder) for folder in self.watch)

    def tick(self) -> None:
        now = time.monotonic()
        if self.watch and now - self.last_sample >= SAMPLE_EVERY_SECONDS:
            self.grown_bytes = max(0, self.size_bytes() - self.before_bytes)
            self.last_sample = now
        if self.moving:
            sys.stderr.write("\r\033[K" + self.line(now)[:STATUS_COLUMNS])
            sys.stderr.flush()
        elif now - self.last_line >= LINE_EVERY_SECONDS:
            say(self.line(now)[:STATUS_COLUMNS])
            self.last_line = now

    def line(self, now: float) -> str:
        parts = [f"{now - self.started:.0f} s"]
        if self.watch:
            parts.append(f"{megabytes(self.grown_bytes)} written")
        if self.activity:
            parts.append(self.activity)
        return "      " + " · ".join(parts)

    def clear(self) -> None:
        if self.moving:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def summary(self) -> str:
        seconds = time.monotonic() - self.started
        if not self.watch:
            return f"{seconds:.0f} s"
        return f"{seconds:.0f} s, {megabytes(max(0, self.size_bytes() - self.before_bytes))}"


class Runner:
    """Starts programs for the steps. `lock_descriptor` is inherited by them (see stamps.exclusive)."""

    def __init__(self, root: Path, logs: Path, lock_descriptor: int | None) -> None:
        self.root = root
        self.logs = logs
        self.lock_descriptor = lock_descriptor

    def run(
        self,
        log_name: str,
        command: Sequence[str | Path],
        *,
        watch: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
        echo: bool = False,
        explain: Callable[[str], str | None] = lambda output: None,
    ) -> str:
        """Run `command` in the checkout; returns a summary such as `12 s, 3.4 MB`.

        `watch`: folders whose growth is shown. `echo`: print the program's own lines, for one that reports progress itself.
        `explain` turns the output of a failed run into the sentence that is shown; None stands for "see the log".
        Raises: SetupError, with the tail of the output.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        log_path = self.logs / f"{log_name}.log"
        progress = Progress(watch)
        with log_path.open("wb", buffering=0) as log:
            _log(log, f"$ {' '.join(map(str, command))}")
            output, code = self.follow(command, {**os.environ, "NO_COLOR": "1", **(env or {})}, log, progress, echo)
        if code != 0:
            shown = os.path.relpath(log_path, self.root)
            reason = explain("\n".join(output))
            # The program's own last words only where we have none: they can mislead (pip offline speaks of conflicts).
            tail = "" if reason or echo else "".join(f"      | {line}\n" for line in list(output)[-TAIL_LINES:])
            program = command[2] if command[1] == "-m" else Path(command[0]).name
            reason = reason or "Read the lines above; the whole output is in the log."
            raise SetupError(f"{tail}{program} failed with exit code {code}. {reason}\nLog: {shown}")
        return progress.summary()

    def follow(
        self, command: Sequence[str | Path], env: Mapping[str, str], log: RawIOBase, progress: Progress, echo: bool
    ) -> tuple[deque[str], int]:
        """Start the program, read its lines until it ends; it is stopped when this process is interrupted."""
        try:
            child = subprocess.Popen(
                [str(part) for part in command],
                cwd=self.root,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=() if self.lock_descriptor is None or os.name == "nt" else (self.lock_descriptor,),
            )
        except OSError as error:
            raise SetupError(f"{command[0]} could not be started: {error}.") from error
        assert child.stdout is not None  # PIPE above
        output: deque[str] = deque(maxlen=2000)
        reader = threading.Thread(target=_read, args=(child.stdout, output, log, progress, echo), daemon=True)
        reader.start()
        try:
            while child.poll() is None:
                progress.tick()
                _wait(child, TICK_SECONDS)
            code = child.returncode
        finally:
            progress.clear()
            _stop(child)
            reader.join(STOP_GRACE_SECONDS)
        return output, code


def _read(stream: IO[bytes], output: deque[str], log: RawIOBase, progress: Progress, echo: bool) -> None:
    with stream:
        for raw in iter(stream.readline, b""):
            line = COLOURS.sub("", raw.decode("utf-8", "replace").rstrip("\r\n").rsplit("\r", 1)[-1])
            _log(log, line)
            if not line.strip():
                continue
            output.append(line)
            progress.activity = line.strip()
            if echo:
                progress.clear()
                say(f"      {line}")


def _log(log: RawIOBase, line: str) -> None:
    # On a full disk the step's own failure is what counts, not that of its log.
    with suppress(OSError):
        log.write(line.encode() + b"\n")


def _wait(child: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _stop(child: subprocess.Popen[bytes]) -> None:
    """End a child that still runs (this process was interrupted): asked first, killed after the grace time."""
    if child.poll() is not None:
        return
    child.terminate()
    _wait(child, STOP_GRACE_SECONDS)
    if child.poll() is None:
        child.kill()
        child.wait()
