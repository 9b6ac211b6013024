"""A decoder's ONNX graph into a program: each node's inputs are symbols, its output is a symbol or a step (and its value).

What is a pattern of nodes in ONNX (unpacking of 8-bit weights, positions, ALiBi, soft caps, SiLU) goes through symbols of
its own (program_symbols.py), so that a node in another place or with another attribute is unknown and not misread.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import onnx
from onnx import numpy_helper

from slm_export import decoder_program as dp
from slm_export.decoder_program import Part, Program
from slm_export.program_symbols import (
    INPUTS,
    SAME,
    Activations,
    Biases,
    Half,
    Known,
    Matrix,
    PositionRows,
    Symbol,
    Turned,
    Weight,
    activations,
    attributes,
    known,
    number,
    unknown,
)
from slm_export.quantize import BLOCK


def read_program(model: onnx.ModelProto) -> Program:
    """The program of a CPU variant's graph.

    Raises: UnknownGraph, naming the first node that has no place in a program.
    """
    reader = _Reader(model.graph)
    for node in model.graph.node:
        handler: Callable[[onnx.NodeProto, list[Symbol]], Any] | None = getattr(reader, f"on_{node.op_type.lower()}", None)
        inputs = [reader.symbols.get(name) for name in node.input]
        if node.op_type in SAME and isinstance(inputs[0], Weight):
            reader.symbols[node.output[0]] = inputs[0]
        elif integers := known(node, inputs):
            reader.symbols[node.output[0]] = integers
        elif handler is None:
            raise unknown(node)
        else:
            handler(node, inputs)
    logits = reader.whole(reader.symbols.get("logits"), model.graph.node[-1])
    return Program(dp.VERSION, tuple(reader.tensors), tuple(reader.widths), tuple(reader.steps), logits)


class _Reader:
    def __init__(self, graph: onnx.GraphProto) -> None:
        self.protos = {tensor.name: tensor for tensor in graph.initializer}
        self.symbols: dict[str, Symbol] = {name: Known(what) for name, what in INPUTS.items()}
        self.symbols |= {name: self.initializer(name) for name in self.protos}
        self.tensors: list[dp.Tensor] = []
        self.indices: dict[str, int] = {}
        self.widths: list[int] = []
        self.steps: list[dp.Step] = []

    # -- values and tensors

    def initializer(self, name: str) -> Symbol:
        """Shapes lie in the graph and are read; weights lie in a file and are named."""
        proto = self.protos[name]
        return Weight(name) if proto.data_location == onnx.TensorProto.EXTERNAL else numpy_helper.to_array(proto)

    def tensor(self, symbol: Symbol, node: onnx.NodeProto, dtype: str = "float32") -> int:
        """The index of a weight among the program's tensors."""
        if not isinstance(symbol, Weight) or symbol.rows:
            raise unknown(node)
        if symbol.name not in self.indices:
            self.indices[symbol.name] = len(self.tensors)
            self.tensors.append(dp.tensor_of(self.protos[symbol.name]))
        index = self.indices[symbol.name]
        if self.tensors[index].dtype != dtype:
            raise unknown(node)
        return index

    def matrix(self, matrix: Matrix, node: onnx.NodeProto) -> tuple[int, int]:
        """The indices of values and scales."""
        values, scales = self.tensor(matrix.values, node, "int8"), self.tensor(matrix.scales, node, "float16")
        rows, columns = self.tensors[values].shape
        if columns % BLOCK or self.tensors[scales].shape != (rows, columns // BLOCK):
            raise unknown(node)
        return values, scales

    def whole(self, symbol: Symbol, node: onnx.NodeProto) -> int:
        """The value that `symbol`, an input of `node`, is all of."""
        part = activations(symbol, node).part
        if part != Part(part.value, 0, self.widths[part.value]):
            raise unknown(node)
        return part.value

    def put(self, node: onnx.NodeProto, width: int, step: Callable[[int], dp.Step], *, group: int | None = None) -> int:
        """Append the step that makes a new value of `width`, which is the node's first output; returns the value."""
        value = len(self.widths)
        self.widths.append(width)
        self.steps.append(step(value))
        self.symbols[node.output[0]] = Activations(Part(value, 0, width), group or width)
        return value

    # -- constants and weights

    def on_constant(self, node: onnx.NodeProto, _: list[Symbol]) -> None:
        self.symbols[node.output[0]] = numpy_helper.to_array(attributes(node)["value"])

    def on_dequantizelinear(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        is_blocked = attributes(node) == {"axis": 0, "block_size": BLOCK}
        if len(inputs) != 2 or not all(isinstance(symbol, Turned) for symbol in inputs) or not is_blocked:
            raise unknown(node)
        self.symbols[node.output[0]] = Matrix(*(symbol.weight for symbol in inputs))

    def on_transpose(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        (weight,) = inputs
        if not isinstance(weight, Weight) or weight.rows or attributes(node) != {"perm": [1, 0]}:
            raise unknown(node)
        self.symbols[node.output[0]] = Turned(weight)

    def on_gather(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        match *inputs, attributes(node).get("axis", 0):
            case Weight(name, False), Known("tokens"), 0:
                self.symbols[node.output[0]] = Weight(name, rows=True)
            case Weight(_, False) as table, Known("positions"), 0:
                self.symbols[node.output[0]] = PositionRows(self.tensor(table, node))
            case Activations() as source, Known("logit_positions"), 1:
                value = self.whole(source, node)
                self.put(node, source.part.width, lambda to: dp.PickRows(value, to))
            case _:
                raise unknown(node)

    # -- shapes

    def on_reshape(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        """Only the last dimension changes what follows: a norm goes over it."""
        source, shape = inputs
        if isinstance(source, Weight) and source.rows:
            self.symbols[node.output[0]] = source
            return
        last = int(shape[-1])
        if len(shape) != 3 or last < 1 or activations(source, node).part.width % last:
            raise unknown(node)
        self.symbols[node.output[0]] = replace(source, group=last)

    def on_split(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        part = activations(inputs[0], node).part
        if attributes(node) != {"axis": -1}:
            raise unknown(node)
        offset = part.offset
        for name, width in zip(node.output, map(int, inputs[1]), strict=True):
            self.symbols[name] = Activations(Part(part.value, offset, width), width)
            offset += width

    # -- arithmetic

    def on_matmul(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        hidden, matrix = inputs
        if not isinstance(matrix, Matrix):
            raise unknown(node)
        value, (values, scales) = self.whole(hidden, node), self.matrix(matrix, node)
        self.put(node, self.tensors[values].shape[0], lambda to: dp.Linear(value, values, scales, None, to))

    def on_add(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        left, right = inputs
        value, last = self.whole(left, node), self.steps[-1]
        if isinstance(right, Weight) and isinstance(last, dp.Linear) and last.to == value and last.bias is None:
            self.steps[-1] = replace(last, bias=self.tensor(right, node))
            self.symbols[node.output[0]] = self.symbols.pop(node.input[0])
        elif isinstance(right, PositionRows):
            table = right.table
            self.put(node, self.widths[value], lambda to: dp.AddPositions(value, table, to))
        else:
            other = self.whole(right, node)
            self.put(node, self.widths[value], lambda to: dp.Add(value, other, to))

    def on_mul(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        match inputs:
            case [Weight(_, True) as values, Weight(_, True) as scales]:
                indices = self.matrix(Matrix(replace(values, rows=False), replace(scales, rows=False)), node)
                self.put(node, self.tensors[indices[0]].shape[1], lambda to: dp.Embed(*indices, to))
            case [Weight(_, False) as slopes, Known("distance")]:
                self.symbols[node.output[0]] = Biases(self.tensor(slopes, node))
            case [Activations() as left, Half("sigmoid", source)] if source == left:
                self.activate(node, left, "silu")
            case [Half("capped", source, limit), constant] if number(constant) == limit:
                value = self.whole(source, node)
                self.put(node, self.widths[value], lambda to: dp.SoftCap(value, limit, to))
            case [Activations() as left, constant] if (factor := number(constant)) is not None:
                value = self.whole(left, node)
                self.put(node, self.widths[value], lambda to: dp.Scale(value, float(factor), to))
            case [left, right]:
                value, other = self.whole(left, node), self.whole(right, node)
                self.put(node, self.widths[value], lambda to: dp.Multiply(value, other, to))

    def on_sigmoid(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        self.symbols[node.output[0]] = Half("sigmoid", activations(inputs[0], node))

    def on_div(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        divisor = number(inputs[1])
        if divisor is None:
            raise unknown(node)
        self.symbols[node.output[0]] = Half("divided", activations(inputs[0], node), divisor)

    def on_tanh(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        if not isinstance(inputs[0], Half) or inputs[0].stage != "divided":
            raise unknown(node)
        self.symbols[node.output[0]] = replace(inputs[0], stage="capped")

    def on_gelu(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        is_tanh = attributes(node).get("approximate", b"none") == b"tanh"
        self.activate(node, inputs[0], "gelu_tanh" if is_tanh else "gelu")

    def activate(self, node: onnx.NodeProto, source: Symbol, kind: Literal["silu", "gelu", "gelu_tanh"]) -> None:
        value = self.whole(source, node)
        self.put(node, self.widths[value], lambda to: dp.Activate(kind, value, to))

    # -- norms

    def on_simplifiedlayernormalization(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        self.norm(node, inputs[0], "rms", inputs[1:])

    def on_layernormalization(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        self.norm(node, inputs[0], "layer", inputs[1:])

    def on_skipsimplifiedlayernormalization(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        self.add_and_norm(node, inputs, "rms")

    def on_skiplayernormalization(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        self.add_and_norm(node, inputs, "layer")

    def add_and_norm(self, node: onnx.NodeProto, inputs: list[Symbol], kind: Literal["rms", "layer"]) -> None:
        left, right = self.whole(inputs[0], node), self.whole(inputs[1], node)
        total = self.put(node, self.widths[left], lambda to: dp.Add(left, right, to))
        symbol = self.symbols[node.output[0]]
        self.norm(node, symbol, kind, inputs[2:])
        if len(node.output) > 3:
            self.symbols[node.output[3]] = Activations(Part(total, 0, self.widths[total]), self.widths[total])

    def norm(self, node: onnx.NodeProto, source: Symbol, kind: Literal["rms", "layer"], weights: Sequence[Symbol]) -> None:
        part, group = activations(source, node).part, source.group
        if len(weights) != (2 if kind == "layer" else 1) or attributes(node).get("axis", -1) != -1:
            raise unknown(node)
        weight, *biases = (self.tensor(symbol, node) for symbol in weights)
        if self.tensors[weight].shape != (group,):
            raise unknown(node)
        bias, epsilon = (biases[0] if biases else None), float(attributes(node)["epsilon"])
        self.put(node, part.width, lambda to: dp.Norm(kind, part, group, weight, bias, epsilon, to), group=group)

    # -- attention

    def on_groupqueryattention(self, node: onnx.NodeProto, inputs: list[Symbol]) -> None:
        options = {"rotary_interleaved": 0, "local_window_size": -1, "softcap": 0.0} | attributes(node)
        heads, kv_heads = int(options["num_heads"]), int(options["kv_num_heads"])
        query, key, value = self.query_key_value(node, inputs, heads, kv_heads)
        cos, sin, _, biases = [*inputs, *[None] * (11 - len(inputs))][7:11]
        layer = sum(isinstance(step, dp.Attention) for step in self.steps)
        is_plain = not options["rotary_interleaved"] and not options.get("smooth_softmax")
        is_known = biases is None or isinstance(biases, Biases)
        if not (is_plain and is_known) or node.input[3] != f"past_key_values.{layer}.key":
            raise unknown(node)
        turns = bool(options["do_rotary"])
        self.put(
            node,
            query.width,
            lambda to: dp.Attention(
                layer=layer,
                query=query,
                key=key,
                value=value,
                heads=heads,
                kv_heads=kv_heads,
                head_dim=query.width // heads,
                scale=float(options["scale"]),
                soft_cap=float(options["softcap"]),
                window=max(int(options["local_window_size"]), 0),
                cos=self.tensor(cos, node) if turns else None,
                sin=self.tensor(sin, node) if turns else None,
                slopes=biases.slopes if biases else None,
                to=to,
            ),
        )

    def query_key_value(self, node: onnx.NodeProto, inputs: list[Symbol], heads: int, kv_heads: int) -> tuple[Part, Part, Part]:
        """Three parts, which may come packed in one."""
        query = activations(inputs[0], node).part
        if inputs[1] is not None:
            return query, activations(inputs[1], node).part, activations(inputs[2], node).part
        head_dim = query.width // (heads + 2 * kv_heads)
        width, kv_width = heads * head_dim, kv_heads * head_dim
        first, second, third = query.offset, query.offset + width, query.offset + width + kv_width
        return Part(query.value, first, width), Part(query.value, second, kv_width), Part(query.value, third, kv_width)
