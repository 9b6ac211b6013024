"""Where the bits of a 4-bit variant go: MAX_BITS_PER_WEIGHT over all that it stores, spread by use.

Tokenizers number tokens by frequency: the rows of embedding and head that text hardly ever needs are 4-bit, and what that
saves keeps the matrices 8-bit whose rounding hurts most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from slm_export.matmuls import Matmul
from slm_export.quantize import BLOCK
from slm_export.variant_recipes import MAX_BITS_PER_WEIGHT

FREQUENT_SHARE = 0.9  # of the model's own text has the tokens whose rows stay 8-bit
MIN_RARE_SHARE = 0.25  # of the vocabulary; fewer rare rows are not worth a table of their own
_NARROW_BITS = 4 + (16 + 4) / BLOCK  # value; scale and zero point of its block
_WIDE_BITS = 8 + 16 / BLOCK
_EMBEDDING_BITS = 8 + 16 / 64
_RARE_BITS = 4 + 16 / BLOCK  # all zero points are 8
_INDEX_BITS = 2 * 32  # of a token where the embedding is in two tables: its row in each
_OVERHEAD_BITS = 0.08  # graph, rotary tables, biases and norms (measured on SmolLM2-135M; less on larger models)


class Head:
    """The output matrix: which of its rows, from token `frequent` on, are `rare`. Without `tokens` (or with too few): none."""

    def __init__(self, model: Any, tokens: torch.Tensor | None) -> None:
        self.weight: torch.Tensor = model.get_output_embeddings().weight.detach()  # float32 [vocabulary, K]
        self.tables = 1 if self.weight.data_ptr() == model.get_input_embeddings().weight.data_ptr() else 2
        self.frequent = len(self.weight) if tokens is None else frequent_tokens(tokens, len(self.weight))

    @property
    def rare(self) -> torch.Tensor:
        return self.weight[self.frequent :]

    @property
    def rare_rows(self) -> int:
        return len(self.weight) - self.frequent

    @property
    def saved_bits(self) -> float:
        """What rare rows of 4 bits save, in the embedding too."""
        index_bits = _INDEX_BITS * len(self.weight) if self.rare_rows else 0
        return self.tables * self.rare.numel() * (_EMBEDDING_BITS - _RARE_BITS) - index_bits


def frequent_tokens(tokens: torch.Tensor, vocabulary: int) -> int:
    """How many of the first token ids make up FREQUENT_SHARE of `tokens` int64 [sequences, n], to whole tiles of 64.

    The whole `vocabulary` where what is left would be too little, as with ids that are not in order of frequency.
    """
    written = tokens[:, 2:].flatten()  # without a start token and the random first one
    share = torch.bincount(written, minlength=vocabulary).cumsum(0) / max(len(written), 1)
    frequent = -(-(int((share < FREQUENT_SHARE).sum()) + 1) // 64) * 64
    return frequent if frequent <= (1 - MIN_RARE_SHARE) * vocabulary else vocabulary


def spare_bits(parameters: int, matmuls: Sequence[Matmul], head: Head) -> float:
    """What MAX_BITS_PER_WEIGHT leaves where all of `matmuls` and the rare rows are 4-bit, and the rest 8-bit."""
    narrow = sum(map(_size, matmuls))
    used_bits = _NARROW_BITS * narrow + _EMBEDDING_BITS * (parameters - narrow) - head.saved_bits
    return (MAX_BITS_PER_WEIGHT - _OVERHEAD_BITS) * parameters - used_bits


def choose_wide(matmuls: Sequence[Matmul], spare_bits: float) -> list[Matmul]:
    """The matrices to keep 8-bit, while bits are left: those first whose slope (slopes.py) falls most steeply per bit.

    Those that read the same input go together, since graphs pack them into one.
    """
    groups: dict[str, list[Matmul]] = {}
    for matmul in matmuls:
        groups.setdefault(matmul.group, []).append(matmul)
    wide: list[Matmul] = []
    for group in sorted(groups.values(), key=lambda group: sum(map(_benefit, group)) / sum(map(_size, group)), reverse=True):
        cost_bits = (_WIDE_BITS - _NARROW_BITS) * sum(map(_size, group))
        if cost_bits <= spare_bits and sum(map(_benefit, group)) > 0:
            spare_bits -= cost_bits
            wide += group
    return wide


def _size(matmul: Matmul) -> int:
    return matmul.weight.numel()


def _benefit(matmul: Matmul) -> float:
    assert matmul.widening is not None
    return 0.0 if matmul.widening.grad is None else -float(matmul.widening.grad)
