"""A static server for looking at a site: on this machine alone, with the headers that the site's hosts will send.

As a host would: no route of ours, no list of folders; ranges, ETag and If-Range, below any path.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import quote, unquote, urlsplit

from slm_export.manifest import is_safe_path
from slm_export.site.content import SITE_JSON
from slm_export.site.errors import SiteError
from slm_export.site.headers import Rules, headers_for, parse_headers_file, space_headers

LOOPBACK = "127.0.0.1"
_OCTETS = "application/octet-stream"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
}
_PIECE_BYTES = 1 << 18


def mime_type(name: str) -> str:
    """By the name's ending, `application/octet-stream` for an unknown one; not by what this system believes."""
    return _TYPES.get(PurePosixPath(name).suffix.lower(), _OCTETS)


@dataclass(frozen=True, slots=True)
class _Site:
    """`base` begins and ends with a slash."""

    folder: Path
    base: str
    rules: Rules

    def file(self, path: str) -> Path | None:
        """The file for a request's path, None where there is none in the folder."""
        if not path.startswith(self.base):
            return None
        name = unquote(path.removeprefix(self.base))
        name = f"{name}index.html" if name == "" or name.endswith("/") else name
        file = self.folder / name
        if not is_safe_path(name) or not os.path.isfile(file) or not file.resolve().is_relative_to(self.folder):
            return None
        return file


class Preview(ThreadingHTTPServer):
    """Serves one site until `shutdown`."""

    daemon_threads = True

    def __init__(self, port: int, site: _Site) -> None:
        self.base = site.base
        super().__init__((LOOPBACK, port), partial(_Handler, site))

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.server_address[1]}{quote(self.base)}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle of an answer is no error."""


@contextmanager
def open_preview(folder: Path, port: int = 0, base: str = "/", *, with_headers: bool = True) -> Iterator[Preview]:
    """A server for the site in `folder`, listening already; 0 is any free port.

    Raises: SiteError for a folder that is no site, a base that is no path, a port that is taken.
    """
    if not (folder / SITE_JSON).is_file() or not (folder / "index.html").is_file():
        raise SiteError(f"{folder} is no site (no {SITE_JSON}). Write one: slm-export site BUNDLE --out {folder}.")
    base = f"/{base.strip('/')}/" if base.strip("/") else "/"
    if base != "/" and not is_safe_path(base.strip("/")):
        raise SiteError(f"--base {base!r} is no path such as /my-model/.")
    site = _Site(folder.resolve(), base, production_headers(folder) if with_headers else [])
    try:
        server = Preview(port, site)
    except OSError as error:
        raise SiteError(f"Port {port} of {LOOPBACK} cannot be used ({error.strerror}). Choose another --port.") from error
    with server:
        yield server


def production_headers(folder: Path) -> Rules:
    """What `_headers` says; where there is none, what the README says to a Hugging Face Space."""
    if (folder / "_headers").is_file():
        return parse_headers_file((folder / "_headers").read_text(encoding="utf-8"))
    readme = folder / "README.md"
    return [("/*", space_headers(readme.read_text(encoding="utf-8")))] if readme.is_file() else []


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "slm-export"

    def __init__(self, site: _Site, *arguments: Any) -> None:
        self.site = site
        super().__init__(*arguments)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == self.site.base.rstrip("/") != "":
            self._begin(HTTPStatus.MOVED_PERMANENTLY, path, {"Location": quote(self.site.base), "Content-Length": "0"})
            return
        file = self.site.file(path)
        if file is None:
            self._begin(HTTPStatus.NOT_FOUND, path, {"Content-Type": "text/plain", "Content-Length": "10"})
            self._send(b"Not found\n")
            return
        with file.open("rb") as stream:
            self._answer(path, file, stream)

    do_HEAD = do_GET

    def _answer(self, path: str, file: Path, stream: BinaryIO) -> None:
        status = os.fstat(stream.fileno())
        etag = f'"{status.st_size:x}-{status.st_mtime_ns:x}"'
        headers = {"ETag": etag, "Accept-Ranges": "bytes", "Cache-Control": "max-age=0, must-revalidate"}
        if self.headers.get("If-None-Match") == etag:
            self._begin(HTTPStatus.NOT_MODIFIED, path, headers)
            return
        headers["Content-Type"] = mime_type(file.name)
        asked = self.headers.get("Range") if self.headers.get("If-Range", etag) == etag else None
        span = _span(asked, status.st_size)
        if span == ():
            headers |= {"Content-Range": f"bytes */{status.st_size}", "Content-Length": "0"}
            self._begin(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, path, headers)
            return
        start, end = span or (0, status.st_size)
        headers["Content-Length"] = str(end - start)
        if span:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{status.st_size}"
        self._begin(HTTPStatus.PARTIAL_CONTENT if span else HTTPStatus.OK, path, headers)
        stream.seek(start)
        while start < end and self.command != "HEAD":
            piece = stream.read(min(_PIECE_BYTES, end - start))
            self.wfile.write(piece)
            start += len(piece)

    def _begin(self, status: HTTPStatus, path: str, headers: dict[str, str]) -> None:
        inside = "/" + unquote(path).removeprefix(self.site.base).lstrip("/")
        self.send_response(status)
        for name, value in (headers | dict(headers_for(inside, self.site.rules))).items():
            self.send_header(name, value)
        self.end_headers()

    def _send(self, body: bytes) -> None:
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _span(header: str | None, size_bytes: int) -> tuple[int, int] | tuple[()] | None:
    """Half-open, of one range; None: the whole file (several ranges, other units), (): there are no such bytes."""
    match = re.fullmatch(r"bytes=(\d{0,18})-(\d{0,18})", header.replace(" ", "")) if header else None
    if match is None or match[1] == match[2] == "":
        return None
    first, last = match[1], match[2]
    start = int(first) if first else max(0, size_bytes - int(last))
    end = min(int(last) + 1, size_bytes) if first and last else size_bytes
    return (start, end) if start < end else ()
