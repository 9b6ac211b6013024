"""Examples of like length together, so that hardly any padding is computed; the order is drawn from the seed.

Prompts are padded on the left and answers on the right: every answer of a batch then begins in the same column, and the head,
a fifth of a small model, runs over the answers' columns only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch

from slm_export.finetune.encode import Encoded

_POOL_BATCHES = 50  # examples of so many batches are sorted by length at a time
IGNORED = -100  # PyTorch's label of a position without a loss


@dataclass(frozen=True, slots=True)
class Batch:
    """int64 tensors. `tokens`, `mask` and `positions` are [B, P + A]; `answers` [B, A] are the labels, IGNORED where padded."""

    tokens: torch.Tensor
    mask: torch.Tensor
    positions: torch.Tensor
    answers: torch.Tensor

    @property
    def answer_columns(self) -> torch.Tensor:
        """The columns whose logits give the answers: [A], each the one before its token."""
        width, answer = self.tokens.shape[1], self.answers.shape[1]
        return torch.arange(width - answer - 1, width - 1, device=self.tokens.device)

    @property
    def real_tokens(self) -> int:
        """Tokens that are no padding."""
        return int(self.mask.sum())

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        return Batch(*(getattr(self, name).to(device) for name in ("tokens", "mask", "positions", "answers")))


def plan(lengths: Sequence[int], batch_tokens: int, seed: int) -> list[list[int]]:
    """Indices of the examples of each batch of one epoch: at most `batch_tokens` with padding, or one long example."""
    rng = Random(seed)
    order = rng.sample(range(len(lengths)), len(lengths))
    mean = max(1, sum(lengths) // max(len(lengths), 1))
    pool = max(1, _POOL_BATCHES * batch_tokens // mean)
    batches: list[list[int]] = []
    for start in range(0, len(order), pool):
        batch: list[int] = []
        for index in sorted(order[start : start + pool], key=lambda at: lengths[at]):
            if batch and (len(batch) + 1) * lengths[index] > batch_tokens:
                batches.append(batch)
                batch = []
            batch.append(index)
        batches.append(batch)
    rng.shuffle(batches)
    return batches


def collate(examples: Sequence[Encoded], pad: int) -> Batch:
    """One batch of `examples`; `pad` is any token, masked out."""
    prompt = max(len(example.prompt) for example in examples)
    answer = max(len(example.answer) for example in examples)
    tokens = torch.full((len(examples), prompt + answer), pad)
    mask = torch.zeros_like(tokens)
    answers = torch.full((len(examples), answer), IGNORED)
    for row, example in enumerate(examples):
        start, end = prompt - len(example.prompt), prompt + len(example.answer)
        tokens[row, start:end] = torch.tensor((*example.prompt, *example.answer))
        mask[row, start:end] = 1
        answers[row, : len(example.answer)] = torch.tensor(example.answer)
    positions = (mask.cumsum(1) - 1).clamp_min(0)
    return Batch(tokens, mask, positions, answers)
