"""4-bit codes of a decoder's matrices, fitted to the model's own text by GPTQ, layer by layer.

Every input vector counts the same (it is divided by its norm): a small model's first position has activations hundreds of
times larger than all others, and would have its way alone. Then bit_budget.py says where 8 bits go.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from slm_export.bit_budget import WIDENING_SEQUENCES, Head, choose_wide, slopes, spare_bits
from slm_export.checkpoint import Checkpoint
from slm_export.gptq import gptq_blocks
from slm_export.matmuls import Matmul, switchable
from slm_export.memory import map_large_arrays, return_freed_memory
from slm_export.progress import Reporter
from slm_export.quantize import BLOCK, Int4Blocks
from slm_export.row_store import write_rows
from slm_export.self_text import fast_type, self_generated

LAYER_BATCH = 16  # sequences that go through a layer at once
LARGE_ARRAY_BYTES = 16 << 20  # smaller ones come and go so often here that mapping each takes a quarter of the time


def calibrate(
    checkpoint: Checkpoint,
    path: Path,
    reporter: Reporter,
    *,
    exact: Mapping[str, Int4Blocks] = MappingProxyType({}),
    narrow_rare: bool = True,
    widen: bool = True,
) -> None:
    """Fit 4-bit blocks to every matrix of the decoder layers and to rare tokens' rows; write them to `path` (see row_store).

    `exact`, by weight name: blocks that are the source's own weights, bit for bit; they are taken as they are.
    `narrow_rare` and `widen` leave out what comes after GPTQ, for comparison (tests/bench/quantisation.py). A model whose
    layers cannot be run one by one gets an empty file, and is rounded to nearest.
    """
    say = reporter.paced()
    if carried := _all_carried_over(checkpoint, exact):
        reporter.say("  Every matrix of the layers is 4-bit in the source: taken over exactly")
        return write_rows(carried, path)
    map_large_arrays(LARGE_ARRAY_BYTES)
    try:
        tokens = self_generated(checkpoint, say)
        return_freed_memory()
        model = checkpoint.load_model().requires_grad_(False)
        with switchable(model) as layers:
            try:
                blocks = _fit_layers(model, layers, tokens, exact, say)
            except TypeError as error:  # a layer with another calling convention
                reporter.say(f"  The layers of this architecture cannot be calibrated ({error}): plain rounding instead")
                return write_rows([], path)
            return_freed_memory()
            narrow = [matmul for _, found in layers for matmul in found if matmul.name in blocks]
            fitted = [matmul for matmul in narrow if f"{matmul.name}.weight" not in exact]
            say(f"  which matrices 4 bits hurt most: {WIDENING_SEQUENCES} texts")
            ranked, head_hessian = slopes(model, fitted, tokens)
            head = Head(model, tokens if narrow_rare else None)
            wide = choose_wide(ranked, spare_bits(checkpoint.parameters, narrow, head)) if widen else []
            reporter.say(f"  8-bit because 4 bits hurt them most: {len(wide)} of {len(narrow)} matrices{_first_names(wide)}")
            rows = [(matmul.weight.numpy(), blocks[matmul.name]) for matmul in narrow if matmul not in wide]
            if head.rare_rows:
                reporter.say(f"  {head.frequent:,} frequent tokens 8-bit, {head.rare_rows:,} rare ones 4-bit")
                rows.append((head.rare.numpy(), gptq_blocks(head.rare, head_hessian, symmetric=True)))
            write_rows(rows, path, wide=[matmul.weight.numpy() for matmul in wide], frequent=head.frequent)
        del model
    finally:
        map_large_arrays()
        return_freed_memory()


def _fit_layers(
    model: Any, layers: Sequence[tuple[Any, list[Matmul]]], tokens: torch.Tensor, exact: Mapping[str, Int4Blocks], say: Any
) -> dict[str, Int4Blocks]:
    """Blocks of every matrix, by its name; the matrices have them when this returns.

    Raises: TypeError where the layers cannot be run one by one.
    """
    inputs = _layer_inputs(model, layers, tokens)
    blocks: dict[str, Int4Blocks] = {}
    for index, (layer, matmuls) in enumerate(layers):
        say(f"  layer {index + 1} of {len(layers)}: GPTQ on {tokens.numel():,} tokens")
        inputs.advance(layer, index, matmuls, blocks, exact)
    return blocks


def _all_carried_over(checkpoint: Checkpoint, exact: Mapping[str, Int4Blocks]) -> list[tuple[NDArray[np.float32], Int4Blocks]]:
    """Weights and blocks of the layers' matrices where `exact` has them all, else nothing."""
    with switchable(checkpoint.load_model()) as layers:
        found = [matmul for _, matmuls in layers for matmul in matmuls]
        if not all(f"{matmul.name}.weight" in exact for matmul in found):
            return []
        return [(matmul.weight.numpy(), exact[f"{matmul.name}.weight"]) for matmul in found]


def _first_names(matmuls: Sequence[Matmul]) -> str:
    return "".join(f", {matmul.name}" for matmul in matmuls[:3]) + (" …" if len(matmuls) > 3 else "")


class _EnoughError(Exception):
    """Ends a forward pass whose further layers do not matter."""


class _LayerInputs:
    """The hidden states of all sequences at the input of the next layer, float32 [LAYER_BATCH, n, hidden] each."""

    def __init__(self, hidden: list[torch.Tensor], calls: list[tuple[tuple[Any, ...], dict[str, Any]]]) -> None:
        self.hidden = hidden
        self.calls = calls  # per layer: its other arguments, equal for all sequences (positions and masks)

    @torch.no_grad()
    def advance(
        self,
        layer: Any,
        index: int,
        matmuls: Sequence[Matmul],
        blocks: dict[str, Int4Blocks],
        exact: Mapping[str, Int4Blocks],
    ) -> None:
        """Quantise the layer's matrices on what reaches them through the 4-bit layers before, and go behind it."""
        carried = {matmul.name: exact[f"{matmul.name}.weight"] for matmul in matmuls if f"{matmul.name}.weight" in exact}
        blocks.update(carried)
        for matmul, hessian in self._hessians(layer, index, [matmul for matmul in matmuls if matmul.name not in carried]):
            blocks[matmul.name] = gptq_blocks(matmul.weight, hessian)
        for matmul in matmuls:
            if matmul.name in blocks:
                matmul.set_blocks(blocks[matmul.name])
        self.hidden = [self._run(layer, index, hidden) for hidden in self.hidden]

    def _run(self, layer: Any, index: int, hidden: torch.Tensor) -> torch.Tensor:
        arguments, options = self.calls[index]
        with torch.autocast("cpu", fast_type(), enabled=fast_type() != torch.float32):
            output = layer(hidden, *arguments, **options)
        result: torch.Tensor = output[0] if isinstance(output, tuple) else output
        return result

    def _hessians(self, layer: Any, index: int, matmuls: Sequence[Matmul]) -> Iterator[tuple[Matmul, torch.Tensor]]:
        """Σ x xᵀ of each matrix's inputs, each x of norm 1. Matrices that read the same tensor share one sum."""
        sums: dict[str, torch.Tensor] = {}
        sharing: dict[str, str] = {}
        for hidden in self.hidden:
            seen = self._inputs_of(layer, index, matmuls, hidden)
            first = {id(x): name for name, x in reversed(seen.items())}
            for name, x in seen.items():
                owner = sharing.setdefault(name, first[id(x)])
                if owner == name:  # the group's first
                    flat = functional.normalize(x.flatten(0, -2).float(), dim=1)
                    sums[name] = sums[name].addmm_(flat.T, flat) if name in sums else flat.T @ flat
        for matmul in matmuls:
            owner = matmul.group = sharing.get(matmul.name, "")
            if owner in sums and matmul.weight.shape[0] >= BLOCK:  # fewer outputs: an expert router, which stays float
                yield matmul, sums[owner]

    def _inputs_of(self, layer: Any, index: int, matmuls: Sequence[Matmul], hidden: torch.Tensor) -> dict[str, torch.Tensor]:
        seen: dict[str, torch.Tensor] = {}
        with contextlib.ExitStack() as hooks:
            for matmul in matmuls:

                def keep(_: Any, arguments: tuple[torch.Tensor, ...], name: str = matmul.name) -> None:
                    seen[name] = arguments[0]

                hooks.callback(matmul.module.register_forward_pre_hook(keep).remove)
            self._run(layer, index, hidden)
        return seen


@torch.no_grad()
def _layer_inputs(model: Any, layers: Sequence[tuple[Any, Any]], tokens: torch.Tensor) -> _LayerInputs:
    """What reaches the first layer, and with which other arguments each layer is called."""
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
                    if len(hidden) > 1:  # the first batch has shown how the other layers are called
                        raise _EnoughError

            hooks.callback(layer.register_forward_pre_hook(keep, with_kwargs=True).remove)
        for batch in tokens.split(LAYER_BATCH):
            with contextlib.suppress(_EnoughError):
                model(batch, use_cache=False)
    return _LayerInputs(hidden, [calls[index] for index in range(len(layers))])
