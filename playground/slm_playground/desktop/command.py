"""`slm-playground desktop`: from the command line to app.run, with messages instead of tracebacks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from slm_playground import paths
from slm_playground.desktop import app, keep, seed
from slm_playground.desktop.instance import NotReached
from slm_playground.desktop.shells.choose import Machine, NoShell, shells_to_try
from slm_playground.desktop.shells.chrome import find_chrome
from slm_playground.desktop.shells.native import has_gtk, has_qt, has_webview
from slm_playground.listen import ListenError


class CommandError(Exception):
    """Why the app did not start; the message says what to do."""


def start(shell: str, *, port: int | None, models: Path | None, opening: str | None, hidden: bool) -> int:
    """Run the app, or show the one that runs already; the exit code.

    Raises: CommandError.
    """
    chrome = find_chrome()
    try:
        names = shells_to_try(shell, _machine(chrome is not None))
        options = app.Options(
            shells=names,
            chrome=chrome,
            home=paths.home_dir(),
            settings=paths.settings_dir(),
            logs=paths.logs_dir(),
            models=models.absolute() if models else _models(),
            static=paths.static_dir(),
            port=port,
            opening=opening,
            hidden=hidden,
        )
        return app.run(options)
    except (NoShell, ListenError, NotReached) as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(
            f"The app could not start: {error}. Free some disk space, or name another data folder in {paths.DATA_VARIABLE}."
        ) from error


def leave() -> bool:
    """End the running app; False where none runs. Raises: CommandError."""
    try:
        return app.quit_first(paths.home_dir())
    except (NotReached, OSError) as error:
        raise CommandError(str(error)) from error


def _machine(has_chrome: bool) -> Machine:
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
