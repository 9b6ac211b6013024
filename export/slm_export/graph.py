"""The fused float32 decoder graph of a checkpoint, made by its family's builder (builders/).

Every variant is a rewrite of this one graph (variants.py). Its inputs and outputs are the engine's contract:

    input_ids                       int64   [1, S]
    seqlens_k                       int32   [1]        total length after this run - 1
    total_sequence_length           int32   []
    logit_positions                 int64   [n]        which of the S positions get logits
    past_key_values.{i}.key|value   float   [1, kv_heads, past, head_dim]
    → logits                        float32 [1, n, vocabulary]
    → present.{i}.key|value         float   [1, kv_heads, total, head_dim]

onnxruntime-genai's own graphs derive the two lengths from an attention mask; a batch of one has no padding, so they are
inputs here: no shape subgraph on the CPU, which WebGPU graph capture needs too (onnxruntime-genai #1788).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from transformers import AutoConfig

from slm_export.errors import ExportError, SlmError


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

    Raises: ExportError where the builder does not know the architecture or cannot express this model.
    """
    from slm_export.builders import builder_class

    work.mkdir(parents=True, exist_ok=True)
    config = AutoConfig.from_pretrained(checkpoint)
    printed = io.StringIO()  # the builder prints and warns a lot; shown only when it fails
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            builder = builder_class(config.architectures[0]).of(config, work)
            builder.make_model(str(checkpoint))
            builder.save_model(str(work))
    except SlmError:
        raise
    except Exception as error:  # the builder raises whatever its parts raise
        tail = "\n".join(printed.getvalue().splitlines()[-5:])
        raise ExportError(f"No fused graph could be built: {type(error).__name__}: {error}\n{tail}".rstrip()) from error
    return open_float_graph(work, head_dim=head_dim)


def open_float_graph(folder: Path, *, head_dim: int) -> FloatGraph:
    """The graph that `build_float_graph` wrote to `folder` before."""
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    _fix_dimensions(model.graph, head_dim)
    return FloatGraph(model, folder)


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
