"""Which tensors a checkpoint holds, read from headers alone: a GGUF's or safetensors' table, never the weights.

Sizes in elements; a matrix is [N, K] as in quantize.py. Needs neither torch nor ONNX.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slm_export.config_file import read_config
from slm_export.errors import SourceError
from slm_export.families import ENCODERS, LANGUAGE_MODELS, MAX_CONTEXT_TOKENS, architecture_of
from slm_export.recipes import BertSizes, LlamaSizes

if TYPE_CHECKING:
    from gguf import GGUFReader

MAX_HEADER_BYTES = 100_000_000  # the limit of the safetensors format itself
# Tables that a checkpoint may carry and a model does not learn: rotary frequencies, GPT-2's masks, position counters.
_BUFFERS = re.compile(r"inv_freq|rope_freqs|masked_bias|position_ids|\.attn\.bias$|attention\.bias$|final_logits_bias")
_EMBEDDING = re.compile(r"embed_tokens|\bwte\b|word_embeddings|token_embd\.|tok_embeddings|(^|\.)shared\.weight")
_HEAD = re.compile(r"lm_head|embed_out|^output\.weight")
_KEPT = re.compile(
    r"router|\.gate\.weight|ffn_gate_inp|position_embd|\bwpe\b|position_embeddings|token_type_embeddings|relative_attention_bias"
    r"|embed_positions"
)
_QKV = re.compile(r"(?<![a-z])(attn_)?[qkv](_proj)?\.weight$")
_OTHER_SENSES = re.compile(r"vision|multi_modal|mm_projector")  # of multimodal models


@dataclass(frozen=True, slots=True)
class Tensor:
    """A learned tensor. `role`: `embedding`, `head`, `layer` (a matrix that is quantised) or `kept` (stays float)."""

    name: str
    shape: tuple[int, ...]
    role: str

    @property
    def elements(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Shapes:
    """What an export's size follows from. `rope_dim` is the width that rotary positions turn, 0 without them."""

    architecture: str
    family: str
    context_length: int
    rope_dim: int
    tensors: tuple[Tensor, ...]

    @property
    def parameters(self) -> int:
        """Learned numbers, a head that is tied to the embedding counted once."""
        return sum(tensor.elements for tensor in self.tensors)

    @property
    def layers(self) -> int:
        """Transformer layers (of encoder and decoder together)."""
        found = (re.match(r"(.*?)\.(\d+)\.", tensor.name) for tensor in self.tensors)
        return len({match.group(0) for match in found if match})

    @property
    def vocab_size(self) -> int:
        """Rows of the embedding (0 without one)."""
        return max((tensor.shape[0] for tensor in self.tensors if tensor.role == "embedding"), default=0)


def classify(tensors: Iterable[tuple[str, tuple[int, ...]]], *, tied: bool) -> tuple[Tensor, ...]:
    """Give every learned tensor its role; query, key and value of a layer become one packed matrix, as in the graph.

    With `tied` a stored copy of the head is left out. Names are those of transformers or of GGUF.
    """
    found: list[Tensor] = []
    packed: dict[str, list[tuple[int, ...]]] = {}
    for name, shape in sorted(tensors):
        if _BUFFERS.search(name):
            continue
        if len(shape) < 2 or _KEPT.search(name):
            found.append(Tensor(name, shape, "kept"))
        elif _EMBEDDING.search(name):
            found.append(Tensor(name, shape, "embedding"))
        elif _HEAD.search(name):
            if not tied:
                found.append(Tensor(name, shape, "head"))
        elif match := _QKV.search(name):
            packed.setdefault(name[: match.start()], []).append(shape)
        else:
            found.append(Tensor(name, (math.prod(shape[:-1]), shape[-1]), "layer"))
    for prefix, parts in packed.items():
        found.append(Tensor(f"{prefix}qkv.weight", (sum(shape[0] for shape in parts), parts[0][-1]), "layer"))
    return tuple(found)


def from_config(config: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...]]]) -> Shapes:
    """Shapes of a Hugging Face checkpoint from its config.json and the names and shapes of its tensors.

    Raises: SourceError where config.json has values that make no sense.
    """
    try:
        return _from_config(config, tensors)
    except (ValueError, TypeError, AttributeError, ZeroDivisionError) as error:
        raise SourceError(f"config.json does not describe a model that can be planned ({error}). Get the model again.") from error


def _from_config(config: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...]]]) -> Shapes:
    text = config.get("text_config") if isinstance(config.get("text_config"), Mapping) else {}
    merged = {**config, **(text or {})}
    heads = int(merged.get("num_attention_heads") or merged.get("n_head") or 1)
    hidden = int(merged.get("hidden_size") or merged.get("n_embd") or merged.get("d_model") or 0)
    head_dim = int(merged.get("head_dim") or hidden // heads)
    has_rope = "rope_theta" in merged or "rope_parameters" in merged
    context = merged.get("max_position_embeddings") or merged.get("n_positions") or merged.get("max_seq_len") or 0
    scaling = merged.get("rope_scaling") or {}
    if isinstance(scaling, Mapping) and scaling.get("rope_type", scaling.get("type")) in ("longrope", "su"):
        context = merged.get("original_max_position_embeddings") or context
    architecture = architecture_of(config)
    tensors = _exported(architecture, config, tensors)
    has_head = any(_HEAD.search(name) for name, _ in tensors)
    return Shapes(
        architecture=architecture,
        family=str(config.get("model_type", "")),
        context_length=min(int(context), MAX_CONTEXT_TOKENS),
        rope_dim=int(head_dim * float(merged.get("partial_rotary_factor") or 1)) if has_rope else 0,
        tensors=classify(tensors, tied=bool(merged.get("tie_word_embeddings", not has_head)) or not has_head),
    )


def _exported(
    architecture: str, config: Mapping[str, Any], tensors: Sequence[tuple[str, tuple[int, ...]]]
) -> list[tuple[str, tuple[int, ...]]]:
    """The tensors that an export reads: no vision tower, no pooler that nothing uses, of a shared embedding's copies one."""
    is_part = config.get("model_type") in LANGUAGE_MODELS
    embedding: tuple[int, ...] | None = None
    found = []
    for name, shape in tensors:
        if (is_part and _OTHER_SENSES.search(name)) or (architecture == "BertModel" and "pooler" in name):
            continue
        if architecture in ENCODERS and _EMBEDDING.search(name):
            if shape == embedding:
                continue
            embedding = shape
        found.append((name, shape))
    return found


def llama_shapes(sizes: LlamaSizes) -> Shapes:
    """Shapes of a known model of Llama's layout."""
    hidden, head_dim = sizes.hidden, sizes.hidden // sizes.heads
    tensors: list[tuple[str, tuple[int, ...]]] = [
        ("model.embed_tokens.weight", (sizes.vocabulary, hidden)),
        ("model.norm.weight", (hidden,)),
    ]
    matrices = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (sizes.kv_heads * head_dim, hidden),
        "self_attn.v_proj": (sizes.kv_heads * head_dim, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (sizes.intermediate, hidden),
        "mlp.up_proj": (sizes.intermediate, hidden),
        "mlp.down_proj": (hidden, sizes.intermediate),
        "input_layernorm": (hidden,),
        "post_attention_layernorm": (hidden,),
    }
    for layer in range(sizes.layers):
        tensors += [(f"model.layers.{layer}.{name}.weight", shape) for name, shape in matrices.items()]
    return Shapes("LlamaForCausalLM", "llama", sizes.context_length, head_dim, classify(tensors, tied=True))


def bert_shapes(sizes: BertSizes) -> Shapes:
    """Shapes of a known model of BERT's layout (two token types, a pooler)."""
    hidden = (sizes.hidden,)
    square = (sizes.hidden, sizes.hidden)
    tensors: list[tuple[str, tuple[int, ...]]] = [
        ("embeddings.word_embeddings.weight", (sizes.vocabulary, sizes.hidden)),
        ("embeddings.position_embeddings.weight", (sizes.context_length, sizes.hidden)),
        ("embeddings.token_type_embeddings.weight", (2, sizes.hidden)),
        *[(f"embeddings.LayerNorm.{part}", hidden) for part in ("weight", "bias")],
        ("pooler.dense.weight", square),
        ("pooler.dense.bias", hidden),
    ]
    linear: dict[str, tuple[int, int]] = {
        **{f"attention.self.{name}": square for name in ("query", "key", "value")},
        "attention.output.dense": square,
        "intermediate.dense": (sizes.intermediate, sizes.hidden),
        "output.dense": (sizes.hidden, sizes.intermediate),
    }
    for layer in range(sizes.layers):
        for name, shape in linear.items():
            tensors += [(f"encoder.layer.{layer}.{name}.weight", shape), (f"encoder.layer.{layer}.{name}.bias", shape[:1])]
        for norm in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors += [(f"encoder.layer.{layer}.{norm}.{part}", hidden) for part in ("weight", "bias")]
    config = {"architectures": ["BertModel"], "model_type": "bert", "max_position_embeddings": sizes.context_length}
    return from_config({**config, "hidden_size": sizes.hidden}, tensors)


def folder_shapes(folder: Path) -> Shapes:
    """Shapes of a Hugging Face folder.

    Raises: SourceError for a missing or damaged config.json or safetensors header, or without safetensors files.
    """
    config = read_config(folder)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise SourceError(f"{folder} has no *.safetensors weights, whose header would tell what an export needs.")
    tensors: dict[str, tuple[int, ...]] = {}
    for file in files:
        tensors.update(safetensors_header(file))
    return from_config(config, list(tensors.items()))


def safetensors_header(file: Path) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a .safetensors file (https://github.com/huggingface/safetensors#format).

    Raises: SourceError where the header is not one, or the file is shorter than its header says.
    """
    try:
        with file.open("rb") as opened:
            (length,) = struct.unpack("<Q", opened.read(8))
            if length > MAX_HEADER_BYTES:
                raise ValueError(f"a header of {length:,} bytes")
            entries = safetensors_entries(json.loads(opened.read(length)))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise SourceError(f"{file} is not a readable safetensors file ({error}). Download it again.") from error
    size, end = file.stat().st_size, max((end for _, end in entries.values()), default=0)
    if size < 8 + length + end:
        raise SourceError(f"{file} is cut short: {size:,} of {8 + length + end:,} bytes are there. Download it again.")
    return {name: shape for name, (shape, _) in entries.items()}


def safetensors_entries(header: Mapping[str, Any]) -> dict[str, tuple[tuple[int, ...], int]]:
    """Name → shape and end of its bytes, counted from the end of the header.

    Raises: KeyError, TypeError, ValueError for a header of another form.
    """
    return {
        name: (tuple(int(size) for size in entry["shape"]), int(entry["data_offsets"][1]))
        for name, entry in header.items()
        if name != "__metadata__"
    }


def open_gguf(path: Path) -> GGUFReader:
    """The metadata and tensor table of a GGUF file; its weights are mapped, not read.

    Raises: SourceError where it is no GGUF, or is cut short.
    """
    from gguf import GGUFReader

    try:
        return GGUFReader(path)
    except (ValueError, IndexError, KeyError, OSError, OverflowError, TypeError) as error:
        raise SourceError(f"{path} cannot be read as a GGUF model: {error}. It may be cut short; download it again.") from error


def gguf_field(reader: GGUFReader, name: str) -> Any:
    """The value of a metadata field; None where there is none."""
    entry = reader.get_field(name)
    return None if entry is None else entry.contents()


def gguf_shapes(path: Path) -> Shapes:
    """Shapes of a GGUF file (its metadata and tensor table are read, the weights are not).

    Raises: SourceError where it is no GGUF, or is cut short.
    """
    reader = open_gguf(path)
    field = partial(gguf_field, reader)
    family = str(field("general.architecture") or "")
    tensors = [(tensor.name, tuple(int(size) for size in reversed(tensor.shape.tolist()))) for tensor in reader.tensors]
    heads = int(field(f"{family}.attention.head_count") or 1)
    head_dim = int(field(f"{family}.attention.key_length") or int(field(f"{family}.embedding_length") or 0) // heads)
    return Shapes(
        architecture=f"{family} (GGUF)",
        family=family,
        context_length=min(int(field(f"{family}.context_length") or 0), MAX_CONTEXT_TOKENS),
        rope_dim=int(field(f"{family}.rope.dimension_count") or (head_dim if field(f"{family}.rope.freq_base") else 0)),
        tensors=classify(tensors, tied=not any(name == "output.weight" for name, _ in tensors)),
    )
