"""A site to be checked: a folder, or what a web server sends. Both answer the same three questions about a path."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol
from urllib.parse import quote, urljoin, urlsplit

from slm_export.site.errors import SiteError

MOST_TEXT_BYTES = 100_000_000
_SECONDS = 30
_LOOPBACK = ("127.0.0.1", "localhost")


class SiteSource(Protocol):
    """`name` is what the user called it."""

    name: str

    def read(self, path: str) -> bytes | None:
        """A small file's content; None where it is not there."""

    def size_bytes(self, path: str) -> int | None:
        """None where it is not there; -1 where the server does not say."""

    def headers(self, path: str) -> Mapping[str, str]:
        """What the server sends with it, names in lower case; nothing for a folder."""


class FolderSource:
    """A site on this machine."""

    def __init__(self, folder: Path) -> None:
        self.name, self.folder = str(folder), folder

    def _file(self, path: str) -> Path | None:
        file = self.folder / path
        return file if file.is_file() and file.resolve().is_relative_to(self.folder.resolve()) else None

    def read(self, path: str) -> bytes | None:
        file = self._file(path)
        return file.read_bytes() if file else None

    def size_bytes(self, path: str) -> int | None:
        file = self._file(path)
        return file.stat().st_size if file else None

    def headers(self, path: str) -> Mapping[str, str]:
        return {}

    def sha256(self, path: str) -> str | None:
        """None where it is not there."""
        file = self._file(path)
        if file is None:
            return None
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def paths(self) -> list[str]:
        """Every file, links included; not those of git."""
        found = (path.relative_to(self.folder) for path in self.folder.rglob("*") if path.is_file() or path.is_symlink())
        return sorted(path.as_posix() for path in found if path.parts[0] != ".git")


class WebSource:
    """A site on the web, below `url`, which ends with a slash."""

    def __init__(self, url: str) -> None:
        self.name, self.url = url, url

    def read(self, path: str) -> bytes | None:
        try:
            with self._open(path, "GET") as response:
                content: bytes = response.read(MOST_TEXT_BYTES + 1)
        except urllib.error.HTTPError:
            return None
        if len(content) > MOST_TEXT_BYTES:
            raise SiteError(f"{urljoin(self.url, path)} has more than {MOST_TEXT_BYTES:,} bytes: that is no file of a site.")
        return content

    def size_bytes(self, path: str) -> int | None:
        try:
            with self._open(path, "HEAD") as response:
                return int(response.headers.get("Content-Length") or -1)
        except urllib.error.HTTPError:
            return None

    def headers(self, path: str) -> Mapping[str, str]:
        try:
            with self._open(path, "HEAD") as response:
                return {name.lower(): value for name, value in response.headers.items()}
        except urllib.error.HTTPError:
            return {}

    def _open(self, path: str, method: str):  # type: ignore[no-untyped-def]  # what urlopen gives has no type of its own
        url = urljoin(self.url, quote(path))
        # Compressed answers have another length.
        request = urllib.request.Request(url, method=method, headers={"Accept-Encoding": "identity", "User-Agent": "slm-export"})
        try:
            return urllib.request.urlopen(request, timeout=_SECONDS)
        except urllib.error.HTTPError:
            raise
        except OSError as error:
            raise SiteError(
                f"{url} could not be reached ({getattr(error, 'reason', error)}). Check the address and the network."
            ) from error


def open_source(place: str) -> FolderSource | WebSource:
    """A folder's path, or an address: https, or http on this machine.

    Raises: SiteError for what is neither.
    """
    parts = urlsplit(place)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        url = place.split("#")[0].split("?")[0].removesuffix("index.html")
        return WebSource(url if url.endswith("/") else f"{url}/")
    if "://" in place:
        raise SiteError(f"{place} is no https address.")
    if not Path(place).is_dir():
        raise SiteError(f"{place} is no folder. Give the folder of a site, or its https address.")
    return FolderSource(Path(place))
