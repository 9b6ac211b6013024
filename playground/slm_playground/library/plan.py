"""What is at an address: an exported bundle or an ONNX repository, at a fixed revision, with every file's size and digest.

Hub ids and addresses of the hub are listed by its API (`/api/models/{id}/revision/{revision}` and `/tree/{commit}`), which
pins the commit and states SHA-256 of large files; any other address is a folder of files, read by name.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from slm_export.manifest import MANIFEST_NAME, FileEntry, Manifest, ManifestError, is_safe_path, parse_manifest
from slm_playground.library import layouts, web
from slm_playground.library.errors import told
from slm_playground.library.remote import RemoteFile

HUB_VARIABLE = "HF_ENDPOINT"  # as huggingface_hub's
_HUB_ID = re.compile(r"([\w.-]+/[\w.-]+)(?:@([\w./-]+))?")
_HUB_PATH = re.compile(r"/([\w.-]+/[\w.-]+?)(?:/(?:tree|resolve|blob)/([\w.-]+).*)?/?")
_MAX_PAGES = 50


@dataclass(frozen=True, slots=True)
class Part:
    """A variant that can be chosen: its files come on top of the shared ones."""

    name: str
    device: str
    requires: tuple[str, ...]
    paths: tuple[str, ...]
    memory_bytes: int | None
    perplexity_ratio: float | None
    top1_agreement: float | None
    has_program: bool = False
    download_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a download needs; `manifest` is the text of a bundle's own."""

    source: str
    url: str
    revision: str | None
    kind: str
    id: str
    name: str
    licence: str
    family: str
    architecture: str
    context_length: int
    manifest: str | None
    shared: tuple[str, ...]
    parts: tuple[Part, ...]
    files: tuple[RemoteFile, ...]

    def chosen(self, names: list[str] | None) -> Plan:
        """With these variants alone (None: all of them).

        Raises: LibraryError.
        """
        if names is None:
            return self
        parts = tuple(part for part in self.parts if part.name in names)
        if not parts or len(parts) != len(set(names)):
            raise told("other-variants", model=self.name, names=", ".join(part.name for part in self.parts))
        wanted = {*self.shared, *(path for part in parts for path in part.paths)}
        manifest = self.manifest and _with_variants(self.manifest, names)
        return replace(self, parts=parts, manifest=manifest, files=tuple(f for f in self.files if f.path in wanted))

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def from_json(data: dict[str, Any]) -> Plan:
    """The inverse of `to_json`."""
    parts = tuple(Part(**{**part, "requires": tuple(part["requires"]), "paths": tuple(part["paths"])}) for part in data["parts"])
    files = tuple(RemoteFile(**file) for file in data["files"])
    return Plan(**{**data, "shared": tuple(data["shared"]), "parts": parts, "files": files})


def look_up(source: str) -> Plan:
    """What `source` is: `owner/name`, `owner/name@revision`, an address of the hub or of a folder.

    Raises: LibraryError.
    """
    source = source.strip()
    hub = os.environ.get(HUB_VARIABLE, "https://huggingface.co").rstrip("/")
    match = _HUB_ID.fullmatch(source)
    if match:
        return _of_hub(source, hub, match[1], match[2] or "main")
    parts = urlsplit(web.check_address(source))
    if f"{parts.scheme}://{parts.netloc}" == hub and (match := _HUB_PATH.fullmatch(parts.path)):
        return _of_hub(source, hub, match[1], match[2] or "main")
    path = parts.path.removesuffix(MANIFEST_NAME)
    return _of_folder(source, f"{parts.scheme}://{parts.netloc}{path if path.endswith('/') else path + '/'}")


def _of_hub(source: str, hub: str, ref: str, revision: str) -> Plan:
    found = web.read_json(f"{hub}/api/models/{ref}/revision/{quote(revision, safe='')}")
    if not found or not isinstance(found[0], dict) or not isinstance(found[0].get("sha"), str):
        raise told("not-on-hub", 404, hub=hub, ref=ref, revision=revision)
    info, commit = found[0], found[0]["sha"]
    url = f"{hub}/{ref}/resolve/{commit}/"
    files = {file.path: file for file in _listing(f"{hub}/api/models/{ref}/tree/{commit}?recursive=true", url)}
    card = info.get("cardData")
    licence = str(card.get("license", "unknown")) if isinstance(card, dict) else "unknown"
    return _of_files(_Place(source, url, commit, ref.rpartition("/")[2]), files, licence)


def _listing(address: str, url: str) -> list[RemoteFile]:
    """All files of a hub's repository; the API gives them page by page (Link, rel="next")."""
    files: list[RemoteFile] = []
    following: str | None = address
    for _ in range(_MAX_PAGES):
        if following is None:
            return files
        found = web.read_json(following)
        if not found or not isinstance(found[0], list):
            raise told("no-list", 502, url=following)
        files += [_listed(entry, url) for entry in found[0] if isinstance(entry, dict) and entry.get("type") == "file"]
        match = re.search(r'<([^>]+)>;\s*rel="next"', found[1].get("Link", ""))
        following = match[1] if match else None
    raise told("too-many-files", url=address)


def _listed(entry: dict[str, Any], url: str) -> RemoteFile:
    path = str(entry.get("path"))
    if not is_safe_path(path):
        raise told("escaping-file", path=repr(path))
    large = entry.get("lfs")
    if isinstance(large, dict):
        return RemoteFile(path, url + quote(path), int(large["size"]), str(large["oid"]).removeprefix("sha256:"))
    return RemoteFile(path, url + quote(path), int(entry["size"]), git_oid=str(entry["oid"]))


@dataclass(frozen=True, slots=True)
class _Place:
    source: str
    url: str
    revision: str | None
    name: str


def _of_folder(source: str, url: str) -> Plan:
    place = _Place(source, url, None, urlsplit(url).path.rstrip("/").rpartition("/")[2] or urlsplit(url).netloc)
    manifest = web.read_text(url + MANIFEST_NAME)
    if manifest is not None and not manifest[1].get("Content-Type", "").startswith("text/html"):
        return _of_manifest(place, manifest[0])
    raise told("no-model-there", 404, url=url)


def _of_files(place: _Place, files: dict[str, RemoteFile], licence: str) -> Plan:
    if MANIFEST_NAME in files:
        found = web.read_text(files[MANIFEST_NAME].url)
        if found and '"variants"' in found[0]:
            return _of_manifest(place, found[0])
    variants = layouts.graphs(files)
    if not variants:
        raise told("no-graph", source=place.source)
    shared = layouts.shared_paths(files, place.source)
    config = web.read_json(files["config.json"].url)
    family, architecture, context_length = layouts.facts(config[0] if config and isinstance(config[0], dict) else {})
    parts = tuple(Part(g.name, g.device, g.requires, g.paths, None, None, None) for g in variants)
    wanted = {*shared, *(path for part in parts for path in part.paths)}
    return Plan(
        **asdict(place),
        kind=layouts.KIND,
        id=_as_id(place.name),
        licence=licence,
        family=family,
        architecture=architecture,
        context_length=context_length,
        manifest=None,
        shared=shared,
        parts=parts,
        files=tuple(file for path, file in files.items() if path in wanted),
    )


def _of_manifest(place: _Place, text: str) -> Plan:
    data = _parsed(text, place.url)
    if layouts.is_repository(data):
        repository = layouts.parse(data, place.url)
        files = {f.path: _entry_file(place.url, f) for f in repository.files}
        graphs = repository.graphs()
        graph_paths = {path for graph in graphs for path in graph.paths}
        return Plan(
            **asdict(replace(place, name=repository.name)),
            kind=layouts.KIND,
            id=_as_id(repository.id),
            licence=repository.licence,
            family=repository.family,
            architecture=repository.architecture,
            context_length=repository.context_length,
            manifest=None,
            shared=tuple(path for path in files if path not in graph_paths),
            parts=tuple(Part(g.name, g.device, g.requires, g.paths, None, None, None) for g in graphs),
            files=tuple(files.values()),
        )
    try:
        manifest = parse_manifest(text, place.url + MANIFEST_NAME)
    except ManifestError as error:
        raise told("bad-manifest", said=str(error)) from error
    return Plan(
        **asdict(replace(place, name=manifest.name)),
        kind="bundle",
        id=manifest.id,
        licence=manifest.licence.id,
        family=manifest.family,
        architecture=manifest.architecture,
        context_length=manifest.context_length,
        manifest=text,
        shared=tuple(entry.path for entry in manifest.files),
        parts=tuple(_part(manifest, index) for index in range(len(manifest.variants))),
        files=tuple({e.path: _entry_file(place.url, e) for e in manifest.all_files()}.values()),
    )


def _part(manifest: Manifest, index: int) -> Part:
    variant = manifest.variants[index]
    paths = tuple(entry.path for entry in variant.files)
    ratio, agreement = variant.fidelity.perplexity_ratio, variant.fidelity.top1_agreement
    size_bytes = sum(entry.size_bytes for entry in variant.files)
    has_program = variant.program is not None
    requires = tuple(variant.requires)
    return Part(variant.name, variant.device, requires, paths, variant.memory_bytes, ratio, agreement, has_program, size_bytes)


def _entry_file(url: str, entry: FileEntry) -> RemoteFile:
    return RemoteFile(entry.path, url + quote(entry.path), entry.size_bytes, entry.sha256)


def _parsed(text: str, where: str) -> object:
    try:
        data: object = json.loads(text)
    except ValueError as error:
        raise told("manifest-not-json", url=where) from error
    return data


def _with_variants(text: str, names: list[str]) -> str:
    data = json.loads(text)
    data["variants"] = [variant for variant in data["variants"] if variant["name"] in names]
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _as_id(name: str) -> str:
    """A folder's name for a repository's."""
    return re.sub(r"[^a-z0-9._-]", "-", name.lower()).strip("-._")[:100] or "model"
