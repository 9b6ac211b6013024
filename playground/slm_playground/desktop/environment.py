"""The environment for programs that are not ours.

A frozen app on Linux runs with its own libraries in LD_LIBRARY_PATH; a browser that inherits them may not start. PyInstaller
keeps the user's value in LD_LIBRARY_PATH_ORIG.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "LD_LIBRARY_PATH"


def system_environment() -> dict[str, str]:
    """A copy of the environment as it was before the app's own loader changed it."""
    variables = dict(os.environ)
    if not getattr(sys, "frozen", False):
        return variables
    variables.pop(VARIABLE, None)
    original = variables.pop(f"{VARIABLE}_ORIG", None)
    if original:
        variables[VARIABLE] = original
    return variables


def own_program() -> list[str]:
    """This program, to be started once more with other arguments."""
    return [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "slm_playground"]


def own_command() -> str:
    """What starts this app, as it is typed or put into a desktop's settings."""
    script = Path(sys.executable).with_name("slm-playground")
    is_script = not getattr(sys, "frozen", False) and script.is_file()
    words = [*([str(script)] if is_script else own_program()), "desktop"]
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)


def open_in_browser(url: str) -> bool:
    """Open `url` in the user's browser; False where there is none."""
    with _of_the_system():
        return webbrowser.open(url)


@contextmanager
def _of_the_system() -> Iterator[None]:
    # `webbrowser` starts programs itself and takes no environment.
    ours = os.environ.get(VARIABLE)
    original = system_environment().get(VARIABLE)
    _set(original)
    try:
        yield
    finally:
        _set(ours)


def _set(value: str | None) -> None:
    if value is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = value
