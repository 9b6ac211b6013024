"""The bundles in the models folder: found, checked, looked up. A broken one is listed with its error, never hidden.

Nothing is remembered between calls: checking a bundle takes a few milliseconds, and one that was just exported or
repaired shows at the next request. The cheap check is manifest, presence and size of every file; the deep one hashes them too.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from slm_export.manifest import MANIFEST_NAME, FileEntry, Manifest, ManifestError, Variant, is_safe_path, load_manifest

AGAIN = "Export the bundle again (`make run` does it for the default model) or copy it again."
NO_MODEL = (
    "Make the default one with `make run` in the checkout, or any other with `slm-export model SOURCE --out {models}/<id>`, "
    "then reload."
)


class BundleError(Exception):
    """A file of a bundle that cannot be served; `missing` tells "not there" from "there but damaged"."""

    def __init__(self, message: str, *, missing: bool) -> None:
        super().__init__(message)
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Entry:
    """One folder of the models folder. `manifest` is None if unreadable; the bundle is usable when `error` is None."""

    folder: Path
    manifest: Manifest | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A whole scan: every bundle in order of its name, and `problem` when not one is usable."""

    entries: tuple[Entry, ...]
    problem: str | None


def scan(models: Path, *, deep: bool = False) -> Found:
    """Look at every folder in `models` (names that start with a dot are work in progress and are skipped)."""
    if (models / MANIFEST_NAME).is_file():
        return Found((), f"{models} is itself a bundle. Give the folder that holds it: --models {models.parent}")
    try:
        folders = sorted(path for path in models.iterdir() if path.is_dir() and not path.name.startswith("."))
    except FileNotFoundError:
        return Found((), f"There is no models folder at {models}. {NO_MODEL.format(models=models)}")
    except OSError as error:
        return Found((), f"The models folder {models} cannot be read ({error}). Give another one with --models DIR.")
    entries = tuple(read_entry(folder, deep=deep) for folder in folders)
    if not entries:
        return Found((), f"No model in {models}. {NO_MODEL.format(models=models)}")
    if all(entry.error for entry in entries):
        return Found(
            entries,
            f"No usable model in {models}: each of its {len(entries)} bundles has an error. {NO_MODEL.format(models=models)}",
        )
    return Found(entries, None)


def read_entry(folder: Path, *, deep: bool = False) -> Entry:
    """Read and check one bundle; whatever is wrong becomes the entry's `error`."""
    try:
        manifest = load_manifest(folder)
    except ManifestError as error:
        return Entry(folder, None, str(error))
    if manifest.id != folder.name:
        return Entry(folder, manifest, f"{folder}: its manifest says id {manifest.id!r}. Rename the folder to {manifest.id}.")
    problems = [problem for entry in manifest.all_files() if (problem := _file_problem(folder, entry, deep=deep))]
    if not problems:
        return Entry(folder, manifest, None)
    more = f" ({len(problems) - 1} more files are wrong too.)" if len(problems) > 1 else ""
    return Entry(folder, manifest, f"{problems[0]}{more} {AGAIN}")


def find_file(models: Path, bundle_id: str, path: str) -> tuple[Path, FileEntry]:
    """The file behind /models/<bundle_id>/<path>: only what the bundle's manifest lists is ever served.

    Raises: BundleError.
    """
    folder = bundle_folder(models, bundle_id)
    try:
        manifest = load_manifest(folder)
    except ManifestError as error:
        raise BundleError(str(error), missing=False) from error
    for entry in manifest.all_files():
        if entry.path == path:
            if problem := _file_problem(folder, entry):
                raise BundleError(f"{problem} {AGAIN}", missing=not (folder / path).exists())
            return folder / path, entry
    raise BundleError(f"The manifest of {bundle_id} lists no file of that name. Only listed files are served.", missing=True)


def bundle_folder(models: Path, bundle_id: str) -> Path:
    """The folder of a bundle that has a manifest (valid or not).

    Raises: BundleError.
    """
    folder = models / bundle_id
    is_plain_name = is_safe_path(bundle_id) and "/" not in bundle_id and not bundle_id.startswith(".")
    # os.path, because Path.is_file raises for a name that is too long for the disk.
    if not is_plain_name or not os.path.isfile(folder / MANIFEST_NAME):
        raise BundleError(f"There is no bundle of that name in {models}. GET /api/models lists what there is.", missing=True)
    return folder


def download_bytes(manifest: Manifest, variant: Variant) -> int:
    """What a browser fetches to run `variant`: its files and the shared ones, each once; without the manifest."""
    sizes = {entry.path: entry.size_bytes for entry in (*manifest.files, *variant.files)}
    return sum(sizes.values())


def _file_problem(folder: Path, entry: FileEntry, *, deep: bool = False) -> str | None:
    """What is wrong with one file, None when nothing is."""
    path = folder / entry.path
    try:
        if not path.is_file():
            return f"{path} is missing." if not path.exists() else f"{path} is not a plain file."
        # A bundle may come from anywhere: a link in it must not turn into a way to read the rest of the disk.
        if not path.resolve().is_relative_to(folder.resolve()):
            return f"{path} is a link that leaves the bundle."
        size_bytes = path.stat().st_size
        if size_bytes != entry.size_bytes:
            return f"{path} has {size_bytes:,} bytes, its manifest says {entry.size_bytes:,}: the file is incomplete or changed."
        if deep and _sha256(path) != entry.sha256:
            return f"{path} has the right size but another SHA-256 than its manifest says: the file is damaged."
    except OSError as error:
        return f"{path} cannot be read ({error})."
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
