"""Encoder-decoder graphs in the form that the engine runs. Batch of one; names and shapes are the engine's contract:

    embedding   input_ids int64 [1, S] → embeddings float [1, S, d]
    encoder     embeddings, attention_mask int64 [1, S] (ones) → cross.{i}.key|value float [1, heads, S, head_dim]
    decoder     embeddings [1, n, d], encoder_attention_mask int64 [1, S], cross.{i}.key|value,
                past_key_values.{i}.key|value float [1, heads, past, head_dim] (past may be 0)
                → logits float [1, n, vocabulary], present.{i}.key|value [1, heads, past + n, head_dim]

The embedding is a graph of its own because encoder and decoder share it: so it is in memory once. Keys and values of
cross-attention depend on the encoder alone, so the encoder computes them once per prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from slm_export.errors import ExportError

TOKENS = "input_ids"
EMBEDDINGS = "embeddings"


def engine_graphs(model: Any, graphs: dict[str, onnx.ModelProto]) -> dict[str, onnx.ModelProto]:
    """`embedding`, `encoder` and `decoder` from optimum's graphs of the transformers model `model`.

    Raises: ExportError where optimum's graphs have another form than expected.
    """
    encoder, decoder = graphs["encoder_model"], graphs["decoder_with_past_model"]
    shape = model.get_input_embeddings().weight.shape
    table = _take_embedding(encoder.graph, shape)
    if not np.array_equal(table, _take_embedding(decoder.graph, shape)):
        raise ExportError("Encoder and decoder have embeddings of their own, and this exporter knows a shared one only.")
    _rename(decoder.graph, _engine_name)
    _append_cross_attention(encoder.graph, _cross_projections(model), int(_heads(model)))
    return {"embedding": _embedding_graph(table), "encoder": encoder, "decoder": decoder}


def _engine_name(name: str) -> str:
    name = re.sub(r"^past_key_values\.(\d+)\.encoder\.(key|value)$", r"cross.\1.\2", name)
    return re.sub(r"^(past_key_values|present)\.(\d+)\.decoder\.(key|value)$", r"\1.\2.\3", name)


def _take_embedding(graph: onnx.GraphProto, shape: Sequence[int]) -> NDArray[np.float32]:
    """Cuts the token embedding of `shape` out: `embeddings` becomes an input. Returns the table, float32 [vocabulary, d]."""
    tables = {tensor.name: tensor for tensor in graph.initializer if list(tensor.dims) == list(shape)}
    lookups = [node for node in graph.node if node.op_type == "Gather" and node.input[0] in tables]
    if len(lookups) != 1:
        raise ExportError(f"The graph looks its tokens up {len(lookups)} times: this architecture needs another export path.")
    lookup = lookups[0]
    array = numpy_helper.to_array(tables[lookup.input[0]]).copy()
    graph.node.remove(lookup)
    _replace_input(graph, lookup.output[0], EMBEDDINGS)
    _shape_from_embeddings(graph)
    tokens = next(value for value in graph.input if value.name == TOKENS)
    graph.input.remove(tokens)
    graph.input.append(helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, [1, "sequence", shape[1]]))
    _drop_unused(graph)
    return array


def _replace_input(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new


def _shape_from_embeddings(graph: onnx.GraphProto) -> None:
    """What else reads the tokens [1, S] wants their shape only: zeros of that shape, made from the embeddings, will do."""
    readers = {node.op_type for node in graph.node if TOKENS in node.input}
    if not readers <= {"Shape", "Reshape"}:
        raise ExportError(f"The graph reads its tokens in {', '.join(readers)}: this architecture needs another export path.")
    shape, zeros = "embeddings.shape", "embeddings.zeros"
    _replace_input(graph, TOKENS, zeros)
    graph.node.insert(0, helper.make_node("ConstantOfShape", [shape], [zeros], zeros, value=_INT64_ZERO))
    graph.node.insert(0, helper.make_node("Shape", [EMBEDDINGS], [shape], shape, start=0, end=2))


_INT64_ZERO = helper.make_tensor("zero", TensorProto.INT64, [1], [0])


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Nodes and weights that no output needs."""
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    weights = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.initializer[:]
    graph.initializer.extend(weights)


def _embedding_graph(table: NDArray[np.float32]) -> onnx.ModelProto:
    tokens = helper.make_tensor_value_info(TOKENS, TensorProto.INT64, [1, "sequence"])
    output = helper.make_tensor_value_info(EMBEDDINGS, TensorProto.FLOAT, [1, "sequence", table.shape[1]])
    lookup = helper.make_node("Gather", ["table", TOKENS], [EMBEDDINGS], "lookup", axis=0)
    graph = helper.make_graph([lookup], "embedding", [tokens], [output], [numpy_helper.from_array(table, "table")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)  # as optimum's


def _rename(graph: onnx.GraphProto, new_name: Callable[[str], str]) -> None:
    for value in (*graph.input, *graph.output):
        value.name = new_name(value.name)
    for node in graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = new_name(name)
        for index, name in enumerate(node.output):
            node.output[index] = new_name(name)


def _append_cross_attention(graph: onnx.GraphProto, layers: Iterable[tuple[Any, Any]], heads: int) -> None:
    """The encoder's output through each decoder layer's key and value projection; those become the outputs."""
    hidden = graph.output[0].name
    del graph.output[:]
    for layer, pair in enumerate(layers):
        for part, projection in zip(("key", "value"), pair, strict=True):
            _project(graph, projection, hidden, f"cross.{layer}.{part}", heads)


def _project(graph: onnx.GraphProto, projection: Any, hidden: str, name: str, heads: int) -> None:
    weight = projection.weight.detach().numpy()  # [heads · head_dim, d]
    head_dim = weight.shape[0] // heads
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight.T), f"{name}.weight"))
    graph.initializer.append(helper.make_tensor(f"{name}.shape", TensorProto.INT64, [4], [1, -1, heads, head_dim]))
    graph.node.append(helper.make_node("MatMul", [hidden, f"{name}.weight"], [f"{name}.flat"], f"{name}.flat"))
    flat = f"{name}.flat"
    if projection.bias is not None:
        graph.initializer.append(numpy_helper.from_array(projection.bias.detach().numpy(), f"{name}.bias"))
        flat = f"{name}.biased"
        graph.node.append(helper.make_node("Add", [f"{name}.flat", f"{name}.bias"], [flat], flat))
    graph.node.append(helper.make_node("Reshape", [flat, f"{name}.shape"], [f"{name}.rows"], f"{name}.rows"))
    graph.node.append(helper.make_node("Transpose", [f"{name}.rows"], [name], name, perm=[0, 2, 1, 3]))
    graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, heads, "sequence", head_dim]))


def _cross_projections(model: Any) -> list[tuple[Any, Any]]:
    """Key and value projections of cross-attention, layer by layer, as transformers names them."""
    decoder = model.get_decoder()
    if hasattr(decoder, "block"):  # T5, mT5
        attentions = [block.layer[1].EncDecAttention for block in decoder.block]
        return [(attention.k, attention.v) for attention in attentions]
    return [(layer.encoder_attn.k_proj, layer.encoder_attn.v_proj) for layer in decoder.layers]  # BART


def _heads(model: Any) -> int:
    return int(getattr(model.config, "decoder_attention_heads", None) or model.config.num_heads)
