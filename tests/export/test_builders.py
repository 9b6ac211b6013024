"""Models of known families whose sizes or settings the graphs cannot express: said before anything long is done."""

import pytest
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, Phi3Config, PhiConfig

from slm_export.errors import ExportError
from slm_export.graph import build_float_graph

SIZES = {"intermediate_size": 96, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 4, "vocab_size": 64}
SIZES |= {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (LlamaConfig(hidden_size=400, **SIZES), "takes heads whose width is a multiple of 16; this model's are 100 wide"),
        (Phi3Config(hidden_size=192, partial_rotary_factor=0.5, **SIZES), "rotated parts of heads.* of 16; this model's are 24"),
        (GPT2Config(n_embd=48, n_layer=1, n_head=4, vocab_size=64), "heads whose width is a multiple of 8; this model's are 12"),
        (PhiConfig(hidden_size=64, qk_layernorm=True, **SIZES), "norms its queries and keys"),
    ],
    ids=["heads", "rotated part", "heads without rotary", "qk_layernorm"],
)
def test_what_cannot_be_expressed_is_refused(config, message, tmp_path):
    """ONNX Runtime says so at the first run only, after the whole quantisation; qk_layernorm was left out."""
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path / "model")
    with pytest.raises(ExportError, match=message):
        build_float_graph(tmp_path / "model", tmp_path / "graph", head_dim=16)
