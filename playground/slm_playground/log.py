"""The log: one JSON line for each event in a file that is rotated, and a short line for people on stderr when it matters.

The file is named by the port, so that two servers never write, or rotate, the same one. Query strings, user agents and
addresses are not logged.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from contextlib import suppress
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

MAX_BYTES = 1_000_000
KEPT_FILES = 3


def configure(logs: Path, port: int) -> Path | None:
    """Send the server's events to `logs`/server-<port>.log, warnings to stderr as well; the file, None if it can't be written."""
    handlers: list[logging.Handler] = [_People(logging.WARNING)]
    file: Path | None = logs / f"server-{port}.log"
    try:
        logs.mkdir(parents=True, exist_ok=True)
        handlers.append(_LogFile(logs / f"server-{port}.log"))
    except OSError as error:
        file = None
        print(f"No log is kept: {logs} cannot be written ({error.strerror}). The server works without it.", file=sys.stderr)
    for name in ("slm_playground", "waitress"):
        logger = logging.getLogger(name)
        logger.handlers = handlers
        logger.propagate = False
        logger.setLevel(logging.INFO if name == "slm_playground" else logging.WARNING)
    # "Task queue depth is 1" is how waitress says that a page asked for a few files at once.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    return file


class _LogFile(RotatingFileHandler):
    """A log that gives up, once and with a message, when the disk is full or the folder goes away."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=MAX_BYTES, backupCount=KEPT_FILES, encoding="utf-8")
        self.setFormatter(_JsonFormatter())
        self.gave_up = False

    def emit(self, record: logging.LogRecord) -> None:
        if not self.gave_up:
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:
        self.gave_up = True
        print(f"The log stops here: {self.baseFilename} cannot be written ({sys.exception()}).", file=sys.stderr)
        # What is left in its buffer fails once more.
        with suppress(OSError):
            self.close()


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
        }
        line.update({key: value for key, value in _fields(record).items() if value is not None})
        if record.exc_info and record.exc_info[1]:
            line["traceback"] = "".join(traceback.format_exception(record.exc_info[1]))
        # ASCII only: what a client sent cannot break a line or a terminal.
        return json.dumps(line)


class _People(logging.Handler):
    """Short lines on whatever standard error is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        # A terminal that went away is no reason to fail a request.
        with suppress(OSError):
            print(_for_people(record), file=sys.stderr, flush=True)


def _for_people(record: logging.LogRecord) -> str:
    fields = _fields(record)
    if record.name != "slm_playground.requests":
        return _one_line(f"{record.levelname.capitalize()}: {record.getMessage()}")
    verb = "Failed" if record.levelno >= logging.ERROR else "Refused"
    who = "".join(f", {key} {fields[key]!r}" for key in ("host", "origin") if fields.get(key) is not None)
    return _one_line(f"{verb} ({fields['status']}): {fields['method']} {fields['path']}{who}. {fields.get('problem') or ''}")


def _one_line(text: str) -> str:
    """No line ends and no terminal codes, whoever sent them."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text).rstrip()


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, dict) else {}
