"""How a command of `slm-export` ends when it does not end well: message on stderr, with --json also JSON on stdout, exit code.

0    fine
1    the job failed; the message says what happened, why, and what to do
2    wrong usage
130  interrupted by Ctrl-C, 143 by SIGTERM (128 + the signal's number)
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from slm_export.errors import ExportInterrupted, SlmError
from slm_export.interrupts import exit_code, interrupted_by
from slm_export.manifest import ManifestError


class JobFailed(Exception):
    """A failure whose `result` a script wants to read as well: with --json one object holds both."""

    def __init__(self, cause: SlmError | ExportInterrupted, result: Mapping[str, object]) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.result = result


class Group(click.Group):
    """A group of commands whose errors end as the table above says."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, but for how errors are told."""
        arguments = list(sys.argv[1:] if args is None else args)
        if not standalone_mode:
            return super().main(arguments, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(arguments, prog_name, complete_var, standalone_mode=False, **extra)
            sys.exit(code if isinstance(code, int) else 0)
        except Exception as error:
            _end(error, as_json="--json" in arguments)
        except KeyboardInterrupt as error:
            _end(error, as_json="--json" in arguments)


def _end(error: BaseException, *, as_json: bool) -> NoReturn:
    result: Mapping[str, object] = {}
    if isinstance(error, JobFailed):
        result, error = error.result, error.cause
    interrupted = _interruption(error)
    if interrupted is not None:
        kind, message, code = "Interrupted", interrupted, exit_code()
        click.echo(message, err=True)
    elif isinstance(error, click.ClickException):  # wrong usage: click's own message has the command's usage above it
        kind, message, code = "UsageError", error.format_message(), error.exit_code
        error.show()
    elif _is_disk_full(error):
        message = "The disk is full. Free some space, or choose another --out or --downloads, then run the command again."
        kind, code = "DiskFull", 1
        click.echo(f"Error: {message} ({error})", err=True)
    elif isinstance(error, (SlmError, ManifestError)):
        kind, message, code = type(error).__name__, str(error), 1
        click.echo(f"Error: {message}", err=True)
    elif isinstance(error, BrokenPipeError):  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    elif isinstance(error, OSError):
        kind, message, code = "OSError", _system_message(error), 1
        click.echo(f"Error: {message}", err=True)
    else:
        kind, message, code = type(error).__name__, f"{type(error).__name__}: {error}", 1
        traceback.print_exception(error)
        click.echo(f"Error: This is a fault of slm-export: {message}. Please report it with the lines above.", err=True)
    if as_json:
        click.echo(json.dumps({**result, "error": {"kind": kind, "message": message}}, ensure_ascii=False))
    sys.exit(code)


def _interruption(error: BaseException) -> str | None:
    """What to say where a signal ended the work, whatever error a library made of it; None for other errors."""
    if isinstance(error, click.Abort) and error.__cause__ is not None:  # what click makes of any KeyboardInterrupt
        error = error.__cause__
    if isinstance(error, ExportInterrupted):
        return str(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)) or interrupted_by() is not None:
        return "Interrupted. Downloads that had begun are kept and continued by the next run; nothing else was written."
    return None


def _is_disk_full(error: BaseException) -> bool:
    """No space, over the quota, or a file larger than allowed; safetensors and ONNX Runtime say it in words only."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    return re.search(r"No space left|os error (27|28|122)\b|File too large|Disk quota", str(error)) is not None


def _system_message(error: OSError) -> str:
    """The operating system's reason as a sentence, with what helps."""
    reason = error.strerror or str(error)
    where = f" ({error.filename})" if error.filename else ""
    return f"The operating system refused: {reason}{where}. Check the path, its permissions and the space on its disk."
