"""Copies files of a bundle into a site, in parts where a file is larger than the host takes, comparing digests on the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from slm_export.manifest import FileEntry, FilePart, Manifest
from slm_export.site.errors import SiteError

_PIECE_BYTES = 1 << 20
Advance = Callable[[int], None]


def copy_bundle(source: Path, manifest: Manifest, target: Path, max_file_bytes: int, advance: Advance) -> Manifest:
    """Copy all files that `manifest` lists from `source` to `target`; gives the manifest of the copy, which names parts.

    `advance` is told the bytes that were copied since its last call.
    Raises: SiteError for a file that is not what the manifest says; OSError.
    """
    done: dict[str, FileEntry] = {}

    def copied(entry: FileEntry) -> FileEntry:
        if entry.path not in done:
            done[entry.path] = _copy(source, entry, target, max_file_bytes, advance)
        return done[entry.path]

    taken = {entry.path for entry in manifest.all_files()}
    files = tuple(copied(entry) for entry in manifest.files)
    variants = tuple(replace(v, files=tuple(copied(entry) for entry in v.files)) for v in manifest.variants)
    parts = {part.path for entry in done.values() for part in entry.parts or ()}
    if parts & taken:
        raise SiteError(
            f"{manifest.id} has a file called {min(parts & taken)}, as a part would be. Choose a larger --max-file-mb."
        )
    return replace(manifest, files=files, variants=variants)


def _copy(source: Path, entry: FileEntry, target: Path, max_file_bytes: int, advance: Advance) -> FileEntry:
    whole = hashlib.sha256()
    is_split = entry.size_bytes > max_file_bytes
    parts: list[FilePart] = []
    rest = _Rest(_pieces(source, entry))
    left = entry.size_bytes
    while left > 0 or not parts:
        name = f"{entry.path}.{len(parts) + 1:03d}" if is_split else entry.path
        size_bytes = min(left, max_file_bytes) if is_split else left
        digest = hashlib.sha256()
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("xb") as file:
            for piece in _take(rest, size_bytes):
                file.write(piece)
                whole.update(piece)
                if is_split:
                    digest.update(piece)
                advance(len(piece))
        parts.append(FilePart(name, size_bytes, digest.hexdigest()))
        left -= size_bytes
    if whole.hexdigest() != entry.sha256:
        raise SiteError(f"{source / entry.path} is damaged: its SHA-256 is not the one in the manifest. Export the bundle again.")
    return replace(entry, parts=tuple(parts) if is_split else None)


def _pieces(source: Path, entry: FileEntry) -> Iterator[bytes]:
    """The file's content, whose bundle may hold it in parts already."""
    for piece in entry.parts or (entry,):
        with (source / piece.path).open("rb") as file:
            yield from _read(file)


def _read(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(_PIECE_BYTES):
        yield piece


class _Rest:
    """Pieces of which some bytes may be given back."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._kept = b""

    def next(self, most: int) -> bytes:
        piece = self._kept or next(self._pieces, b"")
        self._kept = piece[most:]
        return piece[:most]


def _take(rest: _Rest, size_bytes: int) -> Iterator[bytes]:
    while size_bytes > 0 and (piece := rest.next(size_bytes)):
        size_bytes -= len(piece)
        yield piece
