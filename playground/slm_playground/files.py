"""One file as an HTTP answer: MIME type, ETag, 304, one range, HEAD. Knows nothing of folders or who may ask.

Bodies are handed to the WSGI server as a file, ranges too, so that a slow reader holds no thread. There is no Last-Modified:
files of an installed wheel all have the same made-up time, so that only a digest of the content tells an update apart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePath

from flask import Response, request
from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.wsgi import wrap_file

OCTETS = "application/octet-stream"
# By hand: Python asks the system, and a Windows registry can hold anything for `.js`.
_MIME_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".jinja": "text/plain; charset=utf-8",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".onnx": OCTETS,
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".ts": "text/plain; charset=utf-8",  # slm.d.ts; the system would say video
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}
# Files of a bundle come from elsewhere: what a browser would run or render as a page goes out as plain text.
_NOT_FROM_A_BUNDLE = frozenset({".css", ".html", ".js", ".mjs", ".svg", ".wasm", ".webmanifest"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: the file, its size and ETag (without quotes), and how it may be kept."""

    path: Path
    size_bytes: int
    etag: str
    mime_type: str
    cache_control: str
    encoding: str | None = None
    varies: bool = False


def mime_type(name: str) -> str:
    """The type by the name's ending, `application/octet-stream` for an unknown one."""
    return _MIME_TYPES.get(PurePath(name).suffix.lower(), OCTETS)


def bundle_mime_type(name: str) -> str:
    """The type of a bundle's file; nothing in a bundle is ever code for the page."""
    return OCTETS if PurePath(name).suffix.lower() in _NOT_FROM_A_BUNDLE else mime_type(name)


def content_etag(path: Path) -> str:
    """SHA-256 of the file's content; read once for each version of the file."""
    stat = path.stat()
    return _digest(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=1024)
def _digest(path: Path, mtime_ns: int, size_bytes: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def send(answer: Answer) -> Response:
    """The response to the current request: 200, 206, 304.

    Raises: RequestedRangeNotSatisfiable (416); OSError when the file went away.
    """
    file = answer.path.open("rb")
    try:
        response = Response(wrap_file(request.environ, file), direct_passthrough=True, content_type=answer.mime_type)
        response.content_length = answer.size_bytes
        response.set_etag(answer.etag)
        response.headers["Cache-Control"] = answer.cache_control
        if answer.encoding:
            response.headers["Content-Encoding"] = answer.encoding
        if answer.varies:
            response.headers["Vary"] = "Accept-Encoding"
        response.make_conditional(request, accept_ranges=True, complete_length=answer.size_bytes)
    except RequestedRangeNotSatisfiable:
        file.close()
        raise
    if response.status_code == 206 and "wsgi.file_wrapper" in request.environ:
        # Werkzeug would feed the range from Python and so hold a thread until the last byte is read. Waitress's wrapper starts
        # at the file's position and stops at Content-Length.
        file.seek(response.content_range.start or 0)
        response.response = wrap_file(request.environ, file)
    return response
