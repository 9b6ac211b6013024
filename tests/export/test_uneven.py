"""Matrices whose rows are no whole number of blocks (hidden sizes such as 48): the last block is a short one, everywhere."""

import numpy as np
import onnx
import pytest
import torch
from tokenizers import Tokenizer, models
from transformers import BertConfig, BertForSequenceClassification, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from slm_export.graph import build_float_graph
from slm_export.int8_graph import MIN_WEIGHTS
from slm_export.ort_decoder import OrtDecoder
from slm_export.ort_transformer import OrtEncoder
from slm_export.pretrained import load
from slm_export.quantize import BLOCK, int4_blocks, int8_blocks
from slm_export.sources import resolve
from slm_export.transformer_graph import build_graphs
from slm_export.transformer_graph import write_variant as write_transformer_variant
from slm_export.variant_recipes import RECIPES
from slm_export.variants import write_variant

WIDTH, INNER, VOCABULARY = 48, 112, 300
VARIANTS = [("cpu-int8", 8, 1e-4), ("webgpu-q4f32", 4, 1e-4), ("webgpu-q8f16", 8, 0.05)]
TOKENS = [5, 17, 299, 3, 0, 44, 128]


def uneven_llama(tied):
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=2, num_attention_heads=3,
        num_key_value_heads=1, max_position_embeddings=64, tie_word_embeddings=tied, initializer_range=0.3,
    )).eval()  # fmt: skip


def rounded(model, bits, *, smallest=0):
    """The matrices of `model` as blocks, and back: embedding and head of 8 bits, those in between of `bits`."""
    outer = {id(model.get_input_embeddings().weight), *(id(m.weight) for n, m in model.named_modules() if n == "lm_head")}
    for module in model.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            weight = module.weight.detach().numpy()
            if (isinstance(module, torch.nn.Embedding) and id(module.weight) not in outer) or weight.size < smallest:
                continue
            use_eight = bits == 8 or id(module.weight) in outer
            new = int8_blocks(weight).dequantize() if use_eight else int4_blocks(weight).dequantize(weight.shape[1])
            module.weight.data = torch.from_numpy(new.copy())
    return model


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize(
    ("name", "bits", "tolerance"), [("cpu-int8", 8, 1e-4), ("webgpu-q4f32", 4, 1e-4), ("webgpu-q8f16", 8, 0.05)]
)
@torch.inference_mode()
def test_a_decoder_computes_what_its_blocks_say(name, bits, tolerance, tied, tmp_path):
    assert WIDTH % BLOCK
    assert INNER % BLOCK
    uneven_llama(tied).save_pretrained(tmp_path / "source")
    graph = build_float_graph(tmp_path / "source", tmp_path / "graph", head_dim=16)
    write_variant(graph, RECIPES[name], tmp_path / "variant")
    found = OrtDecoder(tmp_path / "variant" / "model.onnx").step(TOKENS, all_positions=True)
    model = uneven_llama(tied)
    plain = model(torch.tensor([TOKENS])).logits[0].numpy()
    expected = rounded(model, bits)(torch.tensor([TOKENS])).logits[0].numpy()
    assert np.abs(found - expected).max() < tolerance * np.abs(expected).max()
    assert np.abs(plain - expected).max() > 1e-3  # rounding did happen


@torch.inference_mode()
def test_an_encoder_computes_what_its_blocks_say(tmp_path, reporter):
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=VOCABULARY, hidden_size=WIDTH, intermediate_size=INNER, num_hidden_layers=2, num_attention_heads=3,
        max_position_embeddings=64, initializer_range=0.3,
    )  # fmt: skip
    model = BertForSequenceClassification(config).eval()
    model.save_pretrained(tmp_path / "source")
    vocabulary = {"[UNK]": 0, **{f"w{index}": index for index in range(1, VOCABULARY)}}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]").save_pretrained(tmp_path / "source")
    source = load(resolve(str(tmp_path / "source"), downloads=tmp_path, reporter=reporter), tmp_path / "float32")
    build_graphs(source, tmp_path / "graph")
    write_transformer_variant(tmp_path / "graph", RECIPES["cpu-int8"], tmp_path / "variant", embedding_rows=VOCABULARY)
    stored = onnx.load(tmp_path / "variant" / "model.onnx", load_external_data=False).graph.initializer
    quantised = [tuple(tensor.dims) for tensor in stored if tensor.data_type == onnx.TensorProto.INT8]
    assert sorted(quantised) == sorted([(VOCABULARY, WIDTH), *[(INNER, WIDTH)] * 2, *[(WIDTH, INNER)] * 2])
    found = OrtEncoder(tmp_path / "variant").run(TOKENS)
    plain = model(torch.tensor([TOKENS])).logits[0].numpy()
    expected = rounded(model, 8, smallest=MIN_WEIGHTS)(torch.tensor([TOKENS])).logits[0].numpy()
    assert np.abs(found - expected).max() < 1e-4
    assert np.abs(plain - expected).max() > 1e-4
