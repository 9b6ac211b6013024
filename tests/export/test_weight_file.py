"""Weight files: aligned, below the size that a browser can hold, the same bytes stored once."""

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from slm_export.errors import ExportError
from slm_export.graph import open_float_graph
from slm_export.weight_file import ALIGNMENT_BYTES, WeightFiles


def where(tensor: onnx.TensorProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in tensor.external_data}


def test_files_are_split_before_the_limit_and_tensors_begin_at_pages(tmp_path):
    arrays = [np.full(3000, index, np.float32) for index in range(5)]
    with WeightFiles(tmp_path, "model.onnx.data", max_file_bytes=30_000) as files:
        tensors = [files.tensor(f"t{index}", array) for index, array in enumerate(arrays)]
    names = [where(tensor)["location"] for tensor in tensors]
    assert names == ["model.onnx.data"] * 2 + ["model.onnx.data.1"] * 2 + ["model.onnx.data.2"]
    for tensor, array in zip(tensors, arrays, strict=True):
        assert int(where(tensor)["offset"]) % ALIGNMENT_BYTES == 0
        onnx.external_data_helper.load_external_data_for_tensor(tensor, str(tmp_path))
        assert np.array_equal(numpy_helper.to_array(tensor), array)
    assert all(path.stat().st_size <= 30_000 for path in tmp_path.iterdir())


def test_a_tensor_beyond_the_limit_is_refused(tmp_path):
    """It became a file that no browser could open."""
    with (
        WeightFiles(tmp_path, max_file_bytes=30_000) as files,
        pytest.raises(ExportError, match=r"A weight of .* \(100 × 100\) is more than .* a browser holds at once. Choose"),
    ):
        files.tensor("large", np.zeros((100, 100), np.float32))


def test_the_same_bytes_are_stored_once_whatever_their_shape(tmp_path):
    array = np.arange(4096, dtype=np.uint8)
    with WeightFiles(tmp_path) as files:
        first, second = files.tensor("a", array), files.tensor("b", array.reshape(64, 2, 32))
    assert where(first) == where(second)
    assert list(second.dims) == [64, 2, 32]
    assert (tmp_path / "weights.data").stat().st_size == 4096


@pytest.mark.parametrize("count", [4096, 64], ids=["external", "inline"])
def test_a_view_is_the_first_values_in_another_shape_and_stores_nothing(tmp_path, count):
    array = np.arange(count, dtype=np.float32)
    with WeightFiles(tmp_path) as files:
        view = files.view("view", files.tensor("all", array), (count // 8, 2))
    size_bytes = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert size_bytes == (array.nbytes if count == 4096 else 0)
    if count == 4096:
        onnx.external_data_helper.load_external_data_for_tensor(view, str(tmp_path))
    assert np.array_equal(numpy_helper.to_array(view), array[: count // 4].reshape(-1, 2))


def test_small_tensors_and_scalars_stay_in_the_graph(tmp_path):
    with WeightFiles(tmp_path) as files:
        tensor = files.tensor("scalar", np.array(2.5, np.float32))
    assert list(tensor.dims) == []
    assert numpy_helper.to_array(tensor) == pytest.approx(2.5)
    assert not list(tmp_path.iterdir())


def test_float_variants_are_the_original(tiny_source, tmp_path, reporter):
    from slm_export import checkpoint as checkpoints
    from slm_export.graph import build_float_graph
    from slm_export.ort_decoder import OrtDecoder
    from slm_export.sources import resolve
    from slm_export.variant_recipes import RECIPES
    from slm_export.variants import write_variant

    origin = resolve(str(tiny_source), downloads=tmp_path, revision=None, reporter=reporter)
    checkpoint = checkpoints.load(origin, tmp_path / "float32")
    build_float_graph(checkpoint.folder, tmp_path / "graph", head_dim=checkpoint.head_dim)
    tokens = checkpoint.tokenizer("Alice was beginning to get very tired of sitting by her sister")["input_ids"]
    import torch

    with torch.inference_mode():
        expected = checkpoint.load_model()(torch.tensor([tokens])).logits[0].numpy()
    for name, tolerance in (("f32", 1e-4), ("f16", 0.05)):
        write_variant(open_float_graph(tmp_path / "graph", head_dim=checkpoint.head_dim), RECIPES[name], tmp_path / name)
        found = OrtDecoder(tmp_path / name / "model.onnx").step(tokens, all_positions=True)
        assert np.abs(found - expected).max() < tolerance
    sizes = [(tmp_path / name / "model.onnx.data").stat().st_size for name in ("f16", "f32")]
    assert sizes[0] == pytest.approx(sizes[1] / 2, rel=0.05)
