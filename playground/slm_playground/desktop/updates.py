"""Is there a newer version? Asked only when somebody presses the button for it, and only where the package names an address.

The address is the one called "Releases" among the package's URLs ([project.urls] of pyproject.toml), or what packagers set in
SLM_PLAYGROUND_RELEASES; its answer has the shape of GitHub's: {"tag_name": "v1.2.3", "html_url": "https://…"}.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import time
import urllib.error
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Any
from urllib.parse import urlsplit

from packaging.version import InvalidVersion, Version

from slm_playground import __version__
from slm_playground.desktop.errors import DesktopError, told
from slm_playground.library import web
from slm_playground.library.errors import LibraryError

VARIABLE = "SLM_PLAYGROUND_RELEASES"
LABEL = "releases"
TIMEOUT_SECONDS = 10
MAX_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16
# Not even our own version: the newest one is the same for everybody.
_HEADERS = {"User-Agent": "slm-playground", "Accept": "application/json"}
_GITHUB_PAGE = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+)/releases(?:/latest)?/?")


@dataclass(frozen=True, slots=True)
class Newest:
    """`page` is where people read about it and get it, None where none was named that may be opened."""

    own: str
    newest: str
    is_newer: bool
    page: str | None


def address() -> str | None:
    """What would be asked; None where nobody said."""
    url = os.environ.get(VARIABLE)
    if url is None:
        labelled = (entry.partition(",") for entry in metadata("slm-playground").get_all("Project-URL") or ())
        url = next((value.strip() for label, _, value in labelled if label.strip().lower() == LABEL), None)
    return _asked(url) if url else None


def _asked(url: str) -> str:
    """The page for people, which packages name, has an address for programs beside it."""
    found = _GITHUB_PAGE.fullmatch(url)
    return f"https://api.github.com/repos/{found[1]}/{found[2]}/releases/latest" if found else url


def ask(url: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Newest:
    """One question, to `url`. Raises: DesktopError."""
    host = urlsplit(url).netloc
    try:
        answer = json.loads(_read(url, timeout_seconds))
    except urllib.error.HTTPError as error:
        with error:
            raise _refused(url, error.code) from error
    except LibraryError as error:
        raise told("update-not-https", url=repr(url)) from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise told("update-slow", 502, host=host, seconds=round(timeout_seconds)) from error
        raise told("update-unreachable", 502, host=host, said=str(reason)) from error
    except ValueError as error:
        raise told("update-unclear", 502, host=host) from error
    return _compared(answer, host)


def _read(url: str, timeout_seconds: float) -> bytes:
    """A server that sends a byte now and then is too slow, too."""
    end = time.monotonic() + timeout_seconds
    data = b""
    with web.ask(url, _HEADERS, timeout_seconds=timeout_seconds) as answer:
        while piece := answer.read1(_PIECE_BYTES):
            data += piece
            if time.monotonic() > end:
                raise TimeoutError
            if len(data) > MAX_BYTES:
                raise ValueError("longer than any release's description")
    return data


def _refused(url: str, status: int) -> DesktopError:
    if status == 404:
        return told("update-none", 502, url=url)
    return told("update-refused", 502, host=urlsplit(url).netloc, status=status)


def _compared(answer: Any, host: str) -> Newest:
    tag, page = (answer.get(name) for name in ("tag_name", "html_url")) if isinstance(answer, dict) else (None, None)
    try:
        newest = Version(tag) if isinstance(tag, str) else None
    except InvalidVersion:
        newest = None
    if newest is None:
        raise told("update-unclear", 502, host=host)
    own = Version(__version__)
    return Newest(str(own), str(newest), newest > own, _page(page))


def _page(url: object) -> str | None:
    """It becomes a link: nothing but a web page."""
    try:
        return web.check_address(url) if isinstance(url, str) else None
    except LibraryError:
        return None
