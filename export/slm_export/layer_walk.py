"""A text's way through a decoder, layer by layer: what reaches each layer and each of its matrices.

One layer at a time holds activations, and its weights are unpacked once for many texts.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch.nn import functional

from slm_export.matmuls import Matmul
from slm_export.quantize import BLOCK
from slm_export.self_text import fast_type

LAYER_BATCH = 16  # sequences that go through a layer at once

Layers = Sequence[tuple[Any, Sequence[Matmul]]]  # a module and its matrices


class LayerWalk:
    """The hidden states of all sequences between two layers: `hidden`, float32 [LAYER_BATCH, n, width] each.

    The first `kept_sequences` of them are kept at the input of every layer, as `kept`, in the type of the arithmetic.
    """

    def __init__(self, model: Any, layers: Layers, tokens: torch.Tensor, *, kept_sequences: int) -> None:
        """Goes before the first layer.

        Raises: TypeError where the layers cannot be run one by one.
        """
        self.layers = layers
        self.hidden, self.calls = _first_inputs(model, layers, tokens)  # calls: each layer's other arguments (positions, masks)
        self.kept_batches = kept_sequences // LAYER_BATCH
        self.kept: list[list[torch.Tensor]] = []
        self.returns_tuple = False

    def run(self, index: int, hidden: torch.Tensor) -> torch.Tensor:
        """The output of layer `index`; all of `hidden` is one batch."""
        arguments, options = self.calls[index]
        output = self.layers[index][0](hidden, *arguments, **options)
        self.returns_tuple = isinstance(output, tuple)
        result: torch.Tensor = output[0] if self.returns_tuple else output
        return result

    @torch.no_grad()
    def advance(self, index: int) -> None:
        """Go through layer `index` as it is now."""
        self.kept.append([hidden.to(fast_type()) for hidden in self.hidden[: self.kept_batches]])
        self.hidden = [self._fast(index, hidden) for hidden in self.hidden]

    @torch.no_grad()
    def hessians(self, index: int, matmuls: Sequence[Matmul]) -> Iterator[tuple[Matmul, torch.Tensor]]:
        """Σ x xᵀ of the inputs of each of `matmuls` of layer `index`, each x of norm 1.

        Matrices that read the same tensor share one sum, and are given one `group`.
        """
        sums: dict[str, torch.Tensor] = {}
        sharing: dict[str, str] = {}
        for hidden in self.hidden:
            seen = self._inputs_of(index, matmuls, hidden)
            first = {id(x): name for name, x in reversed(seen.items())}
            for name, x in seen.items():
                owner = sharing.setdefault(name, first[id(x)])
                if owner == name:  # the group's first
                    add_products(sums, name, x)
        for matmul in matmuls:
            owner = matmul.group = sharing.get(matmul.name, "")
            if owner in sums and matmul.weight.shape[0] >= BLOCK:  # fewer outputs: an expert router, which stays float
                yield matmul, sums[owner]

    @contextlib.contextmanager
    def ending_in(self, hidden: torch.Tensor) -> Iterator[None]:
        """While this is open, every layer does nothing and gives `hidden`: only what follows the layers is computed."""
        output = (hidden,) if self.returns_tuple else hidden
        for layer, _ in self.layers:
            layer.forward = lambda *_, **__: output
        try:
            yield
        finally:
            for layer, _ in self.layers:
                del layer.forward

    def _fast(self, index: int, hidden: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", fast_type(), enabled=fast_type() != torch.float32):
            return self.run(index, hidden)

    def _inputs_of(self, index: int, matmuls: Sequence[Matmul], hidden: torch.Tensor) -> dict[str, torch.Tensor]:
        seen: dict[str, torch.Tensor] = {}
        with contextlib.ExitStack() as hooks:
            for matmul in matmuls:

                def keep(_: Any, arguments: tuple[torch.Tensor, ...], name: str = matmul.name) -> None:
                    seen[name] = arguments[0]

                hooks.callback(matmul.module.register_forward_pre_hook(keep).remove)
            self._fast(index, hidden)
        return seen


def add_products(sums: dict[str, torch.Tensor], name: str, x: torch.Tensor) -> None:
    """Add Σ x xᵀ float32 [K, K] of the vectors x [..., K], each divided by its norm, to `sums[name]`."""
    flat = functional.normalize(x.detach().flatten(0, -2).float(), dim=1)
    sums[name] = sums[name].addmm_(flat.T, flat) if name in sums else flat.T @ flat


class _EnoughError(Exception):
    """Ends a forward pass whose further layers do not matter."""


@torch.no_grad()
def _first_inputs(
    model: Any, layers: Layers, tokens: torch.Tensor
) -> tuple[list[torch.Tensor], list[tuple[tuple[Any, ...], dict[str, Any]]]]:
    """What reaches the first layer, and with which other arguments, equal for all sequences, each layer is called."""
    hidden: list[torch.Tensor] = []
    calls: dict[int, tuple[tuple[Any, ...], dict[str, Any]]] = {}
    if not layers:
        raise TypeError("no list of layers was found")
    with contextlib.ExitStack() as hooks:
        for index, (layer, _) in enumerate(layers):

            def keep(_: Any, arguments: tuple[Any, ...], options: dict[str, Any], index: int = index) -> None:
                if not arguments:
                    raise TypeError("hidden states are not its first argument")
                calls[index] = (arguments[1:], options)
                if index == 0:
                    hidden.append(arguments[0])
                if len(calls) == len(layers):  # how they are called the first batch has shown; logits would take the most memory
                    raise _EnoughError

            hooks.callback(layer.register_forward_pre_hook(keep, with_kwargs=True).remove)
        for batch in tokens.split(LAYER_BATCH):
            with contextlib.suppress(_EnoughError):
                model(batch, use_cache=False)
    return hidden, [calls[index] for index in range(len(layers))]
