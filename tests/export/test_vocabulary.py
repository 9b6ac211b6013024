"""Embedding and head in two tables: what the graph computes is what the quantised rows say, for every token."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from slm_export.graph_writer import GraphWriter
from slm_export.quantize import int8_blocks, symmetric_int4_blocks
from slm_export.vocabulary import SplitRows, write_embedding, write_head
from slm_export.weight_file import WeightFiles

FREQUENT, RARE, COLUMNS = 64, 130, 192


@pytest.fixture(scope="module")
def table() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(FREQUENT + RARE, COLUMNS)).astype(np.float32)


@pytest.fixture(scope="module")
def rows(table) -> SplitRows:
    return SplitRows(int8_blocks(table[:FREQUENT], 64), symmetric_int4_blocks(table[FREQUENT:]))


def run(folder, rows, dtype, ids, hidden, *, tied):
    """(embedding [1, S, K], logits [1, S, vocabulary]) from a graph of just the two."""
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    with WeightFiles(folder, "model.onnx.data") as files:
        graph = GraphWriter(files, dtype)
        write_embedding(graph, "table", rows, "embedded")
        write_head(graph, "table" if tied else "head", rows, "hidden", "logits")
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "vocabulary",
            [
                helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "S"]),
                helper.make_tensor_value_info("hidden", kind, [1, "S", COLUMNS]),
            ],
            [
                helper.make_tensor_value_info("embedded", kind, [1, "S", COLUMNS]),
                helper.make_tensor_value_info("logits", kind, [1, "S", FREQUENT + RARE]),
            ],
            list(graph.weights.values()),
        ),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)],
    )
    model.ir_version = 10
    onnx.save_model(model, folder / "model.onnx")
    session = ort.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    return session.run(None, {"input_ids": ids, "hidden": hidden.astype(dtype)})


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-4), (np.float16, 0.05)])
def test_every_token_has_its_row_and_its_logit(tmp_path, table, rows, dtype, tolerance):
    expected = np.concatenate([rows.frequent.dequantize(), rows.rare.dequantize(COLUMNS)])
    assert np.abs(expected - table).max() < 0.5  # the rows are the table's
    ids = np.arange(FREQUENT + RARE)[None]
    hidden = np.random.default_rng(1).normal(size=(1, FREQUENT + RARE, COLUMNS)).astype(np.float32) / 10
    embedded, logits = run(tmp_path, rows, dtype, ids, hidden, tied=True)
    assert np.abs(embedded[0] - expected).max() < tolerance / 10
    assert np.abs(logits[0] - hidden[0] @ expected.T).max() < tolerance


def test_tied_tables_are_stored_once(tmp_path, rows):
    sizes = []
    for tied in (True, False):
        folder = tmp_path / str(tied)
        folder.mkdir()
        outputs = run(folder, rows, np.float32, np.array([[0, 70]]), np.zeros((1, 2, COLUMNS), np.float32), tied=tied)
        assert not np.any(outputs[1])
        sizes.append((folder / "model.onnx.data").stat().st_size)
    assert sizes[1] > 1.8 * sizes[0]
