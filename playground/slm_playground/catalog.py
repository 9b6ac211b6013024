"""The bundles in the models folder: found, checked, looked up. A broken one is listed with its error, never hidden.

Nothing is remembered between calls: checking a bundle takes a few milliseconds, and one that was just exported or
repaired shows at the next request. The cheap check is manifest, presence and size of every file; the deep one hashes them too.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from slm_export.manifest import MANIFEST_NAME, Fidelity, FileEntry, Manifest, ManifestError, is_safe_path, load_manifest
from slm_playground.library.errors import LibraryError
from slm_playground.library.layouts import Repository, is_repository, parse

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
    manifest: Manifest | Repository | None
    error: str | None

    def size_bytes(self) -> int:
        """What its files take on the disk, listed or not."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


@dataclass(frozen=True, slots=True)
class VariantFacts:
    """A variant of either kind of model; None where an ONNX repository does not say."""

    name: str
    device: str
    requires: tuple[str, ...]
    download_bytes: int
    memory_bytes: int | None
    bits_per_weight: float | None
    fidelity: Fidelity | None
    # The engine's own kernels take no more memory than the files; `memory_bytes` is what ONNX Runtime takes.
    has_program: bool


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
        manifest = load_description(folder)
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
        manifest = load_description(folder)
    except ManifestError as error:
        raise BundleError(str(error), missing=False) from error
    for entry in manifest.all_files():
        if entry.path == path:
            if problem := _file_problem(folder, entry):
                raise BundleError(f"{problem} {AGAIN}", missing=not (folder / path).exists())
            return folder / path, entry
    raise BundleError(f"The manifest of {bundle_id} lists no file of that name. Only listed files are served.", missing=True)


def load_description(folder: Path) -> Manifest | Repository:
    """The manifest of a bundle, or of an ONNX repository of others.

    Raises: ManifestError.
    """
    path = folder / MANIFEST_NAME
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if is_repository(data):
            return parse(data, str(path))
    except LibraryError as error:
        raise ManifestError(str(error)) from error
    except (OSError, ValueError, RecursionError):
        pass  # said by the reader of bundles, in its words
    return load_manifest(folder)


def bundle_folder(models: Path, bundle_id: str) -> Path:
    """The folder of a bundle that has a manifest (valid or not).

    Raises: BundleError.
    """
    folder = models / bundle_id
    # os.path, because Path.is_file raises for a name that is too long for the disk.
    if not is_folder_name(bundle_id) or not os.path.isfile(folder / MANIFEST_NAME):
        raise BundleError(f"There is no bundle of that name in {models}. GET /api/models lists what there is.", missing=True)
    return folder


def is_folder_name(name: str) -> bool:
    """True for what can be the name of a model's folder; those that start with a dot are ours."""
    return is_safe_path(name) and "/" not in name and not name.startswith(".")


def variants(manifest: Manifest | Repository) -> tuple[VariantFacts, ...]:
    """What there is to run, best first. `download_bytes`: the variant's files and the shared ones, each once, no manifest."""
    if isinstance(manifest, Repository):
        sizes = {entry.path: entry.size_bytes for entry in manifest.files}
        graphs = manifest.graphs()
        shared = sizes.keys() - {path for graph in graphs for path in graph.paths}
        return tuple(
            VariantFacts(g.name, g.device, g.requires, sum(sizes[path] for path in {*shared, *g.paths}), None, None, None, False)
            for g in graphs
        )
    return tuple(
        VariantFacts(
            v.name,
            v.device,
            v.requires,
            sum({entry.path: entry.size_bytes for entry in (*manifest.files, *v.files)}.values()),
            v.memory_bytes,
            v.bits_per_weight,
            v.fidelity,
            v.program is not None,
        )
        for v in manifest.variants
    )


def check_file(models: Path, bundle_id: str, path: str) -> str | None:
    """Read one file of a bundle and compare its SHA-256: what is wrong with it, None when nothing is.

    Raises: BundleError for a file that the manifest does not list.
    """
    folder = bundle_folder(models, bundle_id)
    try:
        files = load_description(folder).all_files()
    except ManifestError as error:
        raise BundleError(str(error), missing=False) from error
    for entry in files:
        if entry.path == path:
            return _file_problem(folder, entry, deep=True)
    raise BundleError(f"The manifest of {bundle_id} lists no file of that name.", missing=True)


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
