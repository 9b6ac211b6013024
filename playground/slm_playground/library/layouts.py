"""ONNX repositories of others (transformers.js, optimum): which of their files a model needs, and what can be said of it.

The browser's engine reads the same layouts (`web/src/engine/foreign-folder.ts`); a test holds the two tables against each other.
Such a model lies in the models folder with a manifest of its own kind (`"kind": "onnx-repository"`): a list of files and digests.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from slm_export.manifest import FileEntry, is_safe_path
from slm_playground.library.errors import told

KIND = "onnx-repository"
# Ending of the graph's name → device and what the graph needs, best first.
ENDINGS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "webgpu": (("_q4f16", ("shader-f16",)), ("_q4", ()), ("_fp16", ("shader-f16",)), ("", ())),
    "cpu": (("_quantized", ()), ("_int8", ()), ("_uint8", ()), ("", ()), ("_q4", ())),
}
# Where graphs lie: transformers.js' way, its older one, optimum's.
PLACES = ("onnx/model", "onnx/decoder_model_merged", "model")
_NEEDED = ("config.json", "tokenizer.json", "tokenizer_config.json")
_WELCOME = (
    *("generation_config.json", "chat_template.jinja", "special_tokens_map.json", "1_Pooling/config.json"),
    *("README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"),
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Graph:
    """A variant of a repository: its name as the engine gives it, and its files' paths."""

    name: str
    device: str
    requires: tuple[str, ...]
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in the models folder, as its manifest tells."""

    id: str
    name: str
    licence: str
    family: str
    architecture: str
    context_length: int
    source: dict[str, Any]
    files: tuple[FileEntry, ...]

    def all_files(self) -> tuple[FileEntry, ...]:
        return self.files

    def graphs(self) -> tuple[Graph, ...]:
        return graphs({entry.path for entry in self.files})

    def to_json(self) -> dict[str, Any]:
        files = [{"path": entry.path, "size_bytes": entry.size_bytes, "sha256": entry.sha256} for entry in self.files]
        return {
            "format": 1,
            "kind": KIND,
            "id": self.id,
            "name": self.name,
            "licence": {"id": self.licence},
            "family": self.family,
            "architecture": self.architecture,
            "context_length": self.context_length,
            "source": self.source,
            "files": files,
        }


def graphs(paths: Collection[str]) -> tuple[Graph, ...]:
    """The variants among these files, best first; none where no graph has a name that is known."""
    for place in PLACES:
        found = [
            Graph(f"{device}-{ending[1:] or 'fp32'}", device, requires, files)
            for device, endings in ENDINGS.items()
            for ending, requires in endings
            if (files := _with_weights(f"{place}{ending}.onnx", paths))
        ]
        if found:
            return tuple(found)
    return ()


def _with_weights(graph: str, paths: Collection[str]) -> tuple[str, ...]:
    """A graph and the files of its weights, as they are numbered; nothing where there is no graph."""
    if graph not in paths:
        return ()
    files = [graph]
    while (data := f"{graph}_data{'' if len(files) == 1 else f'_{len(files) - 1}'}") in paths:
        files.append(data)
    return tuple(files)


def shared_paths(paths: Collection[str], where: str) -> tuple[str, ...]:
    """The files that every variant needs.

    Raises: LibraryError where one is missing.
    """
    missing = [name for name in _NEEDED if name not in paths]
    if missing:
        raise told("lacks-file", source=where, path=missing[0])
    return (*_NEEDED, *(name for name in _WELCOME if name in paths))


def facts(config: Mapping[str, Any]) -> tuple[str, str, int]:
    """Family, architecture and context length, as far as config.json says.

    Raises: LibraryError for a kind that the engine cannot run from here.
    """
    inner = {**config, **config["text_config"]} if isinstance(config.get("text_config"), dict) else dict(config)
    named = inner.get("architectures")
    kind = str(named[0]) if isinstance(named, list) and named else ""
    if kind.endswith("ForConditionalGeneration"):
        raise told("needs-export", kind_of_model=kind)
    is_decoder = kind.endswith(("ForCausalLM", "LMHeadModel"))
    length = inner.get("max_position_embeddings") or inner.get("n_positions") or 2048
    return str(inner.get("model_type") or "unknown"), "decoder" if is_decoder else "encoder", int(length)


def parse(data: object, where: str) -> Repository:
    """The manifest of a repository.

    Raises: LibraryError.
    """
    try:
        assert isinstance(data, dict)
        files = tuple(FileEntry(str(f["path"]), int(f["size_bytes"]), str(f["sha256"])) for f in data["files"])
        repository = Repository(
            id=str(data["id"]),
            name=str(data["name"]),
            licence=str(data["licence"]["id"]),
            family=str(data["family"]),
            architecture=str(data["architecture"]),
            context_length=int(data["context_length"]),
            source=dict(data["source"]),
            files=files,
        )
        good = all(is_safe_path(f.path) and f.size_bytes >= 0 and _SHA256.fullmatch(f.sha256) for f in files)
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise told("list-damaged", path=where, said=repr(error)) from error
    if not good or not repository.graphs():
        raise told("list-odd", path=where)
    return repository


def is_repository(data: object) -> bool:
    return isinstance(data, dict) and data.get("kind") == KIND
