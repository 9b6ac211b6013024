"""The built UI as answers: which file, which precompressed sibling, how long it may be kept. Knows one folder."""

from __future__ import annotations

import os
import re
from pathlib import Path

from werkzeug.datastructures import Headers
from werkzeug.http import parse_accept_header
from werkzeug.security import safe_join

from slm_export.manifest import is_safe_path
from slm_playground.files import Answer, content_etag, mime_type
from slm_playground.headers import IMMUTABLE, REVALIDATE

# Best first; the build puts `name.br` and `name.gz` beside what is worth it.
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
# Names that never get new content: Vite's hashed ones (assets/index-Bq3xK9aZ.js) and the runtime's own files in the folder of
# its version (ort/1.30.0/ort-wasm-simd-threaded.wasm; not our loaders beside them).
_FOREVER = re.compile(r"assets/(?:.*/)?[^/]+-[A-Za-z0-9_-]{8,}\.[^/]+|ort/\d+\.\d+\.\d+[^/]*/ort-[^/]+")


def find_asset(static: Path, path: str, headers: Headers) -> Answer | None:
    """The answer for `path` (relative, with /) of the built UI, None when there is no such file."""
    joined = safe_join(str(static), path) if is_safe_path(path) else None
    # os.path, because Path.is_file raises for a name that is too long for the disk.
    if joined is None or not os.path.isfile(joined):
        return None
    file = Path(joined)
    cache_control = IMMUTABLE if _FOREVER.fullmatch(path) else REVALIDATE
    siblings = {name: sibling for name, ending in _ENCODINGS if (sibling := file.with_name(file.name + ending)).is_file()}
    # A range counts bytes of the plain file: mixing it with an encoding is how half-decoded files come about.
    encoding = None if "Range" in headers else _best_encoding(headers.get("Accept-Encoding", ""), siblings)
    sent = siblings[encoding] if encoding else file
    return Answer(
        path=sent,
        size_bytes=sent.stat().st_size,
        etag=content_etag(sent),
        mime_type=mime_type(path),
        cache_control=cache_control,
        encoding=encoding,
        varies=bool(siblings),
    )


def _best_encoding(accepted: str, siblings: dict[str, Path]) -> str | None:
    """The first of our encodings that the client takes (`q=0` means no) and that the build made."""
    quality = {name.lower(): value for name, value in parse_accept_header(accepted)}
    return next((name for name in siblings if quality.get(name, quality.get("*", 0)) > 0), None)
