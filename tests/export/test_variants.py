"""The exported graphs in native ONNX Runtime: the same answers as PyTorch, however the tokens are fed."""

import json
import re

import numpy as np
import onnx
import pytest

from slm_export.manifest import load_manifest
from slm_export.ort_decoder import OrtDecoder
from slm_export.variant_recipes import DEFAULT_VARIANTS, RECIPES
from slm_export.weight_file import ALIGNMENT_BYTES


@pytest.fixture(scope="module", params=DEFAULT_VARIANTS)
def variant(request) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def decoder(tiny_bundle, variant) -> OrtDecoder:
    return OrtDecoder(tiny_bundle / variant / "model.onnx")


@pytest.fixture(scope="module")
def golden(tiny_bundle):
    return json.loads((tiny_bundle / "golden.json").read_text())


def test_greedy_tokens_are_pytorchs_over_the_same_quantised_weights(decoder, variant, golden):
    for case in golden["cases"]:
        expected = case["variant_tokens"][variant]
        assert list(decoder.greedy(case["prompt_tokens"], len(expected))) == expected
    assert sum(len(case["variant_tokens"][variant]) for case in golden["cases"]) >= 100  # few ended before a near tie


def test_prefill_in_one_go_in_pieces_and_token_by_token_are_equal(decoder, golden, variant):
    tokens = golden["cases"][0]["prompt_tokens"] + golden["cases"][0]["tokens"]
    tolerance = 0.05 if RECIPES[variant].float16 else 1e-3
    decoder.reset()
    whole = decoder.step(tokens, all_positions=True)
    for size in (1, 5, 7):
        decoder.reset()
        pieces = [decoder.step(tokens[start : start + size], all_positions=True) for start in range(0, len(tokens), size)]
        assert np.abs(np.concatenate(pieces) - whole).max() < tolerance


def test_logits_come_only_where_they_are_asked_for(decoder, golden, variant):
    tokens = golden["cases"][1]["prompt_tokens"]
    decoder.reset()
    last = decoder.step(tokens)
    tolerance = 0.05 if RECIPES[variant].float16 else 1e-3
    assert last.shape == (1, 1024)
    decoder.reset()
    assert np.abs(last[0] - decoder.step(tokens, all_positions=True)[-1]).max() < tolerance


def test_the_graph_has_the_engines_inputs_and_no_mask(tiny_bundle, variant):
    graph = onnx.load(tiny_bundle / variant / "model.onnx", load_external_data=False).graph
    names = [value.name for value in graph.input]
    assert names[:4] == ["input_ids", "seqlens_k", "total_sequence_length", "logit_positions"]
    assert names[4:] == [f"past_key_values.{layer}.{part}" for part in ("key", "value") for layer in range(2)]
    expected = onnx.TensorProto.FLOAT16 if RECIPES[variant].float16 else onnx.TensorProto.FLOAT
    assert {value.type.tensor_type.elem_type for value in graph.input if "past" in value.name} == {expected}
    assert next(v for v in graph.output if v.name == "logits").type.tensor_type.elem_type == onnx.TensorProto.FLOAT


def test_external_tensors_are_aligned_and_inside_the_file(tiny_bundle, variant):
    folder = tiny_bundle / variant
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    size_bytes = (folder / "model.onnx.data").stat().st_size
    external = [tensor for tensor in graph.initializer if tensor.external_data]
    assert external
    for tensor in external:
        where = {entry.key: entry.value for entry in tensor.external_data}
        assert where["location"] == "model.onnx.data"
        assert int(where["offset"]) % ALIGNMENT_BYTES == 0
        assert int(where["offset"]) + int(where["length"]) <= size_bytes
        elements = int(np.prod(tensor.dims))
        assert int(where["length"]) == elements * onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize


def test_embedding_and_head_share_their_bytes(tiny_bundle, variant):
    graph = onnx.load(tiny_bundle / variant / "model.onnx", load_external_data=False).graph
    names = [tensor for tensor in graph.initializer if tensor.name.startswith("lm_head") and ".values" in tensor.name]
    offsets: dict[str, set[str]] = {}
    for tensor in names:  # the matrix, or its tables of frequent and of rare tokens; as the embedding has it and as the head
        table = re.sub(r"(\.head)?\.values(\.blocks)?$", "", tensor.name)
        offsets.setdefault(table, set()).add(next(entry.value for entry in tensor.external_data if entry.key == "offset"))
    assert len(offsets) == (2 if RECIPES[variant].layer_bits == 4 else 1)
    assert all(len(places) == 1 for places in offsets.values())
    assert len(set.union(*offsets.values())) == len(offsets)


def test_no_matrix_stays_float(tiny_bundle, variant):
    """Only norms and rotary tables may: a builder whose option was silently ignored would leave a float matrix."""
    graph = onnx.load(tiny_bundle / variant / "model.onnx", load_external_data=False).graph
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    wide = [t.name for t in graph.initializer if t.data_type in floats and len(t.dims) > 1]
    assert all(name.endswith(".scales") or name in ("cos_cache", "sin_cache") for name in wide)


def test_the_reference_holds_for_every_variant(tiny_bundle, decoder, variant):
    manifest = load_manifest(tiny_bundle)
    reference, fidelity = manifest.reference, manifest.variant(variant).fidelity
    assert len(reference.tokens) >= 4
    assert decoder.greedy(reference.prompt_tokens, len(reference.tokens)) == reference.tokens
    decoder.reset()
    logits = decoder.step(reference.prompt_tokens)[-1]
    error = max(abs(float(logits[entry.token]) - entry.logit) for entry in reference.logits)
    assert error == pytest.approx(fidelity.max_reference_logit_error, abs=0.05)
