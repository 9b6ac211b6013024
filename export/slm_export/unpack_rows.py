"""Rows of an 8-bit table, gathered before they are unpacked: plain operators that every device has."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper


def unpack_rows(
    values: str, scales: str, output: str, *, columns: int, block: int
) -> tuple[list[onnx.NodeProto], dict[str, NDArray[Any]]]:
    """Nodes from `values` int8 [1, S, K] and `scales` [1, S, ⌈K / block⌉] to `output` float32 [1, S, K], and their constants.

    S is not known before the run. Where K is not a multiple of the block, the last scale serves fewer columns.
    """
    whole = columns % block == 0
    nodes = [_node("Cast", [values], f"{values}.float", to=TensorProto.FLOAT)]
    steps = [_node("Cast", [scales], f"{scales}.float", to=TensorProto.FLOAT)]
    constants: dict[str, NDArray[Any]] = {f"{output}.last": np.array([-1], np.int64)}
    steps.append(_node("Unsqueeze", [f"{scales}.float", f"{output}.last"], f"{scales}.blocks"))
    if whole:
        constants[f"{output}.block_shape"] = np.array([1, -1, columns // block, block], np.int64)
        constants[f"{output}.row_shape"] = np.array([1, -1, columns], np.int64)
        nodes.append(_node("Reshape", [f"{values}.float", f"{output}.block_shape"], f"{values}.blocks"))
        ends = [
            _node("Mul", [f"{values}.blocks", f"{scales}.blocks"], f"{output}.blocks"),
            _node("Reshape", [f"{output}.blocks", f"{output}.row_shape"], output),
        ]
        return [*nodes, *steps, *ends], constants
    padded = -(-columns // block) * block
    constants[f"{output}.repeats"] = np.array([1, 1, 1, block], np.int64)
    constants[f"{output}.row_shape"] = np.array([1, -1, padded], np.int64)
    constants[f"{output}.from"], constants[f"{output}.to"] = np.array([0], np.int64), np.array([columns], np.int64)
    steps += [
        _node("Expand", [f"{scales}.blocks", f"{output}.repeats"], f"{scales}.repeated"),
        _node("Reshape", [f"{scales}.repeated", f"{output}.row_shape"], f"{scales}.padded"),
        _node("Slice", [f"{scales}.padded", f"{output}.from", f"{output}.to", f"{output}.last"], f"{scales}.rows"),
    ]
    return [*nodes, *steps, _node("Mul", [f"{values}.float", f"{scales}.rows"], output)], constants


def _node(op: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(op, inputs, [output], output, **attributes)
