"""A task that goes on beside the server and ends with it: what the first page need not wait for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from runner import say
from steps import Checkout

NICENESS = 15  # the page and its model go first


def begin(checkout: Checkout, task: str, what: str) -> subprocess.Popen[bytes]:
    """Start `task` of bootstrap.py as another process, its output in .data/logs.

    Its standard input is a pipe whose other end stays open in this process, and in the program that this one becomes: when
    that ends, however it ends, the task sees it.
    """
    log = checkout.data / "logs" / f"{task}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"{what}; output: {os.path.relpath(log, checkout.root)}")
    command = [sys.executable, str(Path(__file__).resolve().parent / "bootstrap.py"), task]
    ours, theirs = os.pipe()
    with log.open("wb") as file, os.fdopen(ours, "rb") as given:
        process = subprocess.Popen(command, stdin=given, stdout=file, stderr=file)
    os.set_inheritable(theirs, True)
    return process


def follow() -> None:
    """In such a task: let everything else have the processors first, and end as by SIGTERM when the starter has ended."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while os.read(0, 1):
        pass
    signal.raise_signal(signal.SIGTERM)
