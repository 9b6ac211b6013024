"""A decoder's program in PyTorch: what the engine's CPU kernels compute, with their 8-bit activations or without.

Without them it must give the graph's own logits: that proves the program. With them it tells how far rounding the
activations moves the logits of this model, which is what the engine's self-test has to allow.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from slm_export import decoder_program as dp
from slm_export.quantize import BLOCK


def run_program(
    program: dp.Program, folder: Path, tokens: Sequence[int], *, last: int = 1, rounds_activations: bool = False
) -> torch.Tensor:
    """Logits float32 [last, vocabulary] after the last of `tokens`, from position 0; weights are in `folder`.

    With `rounds_activations` the input of every matrix, and the cache, are what the engine's kernels make of them: int8 in
    blocks of 32 with a float scale, and keys of 12 bits and values of 8 with a scale per head.
    """
    run = _Run(program, folder, torch.tensor(tokens), rounds_activations)
    with torch.inference_mode():
        for step in program.steps:
            if isinstance(step, dp.PickRows):
                run.values[step.to] = run.values[step.value][-last:]
            else:
                run.values[step.to] = run.step(step)
    return run.values[program.logits]


# As in web/kernels/quantize.ts: a block's largest number, in root mean squares of the block.
PEAK = 4.5


class _Run:
    """One pass; `values` [tokens, width] by number."""

    def __init__(self, program: dp.Program, folder: Path, tokens: torch.Tensor, rounds: bool) -> None:
        self.program = program
        self.folder = folder
        self.tokens = tokens
        self.rounds = rounds
        self.values: dict[int, torch.Tensor] = {}

    def tensor(self, index: int) -> torch.Tensor:
        """A weight as it is stored."""
        tensor = self.program.tensors[index]
        stored = np.memmap(self.folder / tensor.file, tensor.dtype, "r", tensor.offset, tensor.shape)
        return torch.from_numpy(np.array(stored))

    def matrix(self, values: int, scales: int, rows: torch.Tensor | None = None) -> torch.Tensor:
        """float32 [N, K], or those of its rows."""
        stored, steps = self.tensor(values), self.tensor(scales)
        if rows is not None:
            stored, steps = stored[rows], steps[rows]
        blocks = stored.view(*steps.shape, BLOCK).float() * steps.float()[..., None]
        return blocks.view(stored.shape)

    def part(self, part: dp.Part) -> torch.Tensor:
        return self.values[part.value][:, part.offset : part.offset + part.width]

    def step(self, step: dp.Step) -> torch.Tensor:
        values = self.values
        match step:
            case dp.Embed():
                return self.matrix(step.values, step.scales, self.tokens)
            case dp.AddPositions():
                return values[step.value] + self.tensor(step.table)[: len(self.tokens)]
            case dp.Scale():
                return values[step.value] * step.factor
            case dp.Add():
                return values[step.left] + values[step.right]
            case dp.Multiply():
                return values[step.left] * values[step.right]
            case dp.SoftCap():
                return torch.tanh(values[step.value] / step.limit) * step.limit
            case dp.Activate("silu"):
                return functional.silu(values[step.value])
            case dp.Activate():
                return functional.gelu(values[step.value], approximate="tanh" if step.kind == "gelu_tanh" else "none")
            case dp.Norm():
                return self.norm(step)
            case dp.Linear():
                hidden = values[step.value]
                bias = None if step.bias is None else self.tensor(step.bias)
                return functional.linear(
                    _rounded_input(hidden) if self.rounds else hidden, self.matrix(step.values, step.scales), bias
                )
            case dp.Attention():
                return self.attention(step)
            case dp.PickRows():
                raise AssertionError("run_program does this one")

    def norm(self, step: dp.Norm) -> torch.Tensor:
        grouped = self.part(step.part).unflatten(1, (-1, step.group))
        weight = self.tensor(step.weight)
        if step.kind == "layer":
            bias = None if step.bias is None else self.tensor(step.bias)
            return functional.layer_norm(grouped, (step.group,), weight, bias, step.epsilon).flatten(1)
        return functional.rms_norm(grouped, (step.group,), weight, step.epsilon).flatten(1)

    def attention(self, step: dp.Attention) -> torch.Tensor:
        query, key, value = (
            self.part(part).unflatten(1, (count, step.head_dim)).transpose(0, 1)
            for part, count in ((step.query, step.heads), (step.key, step.kv_heads), (step.value, step.kv_heads))
        )  # [heads, tokens, head_dim]
        if step.cos is not None and step.sin is not None:
            cos, sin = (self.tensor(table)[: len(self.tokens)] for table in (step.cos, step.sin))
            query, key = _turned(query, cos, sin), _turned(key, cos, sin)
        if self.rounds:
            key, value = _rounded(key, step.head_dim, 2047), _rounded(value, step.head_dim, 127)
        shared = step.heads // step.kv_heads
        scores = query @ key.repeat_interleave(shared, 0).transpose(1, 2) * step.scale
        if step.soft_cap:
            scores = torch.tanh(scores / step.soft_cap) * step.soft_cap
        positions = torch.arange(len(self.tokens))
        distance = positions[None] - positions[:, None]  # key - query
        if step.slopes is not None:
            scores = scores + self.tensor(step.slopes).view(-1, 1, 1) * distance
        hidden = (distance > 0) | ((distance <= -step.window) if step.window else False)
        chances = scores.masked_fill(hidden, -torch.inf).softmax(dim=-1)
        mixed: torch.Tensor = chances @ value.repeat_interleave(shared, 0)
        return mixed.transpose(0, 1).flatten(1)


def _turned(heads: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """Rotary positions on the first 2 · r columns of each head; `cos` and `sin` [tokens, r]."""
    half = cos.shape[1]
    left, right, rest = heads[..., :half], heads[..., half : 2 * half], heads[..., 2 * half :]
    return torch.cat([left * cos - right * sin, right * cos + left * sin, rest], dim=-1)


def _rounded_input(hidden: torch.Tensor) -> torch.Tensor:
    """[tokens, K] as int8 in blocks of 32; where one number of a block stands out, what that leaves out is rounded too."""
    blocks = hidden.unflatten(1, (-1, BLOCK))
    stands_out = blocks.abs().amax(dim=2) > PEAK * blocks.square().mean(dim=2).sqrt()
    rounded = _rounded(hidden)
    return torch.where(stands_out.repeat_interleave(BLOCK, 1), rounded + _rounded(hidden - rounded), rounded)


def _rounded(hidden: torch.Tensor, block: int = BLOCK, most: int = 127) -> torch.Tensor:
    """[..., K] as integers in [-most, most] with a scale per block of columns, unpacked again."""
    blocks = hidden.unflatten(-1, (-1, block))
    steps = (blocks.abs().amax(dim=-1, keepdim=True) / most).clamp_min(torch.finfo(torch.float32).tiny)
    rounded: torch.Tensor = (blocks / steps).round() * steps
    return rounded.flatten(-2)
