"""Blocks of quantised GGUF files: dequantised they must be the loaded PyTorch weights, bit for bit."""

import shutil

import gguf
import numpy as np
import pytest
import torch
from gguf.quants import quantize
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from slm_export.calibrate import calibrate
from slm_export.checkpoint import reopen
from slm_export.gguf_blocks import exact_int4, source_blocks
from slm_export.row_store import RowStore

QUANTISED = gguf.GGMLQuantizationType
SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 64, "max_position_embeddings": 32}


def write_gguf(path, model, architecture, kind):
    """The model as llama.cpp's converter stores it, but for its Llama row order: any order of random rows will do."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        stored = str(names.get_name(name, (".weight", ".bias")))
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        if tensor.ndim == 2:
            writer.add_tensor(stored, quantize(tensor.numpy(), kind), raw_dtype=kind)
        else:
            writer.add_tensor(stored, tensor.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.mark.parametrize("kind", [QUANTISED.Q4_0, QUANTISED.Q4_1, QUANTISED.Q8_0])
@pytest.mark.parametrize(("architecture", "config"), [("llama", LlamaConfig), ("qwen2", Qwen2Config)])
def test_blocks_are_the_weights_that_pytorch_loads(kind, architecture, config, tmp_path):
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        config(**SIZES, num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True), dtype=torch.float32
    )
    write_gguf(tmp_path / "tiny.gguf", model, architecture, kind)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf", dtype=torch.float32).state_dict()
    blocks = source_blocks(tmp_path / "tiny.gguf")
    assert set(blocks) == {name for name, tensor in loaded.items() if tensor.ndim == 2 and name != "lm_head.weight"}
    for name, block in blocks.items():
        assert block.bits == (8 if kind == QUANTISED.Q8_0 else 4)
        assert block.scales.shape == (block.quants.shape[0], block.quants.shape[1] // 32)
        assert np.array_equal(block.dequantise(), loaded[name].numpy()), name


def test_architectures_with_another_conversion_have_no_blocks(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "x.gguf", "gpt2")
    writer.add_tensor("token_embd.weight", quantize(np.ones((2, 32), np.float32), QUANTISED.Q8_0), raw_dtype=QUANTISED.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    assert dict(source_blocks(tmp_path / "x.gguf")) == {}


def test_q4_0_is_carried_over_bit_for_bit_and_q4_1_cannot_be(tmp_path, tiny_source, reporter):
    """Beside matrices that are not 4-bit in the source, which are fitted as ever."""
    source = AutoModelForCausalLM.from_pretrained(tiny_source, dtype=torch.float32)
    write_gguf(tmp_path / "tiny.gguf", source, "llama", QUANTISED.Q4_0)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="tiny.gguf", dtype=torch.float32)
    model.save_pretrained(tmp_path / "float32")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny_source / name, tmp_path / "float32" / name)
    exact = exact_int4(tmp_path / "tiny.gguf", model.config)
    fitted = "model.layers.1.mlp.down_proj.weight"
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items() if name.endswith("_proj.weight")}
    for given in (exact, {name: blocks for name, blocks in exact.items() if name != fitted}):
        calibrate(reopen(tmp_path / "float32"), tmp_path / "rows.npz", reporter, exact=given)
        rows = RowStore(tmp_path / "rows.npz")
        for name, weight in weights.items():
            blocks = rows.find(weight)
            assert blocks is not None
            assert np.array_equal(blocks.dequantize(weight.shape[1]), weight) == (name in given), name
    write_gguf(tmp_path / "tiny.gguf", source, "llama", QUANTISED.Q4_1)
    assert exact_int4(tmp_path / "tiny.gguf", model.config) == {}
