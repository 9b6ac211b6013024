"""The models that came with the app, put among the user's own ones without a copy where the system allows it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from slm_export.manifest import MANIFEST_NAME


def bundled_models() -> Path | None:
    """The folder of models inside a frozen app; None elsewhere."""
    base = getattr(sys, "_MEIPASS", None)
    folder = Path(base) / "models" if base else None
    return folder if folder and folder.is_dir() else None


def offer(bundled: Path, models: Path, offered: tuple[str, ...]) -> tuple[str, ...]:
    """Make each bundled model one of `models`, once: what the user deleted stays deleted. Gives the ids offered so far.

    A link to the app's folder, renewed when the app has moved; a copy where the system has no links (Windows).
    Raises: OSError.
    """
    models.mkdir(parents=True, exist_ok=True)
    known = list(offered)
    for source in sorted(path for path in bundled.iterdir() if (path / MANIFEST_NAME).is_file()):
        target = models / source.name
        if target.is_symlink() and not target.exists():
            target.unlink()  # the app was moved or renewed
        elif source.name in known or target.exists():
            known += [] if source.name in known else [source.name]
            continue
        _link_or_copy(source, target)
        known += [] if source.name in known else [source.name]
    return tuple(known)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.symlink(source, target, target_is_directory=True)
    except OSError:
        partial = target.with_name(f".{target.name}.new")
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(source, partial)
        partial.rename(target)
