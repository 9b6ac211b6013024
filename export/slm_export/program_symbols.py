"""What the inputs of a graph's node are, while the graph is read as a program (program_graph.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import onnx
from onnx import helper

from slm_export.decoder_program import Part, UnknownGraph

Symbol = Any  # one of the classes below, or a constant's NumPy array, or None for what is not known


@dataclass(frozen=True, slots=True)
class Weight:
    """An initializer, perhaps cast to float; `rows`: only the rows of the tokens of this run."""

    name: str
    rows: bool = False


@dataclass(frozen=True, slots=True)
class Turned:
    """A transposed weight."""

    weight: Weight


@dataclass(frozen=True, slots=True)
class Matrix:
    """The unpacked matrix of two weights, as MatMul takes it."""

    values: Symbol
    scales: Symbol


@dataclass(frozen=True, slots=True)
class Known:
    """Integers about this run, by what they are: total, count, first, positions, keys, distance."""

    what: str


@dataclass(frozen=True, slots=True)
class Biases:
    """ALiBi: a tensor of the program · distance."""

    slopes: int


@dataclass(frozen=True, slots=True)
class Activations:
    """A part of a value; `group` is the width of its last dimension (a head's, or the part's own)."""

    part: Part
    group: int


@dataclass(frozen=True, slots=True)
class PositionRows:
    """The rows of a program's tensor at the positions of this run."""

    table: int


@dataclass(frozen=True, slots=True)
class Half:
    """In the middle of a pattern: `sigmoid` of a part, or it `divided` by, or then `capped` to, a number."""

    stage: str
    source: Activations
    number: float = 0.0


INPUTS = {"input_ids": "tokens", "total_sequence_length": "total", "logit_positions": "logit_positions"}
SAME = ("Squeeze", "Cast", "Unsqueeze")  # of integers and of weights: nothing that a program would say
# (operator, what its inputs are) → what its output is
_KNOWN: dict[tuple[str | float | None, ...], str] = {
    ("Shape", "tokens"): "count",
    ("Sub", "total", "count"): "first",
    ("Range", "first", "total", 1): "positions",
    ("Range", 0, "total", 1): "keys",
    ("Sub", "keys", "positions"): "distance",
}


def known(node: onnx.NodeProto, inputs: Sequence[Symbol]) -> Known | None:
    """Integer arithmetic about this run's positions, and what goes through it unchanged."""
    if node.op_type in SAME and isinstance(inputs[0], Known):
        return inputs[0]
    kinds = tuple(symbol.what if isinstance(symbol, Known) else number(symbol) for symbol in inputs)
    what = _KNOWN.get((node.op_type, *kinds))
    return Known(what) if what else None


def activations(symbol: Symbol, node: onnx.NodeProto) -> Activations:
    """Raises: UnknownGraph where `symbol`, an input of `node`, is something else."""
    if not isinstance(symbol, Activations):
        raise unknown(node)
    return symbol


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}


def number(symbol: Symbol) -> float | None:
    """The value of a constant with one element."""
    return symbol.item() if getattr(symbol, "size", 0) == 1 else None


def unknown(node: onnx.NodeProto) -> UnknownGraph:
    return UnknownGraph(f"{node.op_type} ({node.name or node.output[0]})")
