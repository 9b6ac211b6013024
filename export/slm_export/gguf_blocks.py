"""The blocks of a quantised GGUF as they are stored, under Hugging Face's names and in its row order.

A graph that holds the same blocks holds exactly the source's weights: nothing is rounded twice. Block layouts: ggml,
`block_q4_0`, `block_q4_1` and `block_q8_0` (ggml-common.h): 32 weights of one row share a float16 scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGMLQuantizationType, GGUFReader, ReaderTensor
from numpy.typing import NDArray
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.modeling_gguf_pytorch_utils import get_gguf_hf_weights_map

from slm_export.quantize import Int4Blocks

BLOCK_SIZE = 32
_PLAIN_ARCHITECTURES = ("qwen2", "qwen3", "phi3", "falcon", "stablelm", "starcoder2", "gemma2", "gemma3")  # matrices as they are


@dataclass(frozen=True, slots=True)
class Blocks:
    """A weight [N, K] in blocks of 32 along K: weight = scale × (quant − zero_point) + min.

    `quants` [N, K]: uint8 0…15 (`bits` 4) or int8 (8); `scales` and `mins` float16 [N, K / 32], `mins` None where 0.
    """

    bits: int
    quants: NDArray[Any]
    scales: NDArray[np.float16]
    mins: NDArray[np.float16] | None
    zero_point: int

    def dequantise(self) -> NDArray[np.float32]:
        """The weight [N, K], bit for bit as ggml computes it."""
        rows, columns = self.quants.shape
        quants = self.quants.reshape(rows, -1, BLOCK_SIZE).astype(np.float32) - np.float32(self.zero_point)
        weight = quants * self.scales.astype(np.float32)[:, :, None]
        if self.mins is not None:
            weight += self.mins.astype(np.float32)[:, :, None]
        return weight.reshape(rows, columns)


class SourceBlocks(Mapping[str, Blocks]):
    """Hugging Face weight name → its blocks, read from the (memory-mapped) file at each access."""

    def __init__(self, tensors: Mapping[str, ReaderTensor], rotary_heads: Mapping[str, int]) -> None:
        self._tensors = tensors
        self._rotary_heads = rotary_heads

    def __getitem__(self, name: str) -> Blocks:
        tensor = self._tensors[name]
        blocks = _READERS[tensor.tensor_type](tensor)
        heads = self._rotary_heads.get(name)
        return blocks if heads is None else _rotary_halves(blocks, heads)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)


def source_blocks(path: Path, config: Any = None) -> SourceBlocks:
    """The weights that the GGUF file `path` holds as Q4_0, Q4_1 or Q8_0, by the name they have in the PyTorch model.

    Matrices stored otherwise, and whole architectures whose conversion is more than an order of rows, are left out: the
    mapping is empty for them. A tied head is listed once, under the embedding's name. `config` is the transformers config
    of the model, where it is at hand: reading it from the file takes seconds.
    """
    reader = GGUFReader(path)
    field = reader.get_field("general.architecture")
    architecture = str(field.contents()) if field else ""
    if architecture != "llama" and architecture not in _PLAIN_ARCHITECTURES:
        return SourceBlocks({}, {})
    found = [tensor for tensor in reader.tensors if tensor.tensor_type in _READERS]
    if not found:
        return SourceBlocks({}, {})
    config = config or AutoConfig.from_pretrained(path.parent, gguf_file=path.name)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)
    names: Mapping[str, str] = get_gguf_hf_weights_map(model)
    tensors = {names[tensor.name]: tensor for tensor in found if tensor.name in names}
    return SourceBlocks(tensors, _rotary_heads(config, tensors) if architecture == "llama" else {})


def exact_int4(path: Path, config: Any) -> dict[str, Int4Blocks]:
    """By weight name, what ONNX Runtime's 4-bit blocks hold exactly: Q4_0. Q4_1 has float minima, and WebGPU's MatMulNBits
    (ONNX Runtime 1.30) takes whole zero points only."""
    source = source_blocks(path, config)
    return {
        name: Int4Blocks(blocks.quants, blocks.scales, np.full(blocks.scales.shape, blocks.zero_point, np.uint8))
        for name, blocks in source.items()
        if blocks.bits == 4 and blocks.mins is None
    }


def _rotary_heads(config: Any, tensors: Mapping[str, ReaderTensor]) -> dict[str, int]:
    """llama.cpp stores the query and key rows of Llama with rotary pairs side by side: which weights, of how many heads."""
    heads = {"blk.{}.attn_q.weight": config.num_attention_heads, "blk.{}.attn_k.weight": config.num_key_value_heads}
    stored = {form.format(layer): count for form, count in heads.items() for layer in range(config.num_hidden_layers)}
    return {name: stored[tensor.name] for name, tensor in tensors.items() if tensor.name in stored}


def _rotary_halves(blocks: Blocks, heads: int) -> Blocks:
    """Rows from pairs side by side (llama.cpp) to the two halves of a head (Hugging Face)."""
    rows = blocks.quants.shape[0]
    order = np.arange(rows).reshape(heads, rows // heads // 2, 2).swapaxes(1, 2).reshape(-1)
    mins = None if blocks.mins is None else blocks.mins[order]
    return Blocks(blocks.bits, blocks.quants[order], blocks.scales[order], mins, blocks.zero_point)


def _raw(tensor: ReaderTensor, block_bytes: int) -> NDArray[np.uint8]:
    """The stored bytes [N, K / 32, block_bytes]."""
    columns, rows = (int(size) for size in tensor.shape)
    return tensor.data.view(np.uint8).reshape(rows, columns // BLOCK_SIZE, block_bytes)


def _float16(raw: NDArray[np.uint8]) -> NDArray[np.float16]:
    return np.ascontiguousarray(raw).view(np.float16)[..., 0]


def _nibbles(raw: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """16 bytes → 32 weights: the low halves first, then the high ones."""
    return np.concatenate([raw & 15, raw >> 4], axis=-1).reshape(raw.shape[0], -1)


def _q4_0(tensor: ReaderTensor) -> Blocks:
    raw = _raw(tensor, 18)
    return Blocks(4, _nibbles(raw[..., 2:]), _float16(raw[..., :2]), None, 8)


def _q4_1(tensor: ReaderTensor) -> Blocks:
    raw = _raw(tensor, 20)
    return Blocks(4, _nibbles(raw[..., 4:]), _float16(raw[..., :2]), _float16(raw[..., 2:4]), 0)


def _q8_0(tensor: ReaderTensor) -> Blocks:
    raw = _raw(tensor, 34)
    quants = np.ascontiguousarray(raw[..., 2:]).view(np.int8).reshape(raw.shape[0], -1)
    return Blocks(8, quants, _float16(raw[..., :2]), None, 0)


_READERS = {
    GGMLQuantizationType.Q4_0: _q4_0,
    GGMLQuantizationType.Q4_1: _q4_1,
    GGMLQuantizationType.Q8_0: _q8_0,
}
