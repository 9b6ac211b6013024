"""Float32 ONNX graphs of encoder and encoder-decoder models. The only importer of optimum.

optimum writes an encoder-decoder as three files of which two are used here: the encoder, and the decoder with a cache,
which also runs with an empty one. What the decoder without cache would add, the keys and values of cross-attention, is
made in seq2seq_graph.py: so no weight is in two graphs.
"""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from pathlib import Path
from typing import Any

import onnx
from transformers.utils import logging as transformers_logging

from slm_export.errors import ExportError

SEQ2SEQ_TASK = "text2text-generation-with-past"
_UNUSED = "decoder_model"  # without a cache: the same weights again


def export_graphs(model: Any, task: str, work: Path) -> dict[str, onnx.ModelProto]:
    """The graphs of a transformers model for optimum's `task`, by optimum's file names without the ending.

    Raises: ExportError with what optimum said.
    """
    printed = io.StringIO()  # optimum, PyTorch and transformers print and warn a lot; shown only when it fails
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from optimum.exporters.onnx.convert import onnx_export_from_model

            logging.getLogger("optimum").setLevel(logging.ERROR)
            transformers_logging.set_verbosity_error()
            onnx_export_from_model(model, work, task=task, no_post_process=True, do_validation=False, monolith=False)
    except Exception as error:  # optimum raises whatever its parts raise
        tail = "\n".join(printed.getvalue().splitlines()[-5:])
        raise ExportError(f"No graph could be made: {type(error).__name__}: {error}\n{tail}".rstrip()) from error
    graphs = {path.stem: onnx.load(path) for path in sorted(work.glob("*.onnx")) if path.stem != _UNUSED}
    for path in work.iterdir():
        if path.is_file():
            path.unlink()  # the graphs are in memory now
    return graphs
