"""How large a variant will be, from the shapes of its tensors. Kept in step with variants.py by test_plan.py."""

from __future__ import annotations

from dataclasses import replace

from slm_export.families import ENCODERS
from slm_export.int8_graph import MIN_WEIGHTS
from slm_export.quantize import BLOCK
from slm_export.shapes import Shapes, Tensor
from slm_export.variant_recipes import COARSE_BLOCK, MAX_BITS_PER_WEIGHT, Recipe
from slm_export.weight_file import ALIGNMENT_BYTES, INLINE_BYTES

# Text of the graph, measured on SmolLM2-135M's and the tiny model's variants (it is 0.2 % of a real bundle).
_BYTES_PER_TENSOR = 190
_BYTES_PER_NODE = 240
_NODES_PER_LAYER = 11
_BYTES_PER_ENCODER_LAYER = 30_000  # optimum's graphs, measured on the tiny models; an encoder-decoder's have more nodes
_BYTES_PER_SEQ2SEQ_LAYER = 38_500
_BYTES_PER_UNFOLDED_MATRIX = 800  # Cast, DequantizeLinear, Transpose and their values in the CPU graph


def estimated_bytes(recipe: Recipe, shapes: Shapes) -> int:
    """Bytes on disk of the variant `recipe` of a model with these shapes: weights with their alignment, and the graph."""
    if shapes.architecture in ENCODERS:
        return _encoder_bytes(recipe, shapes)
    if recipe.layer_bits == 4:
        return _within_budget(recipe, shapes)
    return _as_stored(recipe, shapes)


def _within_budget(recipe: Recipe, shapes: Shapes) -> int:
    """A 4-bit variant, which keeps matrices 8-bit as far as its budget goes (bit_budget.py).

    Where even all of them in 4 bits are beyond it, rare tokens' rows save some per cent that only the text can tell.
    """
    half = replace(recipe, float16=True)
    stored, narrow = _as_stored(recipe, shapes), _as_stored(half, shapes)
    return max(narrow, int(MAX_BITS_PER_WEIGHT * shapes.parameters / 8)) + stored - narrow


def _as_stored(recipe: Recipe, shapes: Shapes) -> int:
    stored = [size for tensor in shapes.tensors for size in stored_bytes(recipe, tensor)]
    stored += [shapes.context_length * shapes.rope_dim // 2 * _float_bytes(recipe)] * 2  # cosines and sines
    weights = sum(size if size <= INLINE_BYTES else size + -size % ALIGNMENT_BYTES for size in stored)
    graph = _BYTES_PER_TENSOR * len(stored) + _BYTES_PER_NODE * _NODES_PER_LAYER * shapes.layers
    if recipe.device == "cpu":
        graph += _BYTES_PER_UNFOLDED_MATRIX * sum(tensor.role in ("layer", "head") for tensor in shapes.tensors)
    return weights + graph


def stored_bytes(recipe: Recipe, tensor: Tensor) -> list[int]:
    """Bytes of each array that the variant stores for one tensor: values, scales and zero points, or floats."""
    if tensor.role == "kept" or recipe.layer_bits > 8:
        return [tensor.elements * _float_bytes(recipe)]
    rows, columns = tensor.shape
    is_coarse = recipe.layer_bits == 4 and tensor.role != "layer" and columns % COARSE_BLOCK == 0
    block = COARSE_BLOCK if is_coarse else BLOCK
    blocks = -(-columns // block)
    scales = rows * blocks * (2 if recipe.device == "cpu" else _float_bytes(recipe))
    if recipe.layer_bits == 8 or tensor.role != "layer":
        is_padded = recipe.device != "cpu" and tensor.role != "embedding"  # MatMulNBits wants whole blocks
        return [rows * (blocks * block if is_padded else columns), scales]
    return [rows * blocks * BLOCK // 2, scales, rows * -(-blocks // 2)]


def largest_array_bytes(recipe: Recipe, shapes: Shapes) -> int:
    """Bytes of the largest array that the variant stores: no file can be smaller."""
    return max((size for tensor in shapes.tensors for size in stored_bytes(recipe, tensor)), default=0)


def _encoder_bytes(recipe: Recipe, shapes: Shapes) -> int:
    """Encoders and encoder-decoders: what int8_graph.py makes of them, float32 for everything that it leaves alone."""
    stored = []
    for tensor in shapes.tensors:
        is_matrix = tensor.role != "kept" and tensor.shape[1] % BLOCK == 0 and tensor.elements >= MIN_WEIGHTS
        if recipe.layer_bits == 8 and is_matrix:
            stored += [tensor.elements, 2 * tensor.elements // BLOCK]
        else:
            stored.append(4 * tensor.elements)
    weights = sum(size if size <= INLINE_BYTES else size + -size % ALIGNMENT_BYTES for size in stored)
    is_seq2seq = shapes.architecture.endswith("ForConditionalGeneration")
    return weights + shapes.layers * (_BYTES_PER_SEQ2SEQ_LAYER if is_seq2seq else _BYTES_PER_ENCODER_LAYER)


def _float_bytes(recipe: Recipe) -> int:
    return 2 if recipe.float16 else 4
