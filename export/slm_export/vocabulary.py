"""Embedding and head in two tables: frequent tokens' rows 8-bit, rare tokens' rows 4-bit (see bit_budget.py).

The embedding adds up one row of each table. A token that is not in a table has the row of zeros there that each ends
with: that keeps to operators that GPUs have, where comparing 64-bit token ids would run on the CPU. The head multiplies
by both tables, without the zeros, and puts the logits side by side. A matrix that is both is stored once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from slm_export.graph_writer import GraphWriter
from slm_export.quantize import BLOCK, Int4Blocks, Int8Blocks


@dataclass(frozen=True, slots=True)
class SplitRows:
    """Quantised rows [vocabulary, K]: `frequent` ones first, then `rare` ones. K is a multiple of both block sizes.

    Zero points of `rare` are 8, what operators take where none are given: WebGPU's GatherBlockQuantized cannot read packed
    ones (it wants them in the shape of the scales).
    """

    frequent: Int8Blocks
    rare: Int4Blocks

    @property
    def columns(self) -> int:
        return int(self.frequent.values.shape[1])

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.frequent.values), len(self.rare.values)


def write_embedding(graph: GraphWriter, name: str, rows: SplitRows, output: str) -> None:
    """Nodes from `input_ids` to `output` [1, S, K], and the tables, as weights called after `name`."""
    _store(graph, name, rows, zero_rows=1)
    frequent, rare = rows.counts
    in_frequent = np.minimum(np.arange(frequent + rare, dtype=np.int32), frequent)
    in_rare = np.concatenate([np.full(frequent, rare, np.int32), np.arange(rare, dtype=np.int32)])
    parts = []
    for table, indices, bits, block in (("frequent", in_frequent, 8, rows.frequent.block), ("rare", in_rare, 4, BLOCK)):
        stem, part = f"{name}.{table}", f"{output}.{table}"
        at = graph.emit("Gather", [graph.add(f"{stem}.rows", indices), "input_ids"], f"{part}.row")
        parts.append(graph.gather_nbits([f"{stem}.values", at, f"{stem}.scales"], part, bits=bits, block=block))
    graph.emit("Add", parts, output)


def write_head(graph: GraphWriter, name: str, rows: SplitRows, hidden: str, output: str) -> None:
    """Nodes from `hidden` [1, S, K] to `output` [1, S, vocabulary]; tables that the embedding stored are used again."""
    if f"{name}.frequent.values" not in graph.weights:
        _store(graph, name, rows, zero_rows=0)
    (frequent, rare), columns = rows.counts, rows.columns
    parts = []
    for table, count, bits, block in (("frequent", frequent, 8, rows.frequent.block), ("rare", rare, 4, BLOCK)):
        stem, blocks = f"{name}.{table}", columns // block
        inputs = [
            hidden,
            graph.add_view(f"{stem}.head.values", f"{stem}.values", (count, blocks, block * bits // 8)),
            graph.add_view(f"{stem}.head.scales", f"{stem}.scales", (count, blocks)),
        ]
        parts.append(graph.nbits(inputs, f"{output}.{table}", columns, count, bits=bits, block=block))
    graph.emit("Concat", parts, output, axis=-1)


def _store(graph: GraphWriter, name: str, rows: SplitRows, *, zero_rows: int) -> None:
    frequent, rare, end = rows.frequent, rows.rare, ((0, zero_rows), (0, 0))
    graph.add(f"{name}.frequent.values", np.pad(frequent.values.view(np.uint8) ^ 0x80, end, constant_values=0x80))
    graph.add(f"{name}.frequent.scales", np.pad(frequent.scales.astype(graph.dtype), end))
    packed: NDArray[np.uint8] = rare.packed_values().reshape(len(rare.values), -1)
    graph.add(f"{name}.rare.values", np.pad(packed, end))
    graph.add(f"{name}.rare.scales", np.pad(rare.scales.astype(graph.dtype), end))  # 0: whatever the values are
