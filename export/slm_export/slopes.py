"""What 4 bits cost, matrix by matrix: the slope of KL(float ‖ 4-bit) as float weights are blended in. One backward pass.

Layer by layer from the end: each is run again from the inputs that were kept on the way forward, so that only one layer's
activations are held ("gradient checkpointing", Chen et al. 2016, arXiv 1604.06174).
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch

from slm_export.layer_walk import LayerWalk, add_products
from slm_export.matmuls import Matmul
from slm_export.memory import trim_heap
from slm_export.self_text import fast_type

WIDENING_SEQUENCES = 16


def find_slopes(model: Any, walk: LayerWalk, matmuls: Sequence[Matmul], tokens: torch.Tensor) -> torch.Tensor:
    """Set `widening` of each of `matmuls`; its gradient is the slope, in nats per token summed over WIDENING_SEQUENCES.

    `walk` has gone through all layers and kept their inputs for the first WIDENING_SEQUENCES of `tokens`. Returned: Σ x xᵀ
    float32 [K, K] of what reaches the head, each x of norm 1.
    """
    sums: dict[str, torch.Tensor] = {}
    for matmul in matmuls:
        matmul.widening = torch.zeros((), requires_grad=True)
    with contextlib.ExitStack() as hooks:
        head = model.get_output_embeddings()
        hooks.callback(head.register_forward_pre_hook(lambda _, arguments: add_products(sums, "head", arguments[0])).remove)
        gradients = []
        for index, hidden in enumerate(walk.hidden[: walk.kept_batches]):
            texts = tokens[index * len(hidden) :][: len(hidden)]
            rows = [_at_the_end(model, walk, text[None], end[None]) for text, end in zip(texts, hidden, strict=True)]
            gradients.append(torch.cat(rows))
    for index in reversed(range(len(walk.layers))):
        for matmul in walk.layers[index][1]:
            matmul.use_codes, matmul.dtype = True, fast_type()
        gradients = [_through(walk, index, *pair) for pair in zip(walk.kept.pop(), gradients, strict=True)]
        trim_heap()
    return sums["head"]


def _at_the_end(model: Any, walk: LayerWalk, text: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
    """The gradient of KL in nats per token with respect to `hidden` [1, n, width], the 4-bit layers' output for `text` [1, n].

    With respect to the logits it is softmax - softmax.
    """
    with torch.no_grad():
        _use_codes(walk, False)
        expected = model(text, use_cache=False).logits[0].softmax(dim=-1)
    end = hidden.detach().requires_grad_()
    with walk.ending_in(end):
        logits = model(text, use_cache=False).logits[0]
    logits.backward(logits.detach().softmax(dim=-1).sub_(expected).div_(len(expected)))
    assert end.grad is not None
    return end.grad


def _through(walk: LayerWalk, index: int, hidden: torch.Tensor, gradient: torch.Tensor) -> torch.Tensor:
    """The gradient at the input `hidden` of layer `index`, from that at its output; its matrices' slopes grow on the way."""
    start = hidden.float().requires_grad_()
    walk.run(index, start).backward(gradient)
    assert start.grad is not None
    return start.grad


def _use_codes(walk: LayerWalk, use_codes: bool) -> None:
    for _, matmuls in walk.layers:
        for matmul in matmuls:
            matmul.use_codes, matmul.dtype = use_codes, torch.float32
