"""Block quantisation of weight matrices, pure NumPy. A matrix is [N, K]: N outputs, blocks run along K.

Round-to-nearest with scales rounded to float16 first, so that what is stored is what was optimised. Block layout and
zero points are those of ONNX Runtime's MatMulNBits (docs/ContribOperators.md in microsoft/onnxruntime).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCK = 32
_TINY = np.float32(1e-8)


@dataclass(frozen=True, slots=True)
class Int8Blocks:
    """w ≈ values · scales. `values` int8 [N, K], `scales` float16 [N, ⌈K / block⌉]."""

    values: NDArray[np.int8]
    scales: NDArray[np.float16]
    block: int = BLOCK

    def dequantize(self) -> NDArray[np.float32]:
        """float32 [N, K]."""
        columns = self.values.shape[1]
        return self.values.astype(np.float32) * np.repeat(self.scales.astype(np.float32), self.block, axis=1)[:, :columns]


@dataclass(frozen=True, slots=True)
class Int4Blocks:
    """w ≈ (values - zero_points) · scales. `values` uint8 0–15 [N, K'], K' = K padded to whole blocks;
    `scales` float16 and `zero_points` uint8 0–15, both [N, ⌈K / 32⌉]."""

    values: NDArray[np.uint8]
    scales: NDArray[np.float16]
    zero_points: NDArray[np.uint8]

    def packed_values(self) -> NDArray[np.uint8]:
        """uint8 [N, blocks, 16]: two values a byte, the earlier one in the low half."""
        rows = self.values.shape[0]
        pairs = self.values.reshape(rows, -1, BLOCK // 2, 2)
        return np.asarray(pairs[..., 0] | (pairs[..., 1] << 4), np.uint8)

    def packed_zero_points(self) -> NDArray[np.uint8]:
        """uint8 [N, ⌈blocks / 2⌉]: two zero points a byte, rows padded by themselves."""
        rows, blocks = self.zero_points.shape
        padded = np.zeros((rows, blocks + blocks % 2), np.uint8)
        padded[:, :blocks] = self.zero_points
        return np.asarray(padded[:, 0::2] | (padded[:, 1::2] << 4), np.uint8)

    def dequantize(self, columns: int) -> NDArray[np.float32]:
        """float32 [N, columns]."""
        rows, blocks = self.scales.shape
        values = self.values.reshape(rows, blocks, BLOCK).astype(np.float32) - self.zero_points[..., None]
        return (values * self.scales[..., None].astype(np.float32)).reshape(rows, -1)[:, :columns]


def int8_blocks(weight: NDArray[np.float32], block: int = BLOCK) -> Int8Blocks:
    """Symmetric 8-bit blocks of a float32 [N, K] matrix."""
    rows, columns = weight.shape
    blocks = _blocks(weight, block)
    scales = (np.abs(blocks).max(axis=2) / 127).astype(np.float16)
    step = np.maximum(scales.astype(np.float32), _TINY)[..., None]
    values = np.clip(np.rint(blocks / step), -127, 127).astype(np.int8)
    return Int8Blocks(np.ascontiguousarray(values.reshape(rows, -1)[:, :columns]), scales, block)


def int4_blocks(weight: NDArray[np.float32]) -> Int4Blocks:
    """Asymmetric 4-bit blocks of a float32 [N, K] matrix."""
    rows = weight.shape[0]
    blocks = _blocks(weight, BLOCK)
    low = np.minimum(blocks.min(axis=2), 0)
    high = np.maximum(blocks.max(axis=2), 0)
    scales = ((high - low) / 15).astype(np.float16)
    step = np.maximum(scales.astype(np.float32), _TINY)
    zero_points = np.clip(np.rint(-low / step), 0, 15).astype(np.uint8)
    values = np.clip(np.rint(blocks / step[..., None]) + zero_points[..., None], 0, 15).astype(np.uint8)
    return Int4Blocks(values.reshape(rows, -1), scales, zero_points)


def symmetric_int4_blocks(weight: NDArray[np.float32]) -> Int4Blocks:
    """4-bit blocks of a float32 [N, K] matrix, all zero points 8; the outermost value of each block has the code 0.

    The scale is negative where that value is positive, as in Q4_0 of llama.cpp (ggml-quants.c, quantize_row_q4_0_ref).
    """
    rows = weight.shape[0]
    blocks = _blocks(weight, BLOCK)
    outermost = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2, keepdims=True), axis=2)[..., 0]
    scales = (outermost / -8).astype(np.float16)
    step = np.where(scales == 0, _TINY, scales.astype(np.float32))[..., None]
    values = np.clip(np.rint(blocks / step) + 8, 0, 15).astype(np.uint8)
    return Int4Blocks(values.reshape(rows, -1), scales, np.full(scales.shape, 8, np.uint8))


def _blocks(weight: NDArray[np.float32], block: int) -> NDArray[np.float32]:
    """[N, K] → [N, blocks, block], zero-padded at the end of each row."""
    rows, columns = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -columns % block)))
    return padded.reshape(rows, -1, block)
