"""The fused float32 decoder graph of a checkpoint. The only importer of onnxruntime-genai's model builder.

Every variant is a rewrite of this one graph (variants.py). Its inputs and outputs are the engine's contract:

    input_ids                       int64   [1, S]
    seqlens_k                       int32   [1]        total length after this run - 1
    total_sequence_length           int32   []
    logit_positions                 int64   [n]        which of the S positions get logits
    past_key_values.{i}.key|value   float   [1, kv_heads, past, head_dim]
    → logits                        float32 [1, n, vocabulary]
    → present.{i}.key|value         float   [1, kv_heads, total, head_dim]

The builder derives the two lengths from an attention mask; a batch of one has no padding, so they are inputs here: no
shape subgraph on the CPU, which WebGPU graph capture needs too (onnxruntime-genai #1788).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from slm_export.errors import ExportError

_MASK_NODES = "/model/attn_mask_reformat/"
_SEQLENS_INPUT, _TOTAL_INPUT = 5, 6  # of GroupQueryAttention


@dataclass(frozen=True, slots=True)
class FloatGraph:
    """The graph without its weights; `array` reads one weight at a time, memory-mapped."""

    model: onnx.ModelProto
    folder: Path

    def array(self, name: str) -> NDArray[np.float32]:
        """The float32 initializer `name`, in its graph shape.

        Raises: KeyError for a name that is not an initializer.
        """
        for tensor in self.model.graph.initializer:
            if tensor.name == name:
                return self._read(tensor)
        raise KeyError(name)

    def _read(self, tensor: TensorProto) -> NDArray[np.float32]:
        shape = tuple(tensor.dims)
        if tensor.data_location != TensorProto.EXTERNAL:
            return numpy_helper.to_array(tensor)
        where = {entry.key: entry.value for entry in tensor.external_data}
        dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        return np.memmap(self.folder / where["location"], dtype, "r", int(where.get("offset", 0)), shape)


def build_float_graph(checkpoint: Path, work: Path, *, head_dim: int) -> FloatGraph:
    """Build the float32 graph of the Hugging Face folder `checkpoint` into `work`; `head_dim` is the cache's last dimension.

    Raises: ExportError where the builder does not know the architecture or makes another graph than expected.
    """
    from onnxruntime_genai.models import builder

    options = {"use_webgpu_fp32": "true", "enable_webgpu_graph": "true"}
    arguments = ("", str(checkpoint), str(work), "fp32", "webgpu", str(work / "cache"))
    printed = io.StringIO()  # the builder prints and warns a lot; shown only when it fails
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            builder.check_extra_options(*arguments, options)
            builder.create_model(*arguments, **options)
    except Exception as error:  # the builder raises whatever its parts raise
        tail = "\n".join(printed.getvalue().splitlines()[-5:])
        raise ExportError(f"No fused graph could be built: {type(error).__name__}: {error}\n{tail}".rstrip()) from error
    model = onnx.load(work / "model.onnx", load_external_data=False)
    _feed_lengths_directly(model.graph)
    _choose_logit_positions(model.graph)
    _fix_dimensions(model.graph, head_dim)
    return FloatGraph(model, work)


def _feed_lengths_directly(graph: onnx.GraphProto) -> None:
    attention = [node for node in graph.node if node.op_type == "GroupQueryAttention"]
    if not attention:
        raise ExportError("The graph has no GroupQueryAttention nodes: this architecture needs another export path.")
    for node in attention:
        node.input[_SEQLENS_INPUT] = "seqlens_k"
        node.input[_TOTAL_INPUT] = "total_sequence_length"
    kept = [node for node in graph.node if not node.name.startswith(_MASK_NODES)]
    used = {name for node in kept for name in node.input}
    if "attention_mask" in used:
        raise ExportError(
            "The graph uses the attention mask outside of GroupQueryAttention: this architecture needs another export path."
        )
    kept = [node for node in kept if node.op_type != "Constant" or node.output[0] in used]
    _replace(graph.node, kept)
    inputs = [value for value in graph.input if value.name != "attention_mask"]
    inputs[1:1] = [
        helper.make_tensor_value_info("seqlens_k", TensorProto.INT32, [1]),
        helper.make_tensor_value_info("total_sequence_length", TensorProto.INT32, []),
        helper.make_tensor_value_info("logit_positions", TensorProto.INT64, ["logit_count"]),
    ]
    _replace(graph.input, inputs)


def _choose_logit_positions(graph: onnx.GraphProto) -> None:
    """Logits only where they are asked for: in prefill the head is a fifth of the work, and one position is needed."""
    head = next(node for node in graph.node if "lm_head" in node.name and node.op_type == "MatMul")
    index = list(graph.node).index(head)
    gather = helper.make_node("Gather", [head.input[0], "logit_positions"], ["/lm_head/hidden"], "/lm_head/Gather", axis=1)
    head.input[0] = "/lm_head/hidden"
    graph.node.insert(index, gather)


def _fix_dimensions(graph: onnx.GraphProto, head_dim: int) -> None:
    """Batch is 1 and the free dimensions have one name each; shape hints inside are dropped (each variant has its own types)."""
    names = {
        "batch_size": 1,
        "kv_cache_dim": head_dim,
        "past_sequence_length": "past",
        "total_sequence_length": "total",
        "sequence_length": "sequence",
    }
    for value in (*graph.input, *graph.output):
        for dim in value.type.tensor_type.shape.dim:
            new = names.get(dim.dim_param)
            if isinstance(new, int):
                dim.dim_value = new
            elif new is not None:
                dim.dim_param = new
    logits = next(value for value in graph.output if value.name == "logits")
    logits.type.tensor_type.shape.dim[1].dim_param = "logit_count"
    del graph.value_info[:]


def _replace(field: Any, items: Sequence[Any]) -> None:
    """Protobuf's repeated fields have no slice assignment, and an item taken out of one is gone: copy first."""
    copies = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(copies)
