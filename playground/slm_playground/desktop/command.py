"""`slm-playground desktop`: from the command line to a running app, or to the one that runs already (second.py)."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from slm_playground import paths
from slm_playground.desktop import keep
from slm_playground.desktop.instance import Instance, NotReached, find_first
from slm_playground.desktop.second import show_first

if TYPE_CHECKING:
    from slm_playground.desktop.shells.choose import Machine

ENDING_SECONDS = 30.0
PATIENCE_VARIABLE = "SLM_PLAYGROUND_PATIENCE_SECONDS"


class CommandError(Exception):
    """Why the app did not start; the message says what to do."""


def start(shell: str, *, port: int | None, models: Path | None, opening: str | None, hidden: bool) -> int:
    """Run the app, or show the one that runs already; the exit code.

    Raises: CommandError.
    """
    try:
        folder, is_kept = keep.own_folder(paths.home_dir())
        ours = Instance.take(folder)
        if ours is None:
            return show_first(folder, opening)
        return _first(shell, ours, folder, is_kept, port=port, models=models, opening=opening, hidden=hidden)
    except NotReached as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"The app could not start: {error}. Free some disk space, or name another data folder in {paths.DATA_VARIABLE}."
        ) from error


def leave() -> bool:
    """End the running app, and wait until it has; False where none runs. Raises: CommandError."""
    try:
        folder, _ = keep.own_folder(paths.home_dir())
        if _is_free(folder):
            return False
        first = find_first(folder)
        # Its answer may be lost: it ends.
        with suppress(NotReached):
            first.ask("/api/desktop/quit", {})
        end = time.monotonic() + ENDING_SECONDS
        while not _is_free(folder):
            if time.monotonic() > end:
                raise CommandError("SLM Playground was asked to end, but it still runs. End its process in the system's list.")
            time.sleep(0.02)
        return True
    except (NotReached, OSError) as error:
        raise CommandError(str(error)) from error


def _is_free(folder: Path) -> bool:
    ours = Instance.take(folder)
    if ours is not None:
        ours.release()
    return ours is not None


def _first(
    shell: str,
    ours: Instance,
    folder: Path,
    is_kept: bool,
    *,
    port: int | None,
    models: Path | None,
    opening: str | None,
    hidden: bool,
) -> int:
    from slm_playground.data.errors import DataError
    from slm_playground.data.folder import settle
    from slm_playground.desktop.app import PATIENCE_SECONDS, Options
    from slm_playground.desktop.run import run
    from slm_playground.desktop.shells.choose import NoShell, shells_to_try
    from slm_playground.desktop.shells.chrome import find_chrome
    from slm_playground.listen import ListenError

    chrome = find_chrome()
    try:
        names = shells_to_try(shell, _machine(chrome is not None))
        settle()
        if not is_kept:
            print(f"{paths.home_dir()} cannot be written: what the window stores lies in {folder} only.", file=sys.stderr)
        return run(
            Options(
                shells=names,
                chrome=chrome,
                settings=paths.settings_dir(),
                logs=paths.logs_dir(),
                models=models.absolute() if models else _models(),
                static=paths.static_dir(),
                port=port,
                opening=opening,
                hidden=hidden,
                patience_seconds=_patience(PATIENCE_SECONDS),
            ),
            ours,
            folder,
        )
    except ListenError as error:
        raise CommandError(error.advise("slm-playground desktop --port {port}")) from error
    except (NoShell, DataError) as error:
        raise CommandError(str(error)) from error


def _patience(usual: float) -> float:
    """Seconds for which a window may be without its page. Raises: CommandError."""
    said = os.environ.get(PATIENCE_VARIABLE)
    try:
        return float(said) if said else usual
    except ValueError as error:
        raise CommandError(f"{PATIENCE_VARIABLE} must be a number of seconds, not {said!r}.") from error


def _machine(has_chrome: bool) -> Machine:
    from slm_playground.desktop.shells.choose import Machine
    from slm_playground.desktop.shells.native import has_gtk, has_qt, has_webview

    is_linux = sys.platform.startswith("linux")
    has_display = not is_linux or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return Machine(
        sys.platform,
        has_display,
        bool(os.environ.get("BROWSER")),
        has_chrome,
        is_linux and has_display and has_qt(),
        is_linux and has_display and has_gtk(),
        not is_linux and has_webview(),
    )


def _models() -> Path:
    """The user's models, to which those that came with the app are added; the app's own folder where nothing can be written."""
    from slm_playground.desktop import seed

    bundled = seed.bundled_models()
    if bundled is None:
        return paths.models_dir()
    try:
        kept = keep.load(paths.settings_dir())
        offered = seed.offer(bundled, paths.models_dir(), kept.offered)
        if offered != kept.offered:
            keep.save(paths.settings_dir(), keep.with_offered(kept, offered))
    except OSError:
        if not any(paths.models_dir().glob("*/manifest.json")):
            return bundled
    return paths.models_dir()
