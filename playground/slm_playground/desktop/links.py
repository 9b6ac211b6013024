"""What the app can be asked to open: a folder with a model, or an address such as `slm://models`.

Anybody may put an `slm://` link on a web page, so such a link only turns to a page of the app: it starts and sends nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slm_playground.desktop.sentences import SENTENCES
from slm_playground.library.sentences import Fact

SCHEME = "slm"
_PAGE = re.compile(r"[a-z]{1,20}(/[A-Za-z0-9._~-]{1,80}){0,3}")


class LinkError(Exception):
    """Nothing that can be opened; the message says what can, `kind` and `facts` the same for pages in another language."""

    def __init__(self, kind: str, facts: dict[str, Fact]) -> None:
        super().__init__(SENTENCES[kind].format(**facts))
        self.kind = kind
        self.facts = facts


def told(kind: str, /, **facts: Fact) -> LinkError:
    """The error of a kind in `SENTENCES`, with the facts that its sentence names."""
    return LinkError(kind, facts)


def page_of(text: str) -> str | None:
    """`slm://models` → `#/models`; None for what is no such address. Raises: LinkError for one that names no page."""
    if not text.lower().startswith(f"{SCHEME}:"):
        return None
    place = text[len(SCHEME) + 1 :].strip("/")
    if not place:
        return "#/chat"
    if not _PAGE.fullmatch(place):
        raise told("no-page-address", address=repr(text[:200]))
    return f"#/{place}"


def folder_of(text: str) -> Path:
    """A folder, as a path or as the file:// address that desktops hand over. Raises: LinkError."""
    parts = urlsplit(text)
    path = Path(unquote(parts.path)) if parts.scheme == "file" else Path(text)
    if path.is_file():
        path = path.parent  # manifest.json was meant to say which folder
    if not path.is_dir():
        raise told("no-folder-there", path=str(path))
    return path.absolute()
