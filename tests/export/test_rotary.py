"""Rotary settings that transformers loses: of a config.json of version 5, and of GGUF files. Each changes what a model says."""

import json
from pathlib import Path

import family_tokenizers
import gguf
import numpy as np
import pytest
import torch
from gguf_vocabulary import add_vocabulary
from transformers import AutoConfig, AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, Phi3Config, Qwen2Config

from slm_export import checkpoint
from slm_export.errors import SourceError
from slm_export.manifest import Source
from slm_export.sources import Origin

SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "vocab_size": 512, "pad_token_id": 0}
HEADS = {"num_attention_heads": 2, "num_key_value_heads": 1}
LINEAR = {"rope_type": "linear", "factor": 4.0}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}
LLAMA3 = {"rope_type": "llama3", "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
LLAMA3 |= {"original_max_position_embeddings": 8192}
LONG = {"type": "longrope", "short_factor": [1 + 0.3 * i for i in range(12)], "long_factor": [2 + 0.7 * i for i in range(12)]}
LONG_CONTEXT = "original_max_position_embeddings"
PHI4 = {"rope_scaling": LONG, "partial_rotary_factor": 0.75, LONG_CONTEXT: 128, "sliding_window": 24}


def origin(path: Path) -> Origin:
    return Origin(path, Source("folder", "test", None, None), "test", "test", "", "MIT", None, None)


def made(config):
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()


def logits(model):
    with torch.inference_mode():
        return model(torch.arange(3, 67)[None]).logits[0]


def loaded(path, work):
    return checkpoint.load(origin(path), work).load_model()


def write_gguf(path, architecture, model, rope, tokenizer="gpt2"):
    """As llama.cpp's converter writes it, with the rotary settings that `rope` adds."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_vocab_size(config.vocab_size)
    writer.add_pad_token_id(config.pad_token_id)
    add_vocabulary(writer, tokenizer, family_tokenizers.build(tokenizer, None))
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH[architecture.upper()], config.num_hidden_layers)
    for name, tensor in model.state_dict().items():
        array = tensor.numpy()
        if architecture == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = config.num_attention_heads if "q_proj" in name else config.num_key_value_heads
            rows, columns = array.shape
            array = array.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)
        writer.add_tensor(str(names.get_name(name, (".weight", ".bias"))), np.ascontiguousarray(array))
    rope(writer, config)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def linear(writer, config):
    writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
    writer.add_rope_scaling_factor(config.rope_scaling["factor"])


def yarn(writer, config):
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(config.rope_scaling["factor"])
    writer.add_rope_scaling_orig_ctx_len(config.rope_scaling["original_max_position_embeddings"])


def llama3(writer, config):
    """What each frequency is divided by (convert_hf_to_gguf.py, LlamaModel.generate_extra_tensors)."""
    dim = config.head_dim
    plain = 1.0 / config.rope_theta ** (np.arange(0, dim, 2) / dim)
    settings = config.rope_scaling
    smooth = (settings["original_max_position_embeddings"] * plain / (2 * np.pi) - 1.0) / 3.0
    blend = np.clip(smooth, 0.0, 1.0)
    writer.add_tensor("rope_freqs.weight", (1 / ((1 - blend) / settings["factor"] + blend)).astype(np.float32))
    writer.add_rope_dimension_count(dim)


def long_rope(writer, config):
    for name in ("short", "long"):
        factors = np.array(config.rope_scaling[f"{name}_factor"], np.float32)
        writer.add_tensor(f"rope_factors_{name}.weight", factors)
    writer.add_rope_scaling_orig_ctx_len(config.original_max_position_embeddings)
    writer.add_rope_dimension_count(int(config.hidden_size // config.num_attention_heads * config.partial_rotary_factor))
    writer.add_sliding_window(config.sliding_window)


@pytest.mark.parametrize(
    ("architecture", "config", "rope"),
    [
        ("qwen2", Qwen2Config(**SIZES, **HEADS, rope_scaling=LINEAR), linear),
        ("qwen2", Qwen2Config(**SIZES, **HEADS, rope_scaling=YARN), yarn),
        ("llama", LlamaConfig(**SIZES, **HEADS, rope_theta=5e5, rope_scaling=LLAMA3), llama3),
        ("phi3", Phi3Config(**SIZES, **HEADS, **PHI4, max_position_embeddings=1024), long_rope),
    ],
    ids=["linear", "yarn", "llama3", "longrope, part of a head, window"],
)
def test_a_gguf_keeps_its_rotary_scaling(architecture, config, rope, tmp_path):
    """transformers 4.57 reads none of these: Llama 3.2 or Phi-3.5 from a GGUF was another model, compared with itself."""
    model = made(config)
    path = write_gguf(tmp_path / "x.gguf", architecture, model, rope)
    again = loaded(path, tmp_path / "work")
    assert torch.allclose(again.model.rotary_emb.inv_freq, model.model.rotary_emb.inv_freq, rtol=1e-5)
    difference = (logits(again) - logits(model)).abs().max()
    assert difference < 1e-4, difference


def test_factors_that_cannot_be_said_are_refused(tmp_path):
    odd = np.linspace(1, 3, 16, dtype=np.float32)
    model = made(LlamaConfig(**SIZES, **HEADS))
    path = write_gguf(tmp_path / "x.gguf", "llama", model, lambda writer, _: writer.add_tensor("rope_freqs.weight", odd))
    with pytest.raises(SourceError, match=r"rope_freqs.weight.*not Llama 3's.*Hugging Face folder"):
        loaded(path, tmp_path / "work")


def test_tensors_that_the_model_lacks_are_not_left_out(tmp_path):
    """A Llama with biases: transformers drops them without a word."""
    model = made(LlamaConfig(**SIZES, **HEADS))
    bias = np.ones(64, np.float32)
    path = write_gguf(tmp_path / "x.gguf", "llama", model, lambda writer, _: writer.add_tensor("blk.0.attn_q.bias", bias))
    with pytest.raises(SourceError, match=r"holds 1 tensors that a LlamaForCausalLM does not have \(blk.0.attn_q.bias"):
        loaded(path, tmp_path / "work")


def write_folder(folder, model, rope_parameters, *, inside=None):
    """A folder as transformers 5 saves it; `inside`: the config one level down, as in a multimodal checkpoint."""
    model.save_pretrained(folder)
    family_tokenizers.build("gpt2", None).save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    for name in (
        "rope_theta",
        "rope_scaling",
        "rope_local_base_freq",
        "partial_rotary_factor",
        "original_max_position_embeddings",
    ):
        config.pop(name, None)
    config["rope_parameters"] = rope_parameters
    if inside:
        config = inside | {"text_config": config}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


GEMMA3 = Gemma3TextConfig(
    **SIZES, **HEADS, head_dim=32, rope_theta=3e5, rope_local_base_freq=500.0, rope_scaling=LINEAR | {"factor": 8.0},
    sliding_window=16, layer_types=["sliding_attention", "full_attention"],
)  # fmt: skip
GEMMA3_ROPE = {
    "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 3e5},
    "sliding_attention": {"rope_type": "default", "rope_theta": 500.0},
}
PHI4_ROPE = {
    "rope_type": "longrope", "short_factor": LONG["short_factor"], "long_factor": LONG["long_factor"], "rope_theta": 1e4,
    "partial_rotary_factor": 0.75, "original_max_position_embeddings": 128,
}  # fmt: skip


@pytest.mark.parametrize(
    ("config", "rope", "inside"),
    [
        (GEMMA3, GEMMA3_ROPE, None),
        (GEMMA3, GEMMA3_ROPE, {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"]}),
        (Phi3Config(**SIZES, **HEADS, **PHI4, max_position_embeddings=1024), PHI4_ROPE, None),
    ],
    ids=["by the kind of layer", "inside a multimodal config", "part of a head"],
)
def test_rope_parameters_of_transformers_5(config, rope, inside, tmp_path):
    model = made(config)
    folder = write_folder(tmp_path / "source", model, rope, inside=inside)
    difference = (logits(loaded(folder, tmp_path / "work")) - logits(model)).abs().max()
    assert difference < 1e-4, difference


def test_rope_parameters_by_layers_that_are_not_known(tmp_path):
    model = made(LlamaConfig(**SIZES, **HEADS))
    folder = write_folder(tmp_path / "source", model, {"full_attention": {"rope_theta": 3e5}})
    with pytest.raises(SourceError, match="rotary settings for full_attention that a llama model is not known to have"):
        loaded(folder, tmp_path / "work")


def test_layers_that_config_json_does_not_speak_of_are_not_left_out(tmp_path):
    """transformers would load the first layer alone."""
    made(LlamaConfig(**SIZES, **HEADS)).save_pretrained(tmp_path / "source")
    family_tokenizers.build("gpt2", None).save_pretrained(tmp_path / "source")
    config = AutoConfig.from_pretrained(tmp_path / "source")
    config.num_hidden_layers = 1
    config.save_pretrained(tmp_path / "source")
    with pytest.raises(SourceError, match=r"weights of layers that its config.json does not speak of \(model.layers.1"):
        loaded(tmp_path / "source", tmp_path / "work")


@pytest.mark.parametrize(
    ("tokenizer", "stated", "ends"),
    [("gpt2", [7, 9], [0, 7, 9]), ("gemma", [], [1, 5]), ("qwen", [], [2])],
    ids=["stated", "by name", "one"],
)
def test_a_gguf_names_all_that_ends_a_turn(tokenizer, stated, ends, tmp_path):
    """transformers takes the EOS alone: a Gemma from a GGUF went on after <end_of_turn>."""

    def add_ends(writer, _):
        for add, token in zip((writer.add_eot_token_id, writer.add_eom_token_id), stated, strict=False):
            add(token)

    model = made(Qwen2Config(**SIZES, **HEADS))
    path = write_gguf(tmp_path / "x.gguf", "qwen2", model, add_ends, tokenizer)
    assert loaded(path, tmp_path / "work").generation_config.eos_token_id == ends
