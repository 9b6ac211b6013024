"""4-bit codes of a decoder's matrices, fitted to the model's own text by GPTQ, layer by layer.

Every input vector counts the same (it is divided by its norm): a small model's first position has activations hundreds of
times larger than all others, and would have its way alone. Then bit_budget.py says where 8 bits go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from slm_export.bit_budget import Head, choose_wide, spare_bits
from slm_export.checkpoint import Checkpoint
from slm_export.gptq import gptq_blocks
from slm_export.layer_walk import LayerWalk
from slm_export.matmuls import Matmul, switchable
from slm_export.memory import map_large_arrays, return_freed_memory, trim_heap
from slm_export.progress import Reporter
from slm_export.quantize import Int4Blocks
from slm_export.row_store import write_rows
from slm_export.self_text import self_generated
from slm_export.slopes import WIDENING_SEQUENCES, find_slopes

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
    if exact and (carried := _all_carried_over(checkpoint, exact)):
        reporter.say("  Every matrix of the layers is 4-bit in the source: taken over exactly")
        return write_rows(carried, path)
    map_large_arrays(LARGE_ARRAY_BYTES)
    try:
        tokens = self_generated(checkpoint, say)
        return_freed_memory()
        model = checkpoint.load_model().requires_grad_(False)
        with switchable(model) as layers:
            try:
                walk = LayerWalk(model, layers, tokens, kept_sequences=WIDENING_SEQUENCES)
                _fit_layers(walk, exact, say)
            except TypeError as error:  # a layer with another calling convention
                reporter.say(f"  The layers of this architecture cannot be calibrated ({error}): plain rounding instead")
                return write_rows([], path)
            return_freed_memory()
            narrow = [matmul for _, found in layers for matmul in found if matmul.blocks]
            fitted = [matmul for matmul in narrow if f"{matmul.name}.weight" not in exact]
            say(f"  which matrices 4 bits hurt most: {WIDENING_SEQUENCES} texts")
            head_hessian = find_slopes(model, walk, fitted, tokens)
            trim_heap()
            head = Head(model, tokens if narrow_rare else None)
            wide = choose_wide(fitted, spare_bits(checkpoint.parameters, narrow, head)) if widen else []
            reporter.say(f"  8-bit because 4 bits hurt them most: {len(wide)} of {len(narrow)} matrices{_first_names(wide)}")
            rows = [(matmul.weight.numpy(), matmul.blocks) for matmul in narrow if matmul.blocks and matmul not in wide]
            if head.rare_rows:
                reporter.say(f"  {head.frequent:,} frequent tokens 8-bit, {head.rare_rows:,} rare ones 4-bit")
                rows.append((head.rare.numpy(), gptq_blocks(head.rare, head_hessian, symmetric=True)))
            write_rows(rows, path, wide=[matmul.weight.numpy() for matmul in wide], frequent=head.frequent)
        del model, walk
    finally:
        map_large_arrays()
        return_freed_memory()


def _fit_layers(walk: LayerWalk, exact: Mapping[str, Int4Blocks], say: Callable[[str], None]) -> None:
    """4-bit blocks for every matrix, fitted to what reaches it through the 4-bit layers before."""
    for index, (_, matmuls) in enumerate(walk.layers):
        say(f"  layer {index + 1} of {len(walk.layers)}: GPTQ")
        for matmul, hessian in walk.hessians(index, [matmul for matmul in matmuls if f"{matmul.name}.weight" not in exact]):
            matmul.blocks = gptq_blocks(matmul.weight, hessian)
        for matmul in matmuls:
            matmul.blocks = exact.get(f"{matmul.name}.weight", matmul.blocks)
        walk.advance(index)
        trim_heap()


def _all_carried_over(checkpoint: Checkpoint, exact: Mapping[str, Int4Blocks]) -> list[tuple[NDArray[np.float32], Int4Blocks]]:
    """Weights and blocks of the layers' matrices where `exact` has them all, else nothing."""
    with switchable(checkpoint.load_model()) as layers:
        found = [matmul for _, matmuls in layers for matmul in matmuls]
        if not all(f"{matmul.name}.weight" in exact for matmul in found):
            return []
        return [(matmul.weight.numpy(), exact[f"{matmul.name}.weight"]) for matmul in found]


def _first_names(matmuls: Sequence[Matmul]) -> str:
    return "".join(f", {matmul.name}" for matmul in matmuls[:3]) + (" …" if len(matmuls) > 3 else "")
