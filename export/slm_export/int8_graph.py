"""Any float graph with its matrices and its token embedding as 8-bit blocks, for ONNX Runtime on the CPU.

A matrix becomes Transpose → DequantizeLinear → MatMul (variants.py says why in this order), which ONNX Runtime folds to
float32 at load (with `session.disable_quant_qdq`); rows of an embedding are gathered as int8 and scaled after. Biases, norms,
positions, relative attention biases and matrices of fewer than MIN_WEIGHTS weights stay float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from slm_export.quantize import BLOCK, Int8Blocks, int8_blocks
from slm_export.unpack_rows import unpack_rows
from slm_export.weight_file import WeightFiles

OPSET = 21  # blocks in DequantizeLinear
MIN_WEIGHTS = 4096


class Int8Graph:
    """One pass over a graph's nodes; `weights` may be shared by several graphs.

    `vocabulary` is the number of rows by which the token embedding is told from positions and other tables.
    """

    def __init__(self, model: onnx.ModelProto, weights: WeightFiles, vocabulary: int) -> None:
        self.graph = model.graph
        self.vocabulary = vocabulary
        self.weights = weights
        self.arrays = {tensor.name: tensor for tensor in model.graph.initializer}
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, TensorProto] = {}
        self.blocks: dict[str, tuple[str, Int8Blocks]] = {}

    def run(self) -> onnx.ModelProto:
        """The new graph, its large tensors in the weight files."""
        turned = {  # transposes of weights that the tracer left as nodes
            node.output[0]: node.input[0]
            for node in self.graph.node
            if node.op_type == "Transpose" and node.input[0] in self.arrays and len(self.arrays[node.input[0]].dims) == 2
        }
        for node in self.graph.node:
            if node.op_type == "Gather" and self.is_embedding(node.input[0]):
                self.embedding(node)
            elif node.op_type == "MatMul" and self.fits(node.input[1], axis=0):
                self.matmul(node, self.stored(node.input[1], transposed=True))
            elif node.op_type == "MatMul" and self.fits(turned.get(node.input[1], ""), axis=1):
                self.matmul(node, self.stored(turned[node.input[1]], transposed=False))
            elif node.op_type == "Gemm" and _flag(node, "transB") and self.fits(node.input[1], axis=1):
                node.input[1] = self.rows(self.stored(node.input[1], transposed=False))
                self.keep(node)
            elif not (node.output[0] in turned and self.fits(turned[node.output[0]], axis=1)):
                self.keep(node)
        return self.assemble()

    def fits(self, name: str, *, axis: int) -> bool:
        """Is `name` a weight matrix worth 8-bit blocks along `axis`?"""
        tensor = self.arrays.get(name)
        if tensor is None or len(tensor.dims) != 2 or tensor.data_type != TensorProto.FLOAT:
            return False
        return bool(tensor.dims[axis] >= BLOCK and tensor.dims[0] * tensor.dims[1] >= MIN_WEIGHTS)

    def is_embedding(self, name: str) -> bool:
        return self.fits(name, axis=1) and self.arrays[name].dims[0] == self.vocabulary

    def stored(self, name: str, *, transposed: bool) -> str:
        """Quantise the weight once ([N, K], blocks along K); returns the stem of its tensors' names."""
        if name not in self.blocks:
            array = numpy_helper.to_array(self.arrays[name])
            blocks = int8_blocks(np.ascontiguousarray(array.T if transposed else array))
            self.blocks[name] = (name, blocks)
            self.add(f"{name}.values", blocks.values)
            self.add(f"{name}.scales", blocks.scales)
        return name

    def rows(self, stem: str) -> str:
        """float32 [N, K], folded at load."""
        output = f"{stem}.rows"
        if not self.has(output):
            self.emit("DequantizeLinear", [f"{stem}.values", self.steps(stem)], output, axis=1, block_size=BLOCK)
        return output

    def steps(self, stem: str) -> str:
        """The scales as float32 [N, ⌈K / 32⌉]."""
        output = f"{stem}.scales.float"
        return output if self.has(output) else self.emit("Cast", [f"{stem}.scales"], output, to=TensorProto.FLOAT)

    def has(self, output: str) -> bool:
        return any(output in node.output for node in self.nodes)

    def matmul(self, node: onnx.NodeProto, stem: str) -> None:
        output = f"{stem}.float"
        if not self.has(output):
            parts = [f"{stem}.values", self.steps(stem)]
            turned = [self.emit("Transpose", [part], f"{part}.turned", perm=[1, 0]) for part in parts]
            self.emit("DequantizeLinear", turned, output, axis=0, block_size=BLOCK)
        self.emit("MatMul", [node.input[0], output], node.output[0])

    def embedding(self, node: onnx.NodeProto) -> None:
        stem, tokens, output = self.stored(node.input[0], transposed=False), node.input[1], node.output[0]
        columns = self.blocks[stem][1].values.shape[1]
        values = self.emit("Gather", [f"{stem}.values", tokens], f"{output}.values")
        scales = self.emit("Gather", [f"{stem}.scales", tokens], f"{output}.scales")
        nodes, constants = unpack_rows(values, scales, output, columns=columns, block=BLOCK)
        for name, array in constants.items():
            self.add(name, array)
        self.nodes += nodes

    def keep(self, node: onnx.NodeProto) -> None:
        for name in node.input:
            if name in self.arrays:
                self.add(name, numpy_helper.to_array(self.arrays[name]))
        self.nodes.append(node)

    def add(self, name: str, array: NDArray[Any]) -> str:
        if name not in self.tensors:
            self.tensors[name] = self.weights.tensor(name, array)
        return name

    def emit(self, op: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, [output], output, **attributes))
        return output

    def assemble(self) -> onnx.ModelProto:
        graph = helper.make_graph(self.nodes, self.graph.name, self.graph.input, self.graph.output, list(self.tensors.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="slm_export")
        model.ir_version = 10
        return model


def float_graph(model: onnx.ModelProto, weights: WeightFiles) -> onnx.ModelProto:
    """The graph as it is, its large tensors in the weight files."""
    graph = model.graph
    tensors = [weights.tensor(tensor.name, numpy_helper.to_array(tensor)) for tensor in graph.initializer]
    new = helper.make_graph(graph.node, graph.name, graph.input, graph.output, tensors)
    made = helper.make_model(new, opset_imports=model.opset_import, producer_name="slm_export")
    made.ir_version = model.ir_version
    return made


def _flag(node: onnx.NodeProto, name: str) -> bool:
    return any(attribute.name == name and attribute.i for attribute in node.attribute)
