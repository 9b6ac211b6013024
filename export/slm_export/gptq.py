"""GPTQ: 4-bit blocks of one weight matrix, chosen so that its outputs change least on calibration inputs.

Frantar et al. 2022, "GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers" (arXiv
2210.17323). Columns are rounded one after the other, the most used first ("act-order"), and what rounding one column
costs is made good in those that are still open. Scales and zero points of the blocks are fixed before, by a search that
weighs each column as GPTQ does, so that the order of columns does not disturb the blocks ("static groups").
"""

from __future__ import annotations

import torch

from slm_export.quantize import BLOCK, Int4Blocks

DAMPING = 0.01  # share of the mean diagonal that is added to it: the paper's
_LAZY_COLUMNS = 64  # columns rounded before the rest of the matrix hears of them
_SHRINK = (1.0, 0.95, 0.9, 0.85, 0.8, 0.75)  # a smaller range clips the outermost value and is finer for all others
_ROWS = 4096  # rounded at a time: a vocabulary's rows would need eight times their own memory
_SEARCH_ROWS = 64  # searched at a time: what the processor's cache holds
_TINY = 1e-8


@torch.inference_mode()
def gptq_blocks(weight: torch.Tensor, hessian: torch.Tensor, *, symmetric: bool = False) -> Int4Blocks:
    """4-bit blocks of `weight` float32 [N, K]; `hessian` float32 [K, K] is the sum of x xᵀ over calibration inputs x [K].

    `symmetric`: all zero points are 8; scales may then be negative, so that the outermost value has the code 0.
    """
    columns = weight.shape[1]
    padding = -columns % BLOCK
    if padding:
        weight = torch.nn.functional.pad(weight, (0, padding))
    hessian = torch.nn.functional.pad(hessian, (0, padding, 0, padding)).clone()
    diagonal = hessian.diagonal()
    diagonal[diagonal == 0] = diagonal[:columns].mean().clamp(min=_TINY)  # never seen, or padding: rounds by itself
    diagonal += DAMPING * diagonal.mean()
    order = torch.argsort(diagonal, descending=True)
    factor = _inverse_factor(hessian[order][:, order])
    scales, zero_points = _search(weight, diagonal, symmetric=symmetric)
    values = torch.empty(weight.shape, dtype=torch.uint8)
    for start in range(0, len(weight), _ROWS):
        rows = slice(start, start + _ROWS)
        grid = (part[rows].repeat_interleave(BLOCK, dim=1)[:, order] for part in (scales, zero_points))
        values[rows, order] = _round(weight[rows, order], factor, *grid)
    return Int4Blocks(values.numpy(), scales.half().numpy(), zero_points.to(torch.uint8).numpy())


def _inverse_factor(hessian: torch.Tensor) -> torch.Tensor:
    """Upper Cholesky factor of the inverse: row i holds what rounding column i means for the later ones (section 3.3)."""
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(hessian))
    factor: torch.Tensor = torch.linalg.cholesky(inverse, upper=True)
    return factor


def _round(weight: torch.Tensor, factor: torch.Tensor, scales: torch.Tensor, zero_points: torch.Tensor) -> torch.Tensor:
    """uint8 [N, K]: codes 0–15 of the columns, in their order here; `scales` and `zero_points` are [N, K] too.

    Worked on as [K, N], so that a column lies together in memory.
    """
    open_columns, scales, zero_points = weight.T.contiguous(), scales.T.contiguous(), zero_points.T.contiguous()
    codes = torch.empty(open_columns.shape, dtype=torch.uint8)
    for start in range(0, len(open_columns), _LAZY_COLUMNS):
        end = min(start + _LAZY_COLUMNS, len(open_columns))
        block = open_columns[start:end]
        errors, inner = torch.empty_like(block), factor[start:end, start:end]
        for column, (scale, zero_point) in enumerate(zip(scales[start:end], zero_points[start:end], strict=True)):
            code = (block[column] / scale + zero_point).round().clamp(0, 15)
            codes[start + column] = code.to(torch.uint8)
            errors[column] = (block[column] - (code - zero_point) * scale) / inner[column, column]
            block[column + 1 :].addr_(inner[column, column + 1 :], errors[column], alpha=-1)
        open_columns[end:].addmm_(factor[start:end, end:].T, errors, alpha=-1)
    return codes.T


def _search(weight: torch.Tensor, importance: torch.Tensor, *, symmetric: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Scales (rounded to float16) and zero points, both float32 [N, blocks], with the least weighted squared error."""
    weights = importance.reshape(1, -1, BLOCK)
    search = _search_symmetric if symmetric else _search_asymmetric
    parts = [search(_Candidates(rows.reshape(rows.shape[0], -1, BLOCK), weights)) for rows in weight.split(_SEARCH_ROWS)]
    return torch.cat([best.scales for best in parts]), torch.cat([best.zero_points for best in parts])


class _Candidates:
    """The best scales and zero points [N, blocks] of `blocks` [N, blocks, 32] among those that were tried."""

    def __init__(self, blocks: torch.Tensor, weights: torch.Tensor) -> None:
        self.blocks, self.weights = blocks, weights
        self.errors = torch.full(blocks.shape[:2], torch.inf)
        self.scales, self.zero_points = torch.empty_like(self.errors), torch.empty_like(self.errors)

    def offer(self, scales: torch.Tensor, zero_points: torch.Tensor) -> None:
        first, scale = -zero_points[..., None], scales[..., None]
        values = torch.maximum((self.blocks / scale).round_(), first)
        values = torch.minimum(values, first + 15, out=values)
        errors = values.mul_(scale).sub_(self.blocks).square_().mul_(self.weights).sum(dim=2)
        better = errors < self.errors
        self.errors = torch.where(better, errors, self.errors)
        self.scales = torch.where(better, scales, self.scales)
        self.zero_points = torch.where(better, zero_points, self.zero_points)


def _search_asymmetric(best: _Candidates) -> _Candidates:
    """First the width of the range, then where it begins."""
    low, high = best.blocks.amin(dim=2).clamp(max=0), best.blocks.amax(dim=2).clamp(min=0)
    for shrink in _SHRINK:
        scales = ((high - low) / 15 * shrink).half().float().clamp(min=_TINY)
        best.offer(scales, (-low * shrink / scales).round().clamp(0, 15))
    scales, zero_points = best.scales, best.zero_points
    for shift in (-1, 1):
        best.offer(scales, (zero_points + shift).clamp(0, 15))
    return best


def _search_symmetric(best: _Candidates) -> _Candidates:
    outermost = best.blocks.abs().amax(dim=2).clamp(min=8 * _TINY)
    for shrink in _SHRINK:
        for sign in (1, -1):
            scales = (outermost / 8 * shrink * sign).half().float()
            best.offer(torch.where(scales == 0, _TINY, scales), torch.full_like(scales, 8))
    return best
