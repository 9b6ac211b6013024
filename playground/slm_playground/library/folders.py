"""A model's folder on this machine, copied among the models: checked as one that the page sends is (uploads.py)."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

from slm_export.manifest import MANIFEST_NAME
from slm_playground import catalog
from slm_playground.library import layouts
from slm_playground.library.errors import LibraryError
from slm_playground.library.uploads import MAX_FILES, Uploads

PIECE_BYTES = 16 << 20


def add_folder(models: Path, folder: Path) -> str:
    """Give the id of the model that `folder` holds; one of that id that is there already is left as it is.

    Raises: LibraryError.
    """
    sizes = _files(folder)
    name = _id(folder)
    if (models / name).is_dir():
        return name
    uploads = Uploads(models)
    received = uploads.begin(name, sizes)
    for path, size in sizes.items():
        _copy(uploads, name, folder, path, received[path] if received[path] < size else 0)
    return uploads.finish(name)


def _copy(uploads: Uploads, name: str, folder: Path, path: str, offset: int) -> None:
    try:
        with (folder / path).open("rb") as file:
            file.seek(offset)
            while piece := file.read(PIECE_BYTES):
                offset = uploads.write(name, path, offset, piece)
            if offset == 0:
                uploads.write(name, path, 0, b"")
    except OSError as error:
        raise LibraryError(f"{folder / path} cannot be read ({error.strerror}).") from error


def _files(folder: Path) -> dict[str, int]:
    """Size of each file by its path; looks at few enough that a folder with all of somebody's things costs nothing."""
    paths = list(itertools.islice((path for path in folder.rglob("*") if path.is_file()), MAX_FILES + 1))
    found = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    visible = {path: size for path, size in found.items() if not any(part.startswith(".") for part in path.split("/"))}
    if len(paths) <= MAX_FILES and (MANIFEST_NAME in visible or layouts.graphs(list(visible))):
        return visible
    raise LibraryError(
        f"{folder} is not the folder of a model: it has neither a {MANIFEST_NAME} nor an ONNX graph under a usual name "
        "(onnx/model….onnx). Choose another one."
    )


def _id(folder: Path) -> str:
    """What the bundle calls itself, else the folder's name made fit."""
    try:
        known = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))["id"]
    except (OSError, ValueError, LookupError, TypeError):
        known = re.sub(r"[^a-z0-9.-]+", "-", folder.name.lower()).strip(".-")
    if not isinstance(known, str) or not catalog.is_folder_name(known):
        raise LibraryError(f"{folder}: the model's name cannot be used for a folder. Rename it: small letters, digits, dashes.")
    return known
