"""The float graph rewritten for one device: which weights are 8- or 4-bit, in which operators, in which float type.

    webgpu-q8f16                 8-bit everywhere (MatMulNBits, GatherBlockQuantized)
    webgpu-q4f16, webgpu-q4f32   4-bit layers and rare tokens (calibrated: calibrate.py), 8-bit frequent tokens
    cpu-int8                     8-bit everywhere: Transpose → DequantizeLinear → MatMul, folded to float32 at load
    f16, f32                     the weights as they are, where asked for

In the CPU graph `values` is int8 [N, K] row-major and `scales` float16 [N, K/32]: ONNX Runtime folds them at load, other
backends read them as they are. MatMulNBits would be unpacked on every run there (ONNX Runtime has no WASM kernel for it).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from slm_export.decoder_program import write_program
from slm_export.graph import FloatGraph
from slm_export.graph_writer import GraphWriter
from slm_export.quantize import BLOCK, Int8Blocks, int4_blocks, int8_blocks, symmetric_int4_blocks
from slm_export.row_store import RowStore
from slm_export.unpack_rows import unpack_rows
from slm_export.variant_recipes import COARSE_BLOCK, Recipe
from slm_export.vocabulary import SplitRows, write_embedding, write_head
from slm_export.weight_file import WeightFiles


def write_variant(source: FloatGraph, recipe: Recipe, folder: Path, calibrated: RowStore | None = None) -> None:
    """Write `model.onnx` and its weights, `model.onnx.data` (and further files from 1 GiB on), of one variant to `folder`.

    4-bit matrices come from `calibrated`; those that it does not have are rounded to nearest. A CPU variant gets a program
    beside its graph where one can say it (decoder_program.py).
    """
    folder.mkdir(parents=True, exist_ok=True)
    # The engine's own kernels read every weight of a CPU variant from its file, small ones too.
    with WeightFiles(folder, "model.onnx.data", inlines_weights=recipe.device != "cpu") as files:
        model = _Rewriter(source, recipe, files, calibrated).run()
    onnx.save_model(model, folder / "model.onnx")
    if recipe.device == "cpu":
        write_program(folder, "model.onnx")


def by_blocks(values: NDArray[Any], block: int) -> NDArray[Any]:
    """uint8 [N, K] → [N, ⌈K / block⌉, block], MatMulNBits' shape of 8-bit values; the end of the last block is zero (128)."""
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % block)), constant_values=0x80)
    return padded.reshape(values.shape[0], -1, block)


class _Rewriter(GraphWriter):
    """One pass over the float graph's nodes."""

    def __init__(self, source: FloatGraph, recipe: Recipe, files: WeightFiles, calibrated: RowStore | None) -> None:
        super().__init__(files, np.float16 if recipe.float16 else np.float32)
        self.source = source
        self.recipe = recipe
        self.calibrated = calibrated
        self.onnx_dtype = TensorProto.FLOAT16 if recipe.float16 else TensorProto.FLOAT
        self.initializers = {tensor.name for tensor in source.model.graph.initializer}
        self.eight_bit: dict[str, Int8Blocks] = {}  # by float weight name: embedding and head may share one

    def run(self) -> onnx.ModelProto:
        graph = self.source.model.graph
        if self.recipe.layer_bits > 8:
            for node in graph.node:
                self.keep_node(node)
            return self.assemble(graph)
        transposed = {
            node.output[0]: node.input[0]
            for node in graph.node
            if node.op_type == "Transpose" and node.input[0] in self.initializers
        }
        for node in graph.node:
            if node.op_type == "Gather" and node.input[1] == "input_ids":
                name = transposed.get(node.input[0], node.input[0])
                self.embedding(name, node, is_transposed=node.input[0] in transposed)
            elif node.op_type == "MatMul" and node.input[1] in self.initializers and "/router/" not in node.name:
                self.matmul(node)
            elif node.output[0] not in transposed:
                self.keep_node(node)
        return self.assemble(graph)

    def keep_node(self, node: onnx.NodeProto) -> None:
        for name in node.input:
            self.keep(name)
        self.nodes.append(self.in_float_type(node))
        if node.output[0] == "logits" and self.recipe.float16:
            self.emit("Cast", ["logits.half"], "logits", to=TensorProto.FLOAT)

    def in_float_type(self, node: onnx.NodeProto) -> onnx.NodeProto:
        """A node that stays: what it says about float32 means the variant's float type; logits are cast afterwards."""
        if not self.recipe.float16:
            return node
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        for attribute in copy.attribute:
            if node.op_type == "Constant" and attribute.t.data_type == TensorProto.FLOAT:
                attribute.t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(attribute.t).astype(np.float16)))
            elif node.op_type == "Cast" and attribute.i == TensorProto.FLOAT:
                attribute.i = TensorProto.FLOAT16
        if copy.output[0] == "logits":
            copy.output[0] = "logits.half"
        return copy

    def keep(self, name: str) -> None:
        """A weight that stays float: norms, rotary caches, biases."""
        if name in self.initializers and name not in self.weights:
            array = np.asarray(self.source.array(name))
            self.add(name, array.astype(self.dtype) if array.dtype == np.float32 else array)

    def eight_bit_blocks(self, name: str, rows_by_columns: NDArray[np.float32], *, is_layer: bool, flat: bool) -> str:
        """Quantise once and store scales and values ([N, K] if `flat`, else by blocks); returns the stem of their names.

        Where layers have 4 bits, embedding and head have blocks of 64: their scales would cost more than they give.
        """
        if name not in self.eight_bit:
            blocks = int8_blocks(rows_by_columns, BLOCK if is_layer else self.vocabulary_block(rows_by_columns))
            self.eight_bit[name] = blocks
            stored = blocks.values if self.recipe.device == "cpu" else (blocks.values.view(np.uint8) ^ 0x80)  # q + 128
            self.add(f"{name}.values", stored if flat else by_blocks(stored, blocks.block))
            scales = blocks.scales if self.recipe.device == "cpu" else blocks.scales.astype(self.dtype)
            self.add(f"{name}.scales", scales)
        return name

    def vocabulary_block(self, table: NDArray[np.float32]) -> int:
        return COARSE_BLOCK if self.recipe.layer_bits == 4 and table.shape[1] % COARSE_BLOCK == 0 else BLOCK

    def split_rows(self, table: NDArray[np.float32]) -> SplitRows | None:
        """Rows of embedding or head `table` [vocabulary, K], where calibration found rare ones."""
        frequent = self.calibrated.frequent if self.calibrated else None
        if frequent is None or frequent >= len(table) or table.shape[1] % BLOCK:
            return None
        rare = table[frequent:]
        calibrated = self.calibrated.find(rare) if self.calibrated else None
        return SplitRows(int8_blocks(table[:frequent], self.vocabulary_block(table)), calibrated or symmetric_int4_blocks(rare))

    def embedding(self, name: str, node: onnx.NodeProto, *, is_transposed: bool) -> None:
        array = self.source.array(name)  # [K, N] where it is tied to the head, else [N, K]
        table, output = np.asarray(array.T if is_transposed else array), node.output[0]
        if rows := self.split_rows(table):
            return write_embedding(self, name, rows, output)
        stem = self.eight_bit_blocks(name, table, is_layer=False, flat=True)
        if self.recipe.device == "cpu":
            values = self.emit("Gather", [f"{stem}.values", "input_ids"], f"{output}.values")
            scales = self.emit("Gather", [f"{stem}.scales", "input_ids"], f"{output}.scales")
            return self.dequantize_rows(values, scales, output, columns=table.shape[1])
        block = self.eight_bit[name].block
        self.gather_nbits([f"{stem}.values", "input_ids", f"{stem}.scales"], output, bits=8, block=block)

    def dequantize_rows(self, values: str, scales: str, output: str, *, columns: int) -> None:
        """Blocks [1, S, K] int8 · [1, S, ⌈K / 32⌉] → float32 [1, S, K]."""
        nodes, constants = unpack_rows(values, scales, output, columns=columns, block=BLOCK)
        for name, array in constants.items():
            self.add(name, array)
        self.nodes += nodes

    def matmul(self, node: onnx.NodeProto) -> None:
        hidden, name = node.input
        is_head = node.name.startswith("/lm_head/")
        weight = self.source.array(name)  # float32 [K, N]
        output = "logits.half" if node.output[0] == "logits" and self.recipe.float16 else node.output[0]
        if self.recipe.device == "cpu":
            stem = self.eight_bit_blocks(name, np.asarray(weight.T), is_layer=not is_head, flat=True)
            steps = self.emit("Cast", [f"{stem}.scales"], f"{stem}.scales.float", to=TensorProto.FLOAT)
            # Turned before they are unpacked: folding keeps what it makes until its end, and floats are four times as large.
            turned = [self.emit("Transpose", [name], f"{name}.turned", perm=[1, 0]) for name in (f"{stem}.values", steps)]
            self.emit("DequantizeLinear", turned, f"{stem}.float", axis=0, block_size=BLOCK)
            self.emit("MatMul", [hidden, f"{stem}.float"], output)
        elif is_head and (split := self.split_rows(np.asarray(weight.T))):
            write_head(self, name, split, hidden, output)
        elif is_head or self.recipe.layer_bits == 8 or (self.calibrated and self.calibrated.is_wide(weight.T)):
            self.matmul_8bit(hidden, name, weight, output, is_layer=not is_head)
        else:
            self.matmul_4bit(hidden, name, weight, output)
        if output != node.output[0]:
            self.emit("Cast", [output], node.output[0], to=TensorProto.FLOAT)

    def matmul_8bit(self, hidden: str, name: str, weight: NDArray[np.float32], output: str, *, is_layer: bool) -> None:
        columns, rows = weight.shape
        if name in self.eight_bit:  # the embedding's [N, K]: the same bytes in MatMulNBits' shape, stored once
            stored = self.eight_bit[name].values.view(np.uint8) ^ 0x80
            values = self.add(f"{name}.values.blocks", by_blocks(stored, self.eight_bit[name].block))
        else:
            stem = self.eight_bit_blocks(name, np.asarray(weight.T), is_layer=is_layer, flat=False)
            values = f"{stem}.values"
        inputs = [hidden, values, f"{name}.scales"]
        self.nbits(inputs, output, columns, rows, bits=8, block=self.eight_bit[name].block)

    def matmul_4bit(self, hidden: str, name: str, weight: NDArray[np.float32], output: str) -> None:
        rows_by_columns = np.ascontiguousarray(weight.T)
        blocks = (self.calibrated.find(rows_by_columns) if self.calibrated else None) or int4_blocks(rows_by_columns)
        columns, rows = weight.shape
        inputs = [
            hidden,
            self.add(f"{name}.values", blocks.packed_values()),
            self.add(f"{name}.scales", blocks.scales.astype(self.dtype)),
            self.add(f"{name}.zero_points", blocks.packed_zero_points()),
        ]
        self.nbits(inputs, output, columns, rows, bits=4, block=BLOCK)

    def assemble(self, graph: onnx.GraphProto) -> onnx.ModelProto:
        inputs, outputs = [self.retyped(value) for value in graph.input], [self.retyped(value) for value in graph.output]
        new = helper.make_graph(self.nodes, self.recipe.name, inputs, outputs, list(self.weights.values()))
        model = helper.make_model(new, opset_imports=self.source.model.opset_import, producer_name="slm_export")
        model.ir_version = 10
        return model

    def retyped(self, value: onnx.ValueInfoProto) -> onnx.ValueInfoProto:
        """Cache tensors take the variant's float type; logits stay float32."""
        copy = onnx.ValueInfoProto()
        copy.CopyFrom(value)
        if copy.name != "logits" and copy.type.tensor_type.elem_type == TensorProto.FLOAT:
            copy.type.tensor_type.elem_type = self.onnx_dtype
        return copy
