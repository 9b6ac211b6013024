"""A checkpoint's config.json. Standard library only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from slm_export.errors import SourceError


def read_config(folder: Path) -> dict[str, Any]:
    """The config.json in `folder`.

    Raises: SourceError where it cannot be read, is not JSON or not an object.
    """
    return parse_config(_text(folder / "config.json"), str(folder / "config.json"))


def parse_config(text: str, where: str) -> dict[str, Any]:
    """A config.json's content; `where` names it in messages.

    Raises: SourceError where it is not JSON or not an object.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise SourceError(f"{where} is not JSON: {error}. Get the model again.") from error
    if not isinstance(raw, dict):
        raise SourceError(f"{where} is not a JSON object, so it describes no model. Get the model again.")
    return raw


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}. Get the model again.") from error
