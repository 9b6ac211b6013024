"""The default bundle, SmolLM2-135M-Instruct: its tokenizer against llama.cpp's, its fidelity, its answers.

`make test` obtains the bundle before; `smollm2_tokenizer.json` was recorded with llama.cpp (wllama 2.4.0) on the same GGUF.
"""

import json

import pytest
from transformers import PreTrainedTokenizerFast

from slm_export.manifest import load_manifest
from slm_export.ort_decoder import OrtDecoder
from slm_export.recipes import DEFAULT_MODEL
from slm_playground.paths import models_dir

from .conftest import ROOT


@pytest.fixture(scope="module")
def bundle():
    path = models_dir() / DEFAULT_MODEL
    assert (path / "manifest.json").is_file(), "the default bundle is missing: run `make test`, which makes it first"
    return path


@pytest.fixture(scope="module")
def tokenizer(bundle):
    return PreTrainedTokenizerFast.from_pretrained(bundle)


CASES = json.loads((ROOT / "tests" / "fixtures" / "smollm2_tokenizer.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_text_is_split_as_llama_cpp_splits_it(tokenizer, case):
    assert tokenizer(case["text"])["input_ids"] == case["ids"]
    assert tokenizer.decode(case["ids"]) == case["text"]


def test_no_bos_is_added_and_turns_end_at_im_end(bundle, tokenizer):
    special = load_manifest(bundle).special_tokens
    assert not special.add_bos
    assert [tokenizer.convert_ids_to_tokens(token) for token in special.eos] == ["<|im_end|>"]


def test_the_chat_template_is_smollm2s(tokenizer):
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert rendered == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    )


def test_fidelity_meets_the_targets(bundle):
    manifest = load_manifest(bundle)
    cpu = manifest.variant("cpu-int8").fidelity
    assert cpu.tokens_compared >= 2000
    assert cpu.perplexity_ratio <= 1.005
    assert cpu.top1_agreement >= 0.97
    assert manifest.variants[0].name == "webgpu-q8f16", "8 bits are the better bargain at this size"
    assert manifest.variants[0].fidelity.perplexity_ratio <= 1.005
    four_bit = manifest.variant("webgpu-q4f16")
    assert four_bit.bits_per_weight <= 5.5
    for name in ("webgpu-q4f16", "webgpu-q4f32"):
        assert manifest.variant(name).fidelity.perplexity_ratio <= 1.06, "plain rounding gives 1.22"
        assert manifest.variant(name).fidelity.top1_agreement >= 0.85
    assert len(manifest.reference.tokens) >= 4


def test_the_cpu_variant_knows_the_capital_of_france(bundle, tokenizer):
    messages = [{"role": "user", "content": "What is the capital of France?"}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    answer = tokenizer.decode(OrtDecoder(bundle / "cpu-int8" / "model.onnx").greedy(prompt, 12))
    assert "Paris" in answer
