"""A model of a site: manifest, files with their sizes, licence, card, chat template, and buffers that devices can make."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Iterator, Sequence
from urllib.parse import urljoin, urlsplit

from slm_export.chat_templates import browser_note, require_usable
from slm_export.errors import SourceError
from slm_export.manifest import Manifest, ManifestError, Variant, parse_manifest
from slm_export.site.errors import SiteError
from slm_export.site.finding import Finding, error, warning
from slm_export.site.site_source import MOST_TEXT_BYTES, SiteSource, WebSource
from slm_export.sources import UNKNOWN_LICENCE

# WebGPU's default limits, which every adapter has (https://www.w3.org/TR/webgpu/#limits), and WebAssembly's 32 bits.
_BINDING_BYTES, _BUFFER_BYTES, _HEAP_BYTES = 128 * 2**20, 256 * 2**20, 4 * 2**30
_UNKNOWN = ("", "unknown", "other", "none", "noassertion", UNKNOWN_LICENCE.lower())


def check_model(source: SiteSource, name: str, address: str, pages: Sequence[str]) -> Iterator[Finding]:
    """Everything about the model called `name`, whose manifest is at `address` (a path in the site, or https)."""
    place: SiteSource = source
    if address.startswith("https://"):
        place, address = WebSource(urljoin(address, "./")), posixpath.basename(urlsplit(address).path)
    try:
        text = place.read(address)
    except SiteError as problem:  # a hub, and no network
        yield warning(name, str(problem))
        return
    if text is None:
        yield error(address, f"is not there: {name} cannot be loaded")
        return
    try:
        manifest = parse_manifest(text.decode("utf-8", "replace"), address)
    except ManifestError as problem:
        yield error(address, str(problem))
        return
    folder = address.removesuffix("manifest.json")
    if manifest.id != name:
        yield error(address, f"describes {manifest.id}, and site.json calls it {name}")
    yield from _files(place, folder, manifest)
    yield from _papers(place, folder, manifest, source)
    if manifest.prompts.chat_template is not None:
        yield from _template(place, folder, manifest)
    elif "chat" in pages and "chat" in manifest.tasks:
        yield error(address, "says that the model chats, and names no chat template")
    for variant in manifest.variants:
        yield from _limits(place, folder, variant)


def _files(place: SiteSource, folder: str, manifest: Manifest) -> Iterator[Finding]:
    for entry in manifest.all_files():
        for piece in entry.parts or (entry,):
            size_bytes = place.size_bytes(folder + piece.path)
            if size_bytes is None and piece.path != manifest.licence.file:  # that is a matter of _papers
                yield error(folder + piece.path, "is not there, and the manifest lists it")
            elif size_bytes not in (None, -1, piece.size_bytes):
                yield error(folder + piece.path, f"has {size_bytes:,} bytes, the manifest says {piece.size_bytes:,}")


def _papers(place: SiteSource, folder: str, manifest: Manifest, site: SiteSource) -> Iterator[Finding]:
    licence = folder + manifest.licence.file
    if manifest.licence.id.lower() in _UNKNOWN:
        yield error(
            folder + "manifest.json", f"the licence is {manifest.licence.id!r}: nobody knows what they may do with the model"
        )
    if not place.size_bytes(licence):
        yield error(licence, "is missing or empty: the licence must go with the model")
    for path in (f"models/{manifest.id}/card.html",):
        if not site.size_bytes(path):
            yield error(path, "is missing: the model has no card")


def _template(place: SiteSource, folder: str, manifest: Manifest) -> Iterator[Finding]:
    path = f"{folder}{manifest.prompts.chat_template}"
    content = place.read(path)
    if content is None:
        return  # _files says so
    template = content.decode("utf-8", "replace")
    config = place.read(f"{folder}tokenizer_config.json")
    try:
        from slm_export.golden import special_tokens

        require_usable(template, special_tokens(json.loads(config) if config else {}), manifest.id)
        note = browser_note(template)
    except (SourceError, ValueError) as problem:
        yield error(path, f"is no template for this model: {problem}")
        return
    if note:
        yield warning(path, note.removeprefix("Warning: "))
    yield from _markers(place, folder, path, template)


def _markers(place: SiteSource, folder: str, path: str, template: str) -> Iterator[Finding]:
    """A template of another model writes markers that this tokenizer does not know and cuts into letters."""
    written = set(re.findall(r"<\|[A-Za-z0-9_]+\|>|<(?:start|end)_of_turn>|\[/?INST\]", template))
    content = place.read(f"{folder}tokenizer.json") if written else None
    if content is None:
        return
    try:
        tokenizer = json.loads(content)
        known = {token.get("content") for token in tokenizer.get("added_tokens") or ()} | set(
            tokenizer["model"].get("vocab") or ()
        )
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        yield error(f"{folder}tokenizer.json", f"cannot be read ({problem})")
        return
    missing = sorted(written - known)
    if missing:
        yield error(path, f"writes {', '.join(missing)}, which the tokenizer does not know: it is the template of another model")


def _limits(place: SiteSource, folder: str, variant: Variant) -> Iterator[Finding]:
    graph = folder + variant.graph
    heap_bytes = sum(entry.size_bytes for entry in variant.files)
    if variant.device == "cpu" and heap_bytes > _HEAP_BYTES:
        yield error(graph, f"{variant.name} has {heap_bytes / 1e9:.1f} GB, more than WebAssembly's 4 GB: no browser can load it")
    sizes = {folder + entry.path: entry.size_bytes for entry in variant.files if not entry.parts}
    is_readable = variant.device == "webgpu" and sizes.get(graph, MOST_TEXT_BYTES) < MOST_TEXT_BYTES
    content = place.read(graph) if is_readable else None
    largest = _largest_tensor(content) if content else None
    if largest is None:
        return
    name, size_bytes = largest
    if size_bytes > _BUFFER_BYTES:
        yield error(graph, f"the tensor {name} has {size_bytes / 2**20:.0f} MiB; WebGPU promises buffers of 256 MiB only")
    elif size_bytes > _BINDING_BYTES:
        yield warning(
            graph,
            f"the tensor {name} has {size_bytes / 2**20:.0f} MiB; WebGPU promises bindings of 128 MiB, larger ones are usual",
        )


def _largest_tensor(graph: bytes) -> tuple[str, int] | None:
    """Name and bytes of the largest weight; the file with the weights themselves is not needed."""
    import onnx

    try:
        model = onnx.load_from_string(graph)
    except Exception:  # protobuf's own errors have no common class; a damaged graph is told by its digest
        return None
    sizes = {
        tensor.name: math.prod(tensor.dims) * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        for tensor in model.graph.initializer
    }
    return max(sizes.items(), key=lambda item: item[1]) if sizes else None
