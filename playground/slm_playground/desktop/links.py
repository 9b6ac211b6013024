"""What the app can be asked to open: a folder with a model, or an address such as `slm://models`.

Anybody may put an `slm://` link on a web page, so such a link only turns to a page of the app: it starts and sends nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slm_playground.desktop.errors import told

SCHEME = "slm"
_PAGE = re.compile(r"[a-z]{1,20}(/[A-Za-z0-9._~-]{1,80}){0,3}")


def page_of(text: str) -> str | None:
    """`slm://models` → `#/models`; None for what is no such address. Raises: DesktopError for one that names no page."""
    if not text.lower().startswith(f"{SCHEME}:"):
        return None
    place = text[len(SCHEME) + 1 :].strip("/")
    if not place:
        return "#/chat"
    if not _PAGE.fullmatch(place):
        raise told("no-page-address", address=repr(text[:200]))
    return f"#/{place}"


def folder_of(text: str) -> Path:
    """A folder, as a path or as the file:// address that desktops hand over. Raises: DesktopError."""
    parts = urlsplit(text)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(text)
    if path.is_file():
        path = path.parent  # manifest.json was meant to say which folder
    if not path.is_dir():
        raise told("no-folder-there", path=str(path))
    return path.absolute()
