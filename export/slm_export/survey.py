"""What is known of a source before anything of it is downloaded or loaded: its tensors' shapes and what must be fetched.

A repository's config.json and the headers of its safetensors files come by HTTP ranges; weights stay where they are.
Nothing is written.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.adapter import WEIGHTS_NAME, read_adapter
from slm_export.config_file import parse_config, read_config
from slm_export.errors import SourceError
from slm_export.families import refuse_closed, require_supported
from slm_export.hub import HubFile, choose_weights, endpoint, explained, list_files, refuse_remote_code
from slm_export.options import ExportOptions
from slm_export.recipes import RECIPES, LlamaSizes, Recipe
from slm_export.shapes import (
    MAX_HEADER_BYTES,
    Shapes,
    Tensor,
    bert_shapes,
    folder_shapes,
    from_config,
    gguf_shapes,
    llama_shapes,
    safetensors_entries,
)
from slm_export.sources import hub_folder, is_hub_id, require_config, require_meaningful_revision, unknown_source

_FIRST_BYTES = 100_000  # enough for the headers of most files, so that one request does
_BYTES_OF_TYPE = {"float32": 4, "float16": 2, "bfloat16": 2}
_NO_HEADERS = "the weights are pickles, which have no headers: sizes follow from file sizes and config.json, and may be off"


@dataclass(frozen=True, slots=True)
class Survey:
    """`download_bytes` is what is not on this disk yet; `revision` the commit that a branch or tag stands for now."""

    name: str
    shapes: Shapes
    download_bytes: int = 0
    revision: str | None = None
    adapter_bytes: int = 0
    notes: tuple[str, ...] = ()


def survey(source: str, downloads: Path, options: ExportOptions) -> Survey:
    """Look at a source of any kind.

    Raises: SourceError as sources.resolve does, for what can be told without its weights.
    """
    found = _survey(source, downloads, options)
    if options.adapter is None:
        return found
    read_adapter(options.adapter)
    size_bytes = (options.adapter / WEIGHTS_NAME).stat().st_size
    return Survey(found.name, found.shapes, found.download_bytes, found.revision, size_bytes, found.notes)


def _survey(source: str, downloads: Path, options: ExportOptions) -> Survey:
    require_meaningful_revision(source, options.revision)
    if source in RECIPES:
        return _known(RECIPES[source], downloads)
    path = Path(source).expanduser()
    if path.is_file() and path.suffix == ".gguf":
        return Survey(path.stem, gguf_shapes(path))
    if path.is_dir():
        return _folder(path, options)
    refuse_closed(source)
    if not path.exists() and is_hub_id(source):
        return _repository(source, hub_folder(source, downloads), options)
    if path.exists():
        raise SourceError(f"{source} is neither a .gguf file nor a folder with config.json, so there is nothing to plan.")
    raise unknown_source(source)


def _known(recipe: Recipe, downloads: Path) -> Survey:
    file = recipe.source
    here, wheel = file.place(downloads), downloads / file.wheel
    fetched = file.wheel_size_bytes if not (here.is_file() or wheel.is_file()) else 0
    sizes = recipe.sizes
    if here.is_file():
        shapes = gguf_shapes(here) if file.folder is None else folder_shapes(here.parent)
    else:
        shapes = llama_shapes(sizes) if isinstance(sizes, LlamaSizes) else bert_shapes(sizes)
    return Survey(recipe.id, shapes, fetched, revision=file.requirement.partition("==")[2])


def _folder(folder: Path, options: ExportOptions) -> Survey:
    require_config(folder)
    config = read_config(folder)
    refuse_remote_code(config, folder.name)
    require_supported(config)
    weights = choose_weights([file.name for file in folder.iterdir()], str(folder), allow_pickle=options.allow_pickle)
    if weights[0].endswith(".bin"):
        size_bytes = sum((folder / name).stat().st_size for name in weights)
        return Survey(folder.resolve().name, pickle_shapes(config, size_bytes), notes=(_NO_HEADERS,))
    return Survey(folder.resolve().name, folder_shapes(folder))


def _repository(ref: str, target: Path, options: ExportOptions) -> Survey:
    from huggingface_hub.errors import HFValidationError
    from requests.exceptions import RequestException

    try:
        commit, files = list_files(ref, options.revision, allow_pickle=options.allow_pickle)
        sizes = {file.name: file.size_bytes or 0 for file in files}
        if "config.json" not in sizes:
            raise SourceError(f"{ref} has no config.json: not a Hugging Face model. Choose another repository.")
        config = parse_config(_get(ref, commit, "config.json").decode("utf-8", "replace"), f"config.json of {ref}")
        refuse_remote_code(config, ref)
        require_supported(config)
        weights = choose_weights([name for name in sizes if "/" not in name], ref, allow_pickle=options.allow_pickle)
        if weights[0].endswith(".bin"):
            shapes = pickle_shapes(config, sum(sizes[name] for name in weights))
        else:
            tensors = {name: shape for file in weights for name, shape in _remote_header(ref, commit, file).items()}
            shapes = from_config(config, list(tensors.items()))
    except (OSError, RequestException, HFValidationError) as error:
        raise explained(error, ref, options.revision, target) from error
    notes = (_NO_HEADERS,) if weights[0].endswith(".bin") else ()
    return Survey(ref, shapes, _missing_bytes(files, target), commit, notes=notes)


def _missing_bytes(files: list[HubFile], target: Path) -> int:
    def is_here(file: HubFile) -> bool:
        path = target / file.name
        return path.is_file() and path.stat().st_size == file.size_bytes

    return sum(file.size_bytes or 0 for file in files if not is_here(file))


def _remote_header(ref: str, commit: str, name: str) -> Mapping[str, tuple[int, ...]]:
    start = _get(ref, commit, name, _FIRST_BYTES)
    try:
        (length,) = struct.unpack("<Q", start[:8])
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"a header of {length:,} bytes")
        whole = start if len(start) >= 8 + length else _get(ref, commit, name, 8 + length)
        return {entry: shape for entry, (shape, _) in safetensors_entries(json.loads(whole[8 : 8 + length])).items()}
    except (ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise SourceError(
            f"{name} of {ref} is not a readable safetensors file ({error}). Choose another repository or revision."
        ) from error


def _get(ref: str, commit: str, name: str, count: int | None = None) -> bytes:
    """The first `count` bytes of a file of the repository, or all of it."""
    from huggingface_hub import get_session, hf_hub_url
    from huggingface_hub.utils._headers import build_hf_headers
    from huggingface_hub.utils._http import hf_raise_for_status

    url = hf_hub_url(ref, name, revision=commit, endpoint=endpoint())
    headers = build_hf_headers() | ({} if count is None else {"Range": f"bytes=0-{count - 1}"})
    with get_session().get(url, headers=headers, stream=True, timeout=60) as response:
        hf_raise_for_status(response)
        if count is None:
            return bytes(response.content)
        return bytes(response.raw.read(count, decode_content=True))  # a server that ignores ranges would send gigabytes


def pickle_shapes(config: Mapping[str, Any], size_bytes: int) -> Shapes:
    """An estimate where no header tells: as many numbers as the files have room for, all of them in matrices."""
    text = {**config, **(config.get("text_config") or {})}
    width = int(text.get("hidden_size") or text.get("n_embd") or text.get("d_model") or 32)
    numbers = size_bytes // _BYTES_OF_TYPE.get(str(text.get("torch_dtype") or text.get("dtype")), 4)
    embedding = (int(text.get("vocab_size") or 1), width)
    rows = max(numbers - math.prod(embedding), 0) // width
    known = from_config(config, [("embed_tokens.weight", embedding)])
    layer = Tensor("layers.0.weight", (rows, width), "layer")
    return Shapes(known.architecture, known.family, known.context_length, known.rope_dim, (*known.tensors, layer))
