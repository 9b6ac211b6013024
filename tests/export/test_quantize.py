"""Block quantisation against plain scalar arithmetic, over odd sizes and extreme values."""

import numpy as np
import pytest

from slm_export.quantize import BLOCK, int4_blocks, int8_blocks

RANDOM = np.random.default_rng(7)
MATRICES = {
    "normal": RANDOM.normal(size=(5, 96)).astype(np.float32),
    "not a multiple of the block": RANDOM.normal(size=(3, 70)).astype(np.float32),
    "one column": RANDOM.normal(size=(4, 1)).astype(np.float32),
    "zeros": np.zeros((2, 64), np.float32),
    "all positive": RANDOM.uniform(1, 2, size=(3, 64)).astype(np.float32),
    "one outlier": np.where(np.arange(64) == 3, 1000, 0.01)[None].astype(np.float32),
    "tiny": np.full((1, 32), 1e-6, np.float32),
}


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
def test_int8_is_within_half_a_step(matrix):
    blocks = int8_blocks(matrix)
    assert blocks.values.shape == matrix.shape
    step = np.repeat(blocks.scales.astype(np.float32), BLOCK, axis=1)[:, : matrix.shape[1]]
    # Half a step, and what rounding the scale to float16 may clip at the end of the range.
    assert (np.abs(matrix - blocks.dequantize()) <= step * 0.5 + np.abs(matrix) * 2**-10 + 1e-6).all()


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
def test_int4_is_within_a_step(matrix):
    blocks = int4_blocks(matrix)
    columns = matrix.shape[1]
    step = np.repeat(blocks.scales.astype(np.float32), BLOCK, axis=1)[:, :columns]
    # Half a step for the value and half for the rounded zero point.
    assert (np.abs(matrix - blocks.dequantize(columns)) <= step * 1.01 + 1e-6).all()


@pytest.mark.parametrize("matrix", MATRICES.values(), ids=MATRICES.keys())
def test_packed_int4_is_read_back_by_a_scalar_decoder(matrix):
    blocks = int4_blocks(matrix)
    values, zero_points = blocks.packed_values(), blocks.packed_zero_points()
    rows, columns = matrix.shape
    decoded = np.empty((rows, columns), np.float32)
    for row in range(rows):
        for column in range(columns):
            block, inside = divmod(column, BLOCK)
            value = (int(values[row, block, inside // 2]) >> (4 * (inside % 2))) & 15
            zero = (int(zero_points[row, block // 2]) >> (4 * (block % 2))) & 15
            decoded[row, column] = np.float32(value - zero) * np.float32(blocks.scales[row, block])
    assert np.array_equal(decoded, blocks.dequantize(columns))


def test_int8_error_is_a_thirty_second_of_int4s():
    matrix = RANDOM.normal(size=(64, 512)).astype(np.float32)
    error8 = np.square(matrix - int8_blocks(matrix).dequantize()).mean()
    error4 = np.square(matrix - int4_blocks(matrix).dequantize(512)).mean()
    assert error8 * 100 < error4
