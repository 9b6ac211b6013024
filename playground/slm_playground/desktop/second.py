"""A second start: the app runs already, and its window is shown. People wait for it, so it imports next to nothing.

With click and http.client it took three times as long.
"""

from __future__ import annotations

import sys
from pathlib import Path

from slm_playground import paths
from slm_playground.desktop.instance import Instance, NotReached, find_first, is_announced


def is_done(arguments: list[str]) -> bool:
    """Of `slm-playground desktop`: whether the app runs already, and was shown what they name.

    Anything unusual (options, an app that is just starting, a lock that cannot be tried) is left to the command line proper.
    """
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        return False
    folder = paths.home_dir() / "desktop"
    try:
        if not is_announced(folder):
            return False
        ours = Instance.take(folder)
    except OSError:
        return False
    if ours is not None:  # what is announced was killed
        ours.release()
        return False
    try:
        show_first(folder, *arguments)
    except NotReached as error:
        sys.exit(f"Error: {error}")
    return True


def show_first(folder: Path, opening: str | None = None) -> int:
    """Raises: NotReached."""
    first = find_first(folder)
    print(first.url, flush=True)
    first.ask("/api/desktop/show", {"open": opening} if opening else {})
    print("SLM Playground is running already: its window was brought to the front.", file=sys.stderr)
    return 0
