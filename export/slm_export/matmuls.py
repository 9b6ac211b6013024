"""The weight matrices of a PyTorch decoder, each switchable between its float weights and 4-bit codes of them.

One model thus serves as teacher and student. Shapes: weights [N, K] (N outputs), blocks of 32 along K.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from slm_export.quantize import BLOCK, Int4Blocks


class Matmul:
    """One linear module of the model; `blocks` None means float weights."""

    def __init__(self, name: str, module: Any) -> None:
        self.name = name
        self.module = module
        self.blocks: Int4Blocks | None = None
        self.widening: torch.Tensor | None = None  # scalar 0: its gradient says what float weights would change
        self.group = name  # matrices that read the same input have one group
        self.use_codes = True
        self.dtype = torch.float32  # of the product; inputs and outputs keep theirs
        self.float_forward: Callable[[torch.Tensor], torch.Tensor] = module.forward

    @property
    def weight(self) -> torch.Tensor:
        """float32 [N, K]; GPT-2's Conv1D stores the transpose."""
        weight: torch.Tensor = self.module.weight.detach()
        return weight.T if isinstance(self.module, Conv1D) else weight

    def unpacked(self, dtype: torch.dtype) -> torch.Tensor:
        """[N, K] of the 4-bit codes, made anew at each call: only the codes are kept."""
        assert self.blocks is not None
        scales = torch.from_numpy(self.blocks.scales).to(dtype)[..., None]
        weight = torch.from_numpy(self.blocks.values).view(*scales.shape[:2], BLOCK).to(dtype)
        weight.sub_(torch.from_numpy(self.blocks.zero_points)[..., None]).mul_(scales)
        return weight.view(len(weight), -1)[:, : self.weight.shape[1]]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What replaces the module's own forward."""
        if self.blocks is None or not self.use_codes:
            return self.float_forward(x)
        widening = torch.zeros(()) if self.widening is None else self.widening
        output: torch.Tensor = _BlockLinear.apply(x.to(self.dtype), widening, self).to(x.dtype)  # type: ignore[no-untyped-call]
        return output if self.module.bias is None else output + self.module.bias


class _BlockLinear(torch.autograd.Function):
    """y = x · Wᵀ with W = the codes of a Matmul. Weights are unpacked in each direction, never kept.

    `widening` (0) stands for W + widening · (float weight - W): only its gradient is of interest.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, _: torch.Tensor, matmul: Matmul) -> torch.Tensor:
        ctx.save_for_backward(x)
        ctx.matmul = matmul
        return functional.linear(x, matmul.unpacked(x.dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        unpacked = ctx.matmul.unpacked(x.dtype)
        by_input = gradient @ unpacked if ctx.needs_input_grad[0] else None
        by_widening = None
        if ctx.needs_input_grad[1]:
            by_weight = gradient.flatten(0, -2).T @ x.flatten(0, -2)  # [N, K]
            by_widening = (ctx.matmul.weight - unpacked).mul_(by_weight).sum()
        return by_input, by_widening, None


@contextlib.contextmanager
def switchable(model: Any) -> Iterator[list[tuple[Any, list[Matmul]]]]:
    """(layer, its matrices) of all decoder layers of `model`, in order; the model is as before when the block ends."""
    layers = [
        (layer, [Matmul(f"{prefix}.{name}", module) for name, module in layer.named_modules() if _is_matmul(module)])
        for prefix, layer in _decoder_layers(model)
    ]
    matmuls = [matmul for _, found in layers for matmul in found]
    for matmul in matmuls:
        matmul.module.forward = matmul.forward
    try:
        yield layers
    finally:
        for matmul in matmuls:
            del matmul.module.forward


def _is_matmul(module: Any) -> bool:
    return isinstance(module, (torch.nn.Linear, Conv1D))


def _decoder_layers(model: Any) -> list[tuple[str, Any]]:
    """The outermost module list that holds matrices (inner ones are experts)."""
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and any(map(_is_matmul, module.modules())):
            return [(f"{name}.{index}", layer) for index, layer in enumerate(module)]
    return []
