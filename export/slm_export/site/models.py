"""The bundles of a site: which variants go in, which files those are, and what each model is for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_export.manifest import FileEntry, Manifest, load_manifest
from slm_export.site.errors import SiteError

_COMPARISON = ("f16", "f32")  # variants for comparisons: large, and chosen by no browser
_REPORT = "report/"


@dataclass(frozen=True, slots=True)
class SiteModel:
    """`manifest` lists only what goes into the site. `hub` is the address of the bundle's folder, None where it is bundled."""

    folder: Path
    manifest: Manifest
    hub: str | None

    @property
    def place(self) -> str:
        """Its folder in the site, with a slash at the end."""
        return f"models/{self.manifest.id}/"

    @property
    def address(self) -> str:
        """Of its manifest, as site.json says it."""
        return f"{self.hub or self.place}manifest.json"

    @property
    def first_visit_bytes(self) -> int:
        """The most that a first visit downloads: what all variants share and the largest of them."""
        return _size(self.manifest.files) + max(_size(variant.files) for variant in self.manifest.variants)

    @property
    def needs_gpu_runtime(self) -> bool:
        return any(variant.device == "webgpu" for variant in self.manifest.variants)

    def can(self, task: str) -> bool:
        """Whether it does `task` of the site: chat, write, grammar, analyse."""
        manifest = self.manifest
        generates = manifest.architecture == "decoder" and any(name in ("chat", "completion") for name in manifest.tasks)
        if task == "grammar":
            return "grammar" in manifest.tasks
        return generates  # the page itself talks to such a model; encoders are its helpers


def read_models(bundles: Sequence[Path], variants: Sequence[str], hub: dict[str, str] | None) -> tuple[SiteModel, ...]:
    """The models of `bundles`. `variants` empty: all but those for comparisons. `hub`: id → folder's address, None: bundled.

    Raises: SiteError for none, a name twice or a variant that no bundle has; ManifestError for a folder that is no bundle.
    """
    if not bundles:
        raise SiteError("No bundle is named. Give the folder of at least one: slm-export site BUNDLE --out DIR.")
    models = tuple(_model(folder, variants, hub) for folder in bundles)
    ids = [model.manifest.id for model in models]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise SiteError(f"Two of the bundles are called {twice[0]}: give each one once, or export one again under another name.")
    known = {variant.name for folder in bundles for variant in load_manifest(folder).variants}
    for name in variants:
        if name not in known:
            raise SiteError(f"No bundle has a variant {name!r}. There are {', '.join(sorted(known))}.")
    for name in hub or ():
        if name not in ids:
            raise SiteError(f"--hub names {name!r}, which is none of the bundles ({', '.join(ids)}).")
    return models


def _model(folder: Path, variants: Sequence[str], hub: dict[str, str] | None) -> SiteModel:
    manifest = load_manifest(folder)
    address = None
    if hub is not None:
        address = hub.get(manifest.id)
        if address is None:
            raise SiteError(f"--weights hub needs the place of {manifest.id}: --hub {manifest.id}=owner/name@commit.")
        if variants:
            raise SiteError("--variants chooses what is copied; with --weights hub nothing is. Leave one of them out.")
        return SiteModel(folder, manifest, address)
    kept = tuple(v for v in manifest.variants if (v.name in variants if variants else v.name not in _COMPARISON))
    if not kept and not variants:
        kept = manifest.variants
    if not kept:
        there = ", ".join(variant.name for variant in manifest.variants)
        raise SiteError(f"{manifest.id} has none of the variants {', '.join(variants)}; it has {there}.")
    shared = tuple(entry for entry in manifest.files if not entry.path.startswith(_REPORT))
    _require_files(folder, manifest.id, [*shared, *(entry for variant in kept for entry in variant.files)])
    return SiteModel(folder, dataclasses.replace(manifest, files=shared, variants=kept), None)


def _require_files(folder: Path, name: str, entries: Sequence[FileEntry]) -> None:
    """Sizes now, so that a broken bundle is told before anything is written; digests are compared while copying."""
    for entry in entries:
        for piece in entry.parts or (entry,):
            path = folder / piece.path
            found = path.stat().st_size if path.is_file() else None
            if found != piece.size_bytes or not path.resolve().is_relative_to(folder.resolve()):
                what = "is missing" if found is None else f"has {found:,} bytes, the manifest says {piece.size_bytes:,}"
                what = what if found != piece.size_bytes else "is a link that leads out of the bundle"
                raise SiteError(f"{name}: {piece.path} {what}. The bundle in {folder} is damaged: export it again.")


def _size(entries: Sequence[FileEntry]) -> int:
    return sum(entry.size_bytes for entry in entries)
