"""Fetch one file over HTTP: resumable, hashed, written to `NAME.part` and renamed when its digest is right."""

from __future__ import annotations

import hashlib
import shutil
import urllib.error
import urllib.request
from pathlib import Path

from slm_export.errors import SourceError
from slm_export.progress import Reporter

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60


def sha256_of(path: Path) -> str:
    """Lower-case hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(url: str, target: Path, *, sha256: str, size_bytes: int, reporter: Reporter) -> Path:
    """Download `url` to `target`, continuing `target.part` where an earlier try broke off.

    `size_bytes` is used for the disk check and the progress bar where the server does not say.

    Raises: SourceError for no network, an HTTP error, a full disk or a wrong digest; a wrong file is removed.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    _require_space(target.parent, size_bytes - (part.stat().st_size if part.exists() else 0), target.name)
    try:
        _receive(url, part, size_bytes, reporter)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", None) or error
        raise SourceError(
            f"Downloading {target.name} failed: {reason}. What has arrived is kept; run the same command again to continue, "
            f"or put the file there yourself: {target}"
        ) from error
    except OSError as error:
        raise SourceError(f"Writing {part} failed: {error}. Free some space or choose another folder, then try again.") from error
    found = sha256_of(part)
    if found != sha256:
        part.unlink()
        raise SourceError(
            f"{target.name} arrived damaged or is another file: SHA-256 is {found}, expected {sha256}. "
            "It was removed; run the same command again. If it happens twice, a proxy may be changing downloads."
        )
    part.replace(target)
    return target


def _require_space(folder: Path, needed_bytes: int, name: str) -> None:
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes:
        raise SourceError(
            f"{name} needs {needed_bytes / 1e6:.0f} MB in {folder}, but only {free_bytes / 1e6:.0f} MB are free. "
            "Free some space, or set SLM_PLAYGROUND_DATA to a folder on another disk."
        )


def _receive(url: str, part: Path, size_bytes: int, reporter: Reporter) -> None:
    done_bytes = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done_bytes}-"} if done_bytes else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing left to send: the part is complete, its digest decides
            return
        raise
    with response:
        if done_bytes and response.status != 206:  # the server ignores ranges: begin again
            done_bytes = 0
        total_bytes = done_bytes + int(response.headers.get("Content-Length") or size_bytes - done_bytes)
        name = part.name.removesuffix(".part")
        with part.open("ab" if done_bytes else "wb") as file, reporter.transfer(name, total_bytes, done_bytes) as advance:
            while chunk := response.read(CHUNK_BYTES):
                file.write(chunk)
                advance(len(chunk))
                done_bytes += len(chunk)
        if done_bytes < total_bytes:
            raise ConnectionError(f"the connection ended after {done_bytes:,} of {total_bytes:,} bytes")
