"""Nodes and weights of a graph that is being written."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from slm_export.weight_file import WeightFiles

MICROSOFT = "com.microsoft"


class GraphWriter:
    """Collects `nodes` and `weights` (by name); weights go to `files` at once. `dtype` is the variant's float type."""

    def __init__(self, files: WeightFiles, dtype: type[np.float16] | type[np.float32]) -> None:
        self.files = files
        self.dtype = dtype
        self.weights: dict[str, TensorProto] = {}
        self.nodes: list[onnx.NodeProto] = []

    def add(self, name: str, array: NDArray[np.generic]) -> str:
        self.weights[name] = self.files.tensor(name, array)
        return name

    def add_view(self, name: str, of: str, shape: tuple[int, ...]) -> str:
        """The first values of the weight `of` under another shape; its bytes are not stored again."""
        self.weights[name] = self.files.view(name, self.weights[of], shape)
        return name

    def emit(self, op: str, inputs: list[str], output: str, *, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], output, domain=domain, **attributes))
        return output

    def nbits(self, inputs: list[str], output: str, columns: int, rows: int, *, bits: int, block: int) -> str:
        return self.emit("MatMulNBits", inputs, output, domain=MICROSOFT, K=columns, N=rows, bits=bits, block_size=block)

    def gather_nbits(self, inputs: list[str], output: str, *, bits: int, block: int) -> str:
        """`inputs`: values uint8 [rows, bytes], row indices and scales [rows, blocks]."""
        options = {"bits": bits, "block_size": block, "gather_axis": 0, "quantize_axis": 1}
        return self.emit("GatherBlockQuantized", inputs, output, domain=MICROSOFT, **options)
