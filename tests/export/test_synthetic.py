"""The benchmark's model of random weights: the same bytes for the same seed, the shape that it is said to have."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import gguf
import numpy as np
import pytest


@pytest.fixture(scope="module")
def synthetic() -> ModuleType:
    script = Path(__file__).resolve().parents[1] / "bench" / "peers" / "make_synthetic.py"
    spec = importlib.util.spec_from_file_location("make_synthetic", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_synthetic"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def tokenizer(tmp_path: Path) -> gguf.GGUFReader:
    path = tmp_path / "tokenizer.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(7)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list([f"token {index}" for index in range(96)])
    writer.add_bos_token_id(3)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return gguf.GGUFReader(path)


def test_the_same_seed_gives_the_same_bytes(synthetic: ModuleType, tokenizer: gguf.GGUFReader, tmp_path: Path) -> None:
    files = []
    for name, seed in (("one", 0), ("again", 0), ("other", 1)):
        path = tmp_path / name
        synthetic.write(tokenizer, synthetic.SHAPES["tiny"], path, seed=seed)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    assert files[0] != files[2]


def test_a_file_has_its_own_shape_and_the_other_ones_tokenizer(
    synthetic: ModuleType, tokenizer: gguf.GGUFReader, tmp_path: Path
) -> None:
    synthetic.write(tokenizer, synthetic.SHAPES["tiny"], tmp_path / "model", seed=0)
    reader = gguf.GGUFReader(tmp_path / "model")
    value = {name: field.contents() for name, field in reader.fields.items()}
    assert value["llama.block_count"] == 2
    assert value["tokenizer.ggml.bos_token_id"] == 3
    assert len(value["tokenizer.ggml.tokens"]) == 96
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert len(tensors) == 2 + 2 * 9
    down = tensors["blk.1.ffn_down.weight"]
    assert (down.tensor_type.name, list(down.shape)) == ("Q4_0", [256, 128])
    weights = gguf.dequantize(down.data, down.tensor_type)
    assert float(np.std(weights)) == pytest.approx(0.2 * 256**-0.5, rel=0.05)
    assert tensors["token_embd.weight"].tensor_type.name == "Q8_0"


def test_the_large_one_has_a_billion_weights(synthetic: ModuleType) -> None:
    listed = synthetic.tensors(synthetic.SHAPES["1b"], 49_152)
    assert sum(math.prod(dims) for _, dims, _ in listed) == pytest.approx(1.07e9, rel=0.01)
