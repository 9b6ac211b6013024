"""Models from the user's own files: sent by the page in pieces, checked as a whole, then put among the others.

What is under way lies in `<models>/.uploads/<id>/`; a file that is there in part is gone on with, a finished model is renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

from slm_export.manifest import MANIFEST_NAME, FileEntry, ManifestError, is_safe_path, load_manifest
from slm_playground.catalog import is_folder_name
from slm_playground.library import layouts
from slm_playground.library.errors import told

FOLDER = ".uploads"
MAX_FILES = 2000


class Uploads:
    def __init__(self, models: Path) -> None:
        self._models = models

    def begin(self, bundle_id: str, sizes: dict[str, int]) -> dict[str, int]:
        """Make room for these files (path → bytes); gives how many bytes of each are there from an earlier try.

        Raises: LibraryError.
        """
        folder = self._folder(bundle_id)
        if (self._models / bundle_id).exists():
            raise told("model-exists", 409, id=bundle_id)
        if not sizes or len(sizes) > MAX_FILES:
            raise told("file-count", most=MAX_FILES, found=len(sizes))
        for path in sizes:
            if not is_safe_path(path):
                raise told("unsafe-file", path=repr(path))
        there = {path: _size(folder / path) for path in sizes}
        self._models.mkdir(parents=True, exist_ok=True)
        needed, free = sum(sizes.values()) - sum(there.values()), shutil.disk_usage(self._models).free
        if needed > free:
            raise told("no-room-for-files", 507, free_mb=f"{free / 1e6:,.0f}", needed_mb=f"{needed / 1e6:,.0f}")
        for path in sizes:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        return {path: size if size <= sizes[path] else 0 for path, size in there.items()}

    def write(self, bundle_id: str, path: str, offset: int, piece: bytes) -> int:
        """Put a piece behind the first `offset` bytes of a file; gives its new size.

        Raises: LibraryError.
        """
        folder = self._folder(bundle_id)
        target = folder / path
        if not is_safe_path(path) or not target.parent.is_dir():
            raise told("not-begun", 404)
        if offset > _size(target):
            raise told("piece-missing", 409)
        try:
            with target.open("r+b" if target.exists() else "wb") as file:
                file.seek(offset)
                file.write(piece)
                file.truncate()
        except OSError as error:
            raise told("upload-not-written", 507, path=path, said=error.strerror or str(error)) from error
        return offset + len(piece)

    def finish(self, bundle_id: str) -> str:
        """Check everything and put the model among the others; gives its id, which a bundle's manifest decides.

        Raises: LibraryError saying what is wrong; what was sent stays for a second try.
        """
        folder = self._folder(bundle_id)
        if not folder.is_dir():
            raise told("not-begun", 404)
        final = _named(_describe(folder, bundle_id))
        target = self._models / final
        if target.exists():
            raise told("model-exists", 409, id=final)
        folder.rename(target)
        return final

    def cancel(self, bundle_id: str) -> None:
        shutil.rmtree(self._folder(bundle_id), ignore_errors=True)

    def _folder(self, bundle_id: str) -> Path:
        return self._models / FOLDER / _named(bundle_id)


def _named(bundle_id: str) -> str:
    """Raises: LibraryError for what would be another place than a folder of its own."""
    if not is_folder_name(bundle_id):
        raise told("bad-name", id=repr(bundle_id))
    return bundle_id


def _describe(folder: Path, bundle_id: str) -> str:
    """Check a folder against its manifest, or write one for an ONNX repository; gives the id."""
    text = _text(folder / MANIFEST_NAME)
    if text is None:
        _describe_repository(folder, bundle_id)
        return bundle_id
    data = _parsed(text)
    try:
        known = layouts.parse(data, MANIFEST_NAME) if layouts.is_repository(data) else load_manifest(folder)
    except ManifestError as error:
        raise told("bad-manifest", said=str(error)) from error
    for entry in known.all_files():
        path = folder / entry.path
        if _size(path) != entry.size_bytes or _sha256(path) != entry.sha256:
            raise told("file-differs", path=entry.path)
    return known.id


def _describe_repository(folder: Path, bundle_id: str) -> None:
    paths = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    chosen = layouts.graphs(paths)
    if not chosen:
        raise told("no-model-files")
    shared = layouts.shared_paths(paths, "The folder")
    family, architecture, length = layouts.facts(dict(_parsed(_text(folder / "config.json") or "{}")))
    wanted = dict.fromkeys((*shared, *(path for graph in chosen for path in graph.paths)))
    entries = tuple(FileEntry(path, _size(folder / path), _sha256(folder / path)) for path in wanted)
    source = {"ref": "files", "url": None, "revision": None}
    repository = layouts.Repository(bundle_id, bundle_id, "unknown", family, architecture, length, source, entries)
    text = json.dumps(repository.to_json(), indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise told("description-not-json", said=str(error)) from error


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _size(path: Path) -> int:
    return path.stat().st_size if os.path.isfile(path) else 0


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
