"""What one step of a decoder computes, as a list of a dozen kinds of steps: `program.json` beside a CPU variant's graph.

The engine's own CPU kernels run from it (web/src/engine/program/). It is read off the ONNX graph that was written, node by
node (program_graph.py), so it cannot disagree with it; a graph with anything in it that is not known here gets no program,
and the engine runs it through ONNX Runtime.

Values are numbered; value v holds `widths[v]` float32 per token. A Part is columns [offset, offset + width) of a value.
Matrices are int8 [N, K] with float16 scales [N, K / 32]; other tensors float32. Where they lie, `tensors` says: `file` is
relative to the program, `offset` in bytes, a multiple of 256.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from onnx import TensorProto

PROGRAM_NAME = "program.json"
VERSION = 1
DTYPES: dict[int, str] = {TensorProto.INT8: "int8", TensorProto.FLOAT16: "float16", TensorProto.FLOAT: "float32"}


class UnknownGraph(Exception):
    """The graph has something that a program cannot say; the message names it."""


@dataclass(frozen=True, slots=True)
class Part:
    """Columns [offset, offset + width) of a value."""

    value: int
    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class Embed:
    """to [width] = the token's row of the matrix (`values`, `scales`)."""

    values: int
    scales: int
    to: int
    op: Literal["embed"] = "embed"


@dataclass(frozen=True, slots=True)
class AddPositions:
    """to = value + row of `table` [positions, width] at the token's position."""

    value: int
    table: int
    to: int
    op: Literal["add_positions"] = "add_positions"


@dataclass(frozen=True, slots=True)
class Scale:
    """to = value · factor."""

    value: int
    factor: float
    to: int
    op: Literal["scale"] = "scale"


@dataclass(frozen=True, slots=True)
class Norm:
    """RMS norm (`rms`, no bias) or layer norm over each `group` columns of `part`, times `weight` [group], plus `bias`."""

    kind: Literal["rms", "layer"]
    part: Part
    group: int
    weight: int
    bias: int | None
    epsilon: float
    to: int
    op: Literal["norm"] = "norm"


@dataclass(frozen=True, slots=True)
class Linear:
    """to [N] = matrix [N, K] · value [K] + bias [N]."""

    value: int
    values: int
    scales: int
    bias: int | None
    to: int
    op: Literal["linear"] = "linear"


@dataclass(frozen=True, slots=True)
class Attention:
    """Causal attention over the cache of `layer`, after the new keys and values went into it.

    Key heads are shared by heads / kv_heads query heads each. Scores are scale · q·k, then soft_cap · tanh(score / soft_cap)
    where that is not 0, plus slope[head] · (key position - query position) where `slopes` [heads] is given. A `window` of
    w > 0 lets a position see itself and the w - 1 before it. `cos` and `sin` [positions, r / 2] turn the first r columns
    of every query and key head, column i with column i + r / 2; None where the layer knows no positions.
    """

    layer: int
    query: Part
    key: Part
    value: Part
    heads: int
    kv_heads: int
    head_dim: int
    scale: float
    soft_cap: float
    window: int
    cos: int | None
    sin: int | None
    slopes: int | None
    to: int
    op: Literal["attention"] = "attention"


@dataclass(frozen=True, slots=True)
class Add:
    """to = left + right."""

    left: int
    right: int
    to: int
    op: Literal["add"] = "add"


@dataclass(frozen=True, slots=True)
class Multiply:
    """to = left · right, column by column."""

    left: int
    right: int
    to: int
    op: Literal["multiply"] = "multiply"


@dataclass(frozen=True, slots=True)
class Activate:
    """to = the activation of value: x · sigmoid(x), x · Φ(x), or the tanh approximation of the latter."""

    kind: Literal["silu", "gelu", "gelu_tanh"]
    value: int
    to: int
    op: Literal["activate"] = "activate"


@dataclass(frozen=True, slots=True)
class SoftCap:
    """to = limit · tanh(value / limit)."""

    value: int
    limit: float
    to: int
    op: Literal["soft_cap"] = "soft_cap"


@dataclass(frozen=True, slots=True)
class PickRows:
    """to = value, for those tokens only whose logits are wanted; steps after this one run for them alone."""

    value: int
    to: int
    op: Literal["pick_rows"] = "pick_rows"


Step = Embed | AddPositions | Scale | Norm | Linear | Attention | Add | Multiply | Activate | SoftCap | PickRows


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    file: str
    offset: int
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """`logits` is the value that holds the result."""

    version: int
    tensors: tuple[Tensor, ...]
    widths: tuple[int, ...]
    steps: tuple[Step, ...]
    logits: int


def write_program(folder: Path, graph: str) -> bool:
    """Write the program of `folder`/`graph` beside it; False, and no file, where the graph cannot be said."""
    from slm_export.program_graph import read_program

    try:
        program = read_program(onnx.load(folder / graph, load_external_data=False))
    except UnknownGraph:
        return False
    (folder / PROGRAM_NAME).write_text(to_json(program), encoding="utf-8")
    return True


def to_json(program: Program) -> str:
    """One line per tensor and step: short, and a difference between two programs can be read."""
    fields: dict[str, Any] = dataclasses.asdict(program)
    fields["steps"] = [{"op": step.pop("op"), **step} for step in fields["steps"]]
    lines = []
    for name, value in fields.items():
        if name in ("tensors", "steps"):
            rows = ",\n  ".join(json.dumps(row, allow_nan=False) for row in value)
            lines.append(f' "{name}": [\n  {rows}\n ]')
        else:
            lines.append(f' "{name}": {json.dumps(value, allow_nan=False)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def tensor_of(proto: TensorProto) -> Tensor:
    """Raises: UnknownGraph for a type of its own, or for a tensor that is not in a weight file."""
    dtype = DTYPES.get(proto.data_type)
    if dtype is None or proto.data_location != TensorProto.EXTERNAL:
        raise UnknownGraph(f"tensor {proto.name}")
    where = {entry.key: entry.value for entry in proto.external_data}
    offset = int(where.get("offset", 0))
    return Tensor(proto.name, where["location"], offset, dtype, tuple(proto.dims))
