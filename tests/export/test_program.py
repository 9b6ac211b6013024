"""program.json: read off the graph that was written, the same model, and nothing where the graph has something unknown."""

import copy
import json
import shutil

import numpy as np
import onnx
import pytest
from family_rows import ROWS
from onnx import helper

from slm_export import decoder_program as dp
from slm_export.errors import VerifyError
from slm_export.manifest import load_manifest
from slm_export.ort_decoder import OrtDecoder
from slm_export.program_check import check_program
from slm_export.program_graph import read_program
from slm_export.program_run import run_program
from slm_export.weight_file import ALIGNMENT_BYTES

WITHOUT = {"mixtral"}  # a router and experts: ONNX Runtime's
KNOWN = [row.name for row in ROWS if row.name not in WITHOUT]


@pytest.fixture
def bundles(family_bundles):
    return family_bundles


def graph_of(folder):
    return onnx.load(folder / "cpu-int8" / "model.onnx", load_external_data=False)


@pytest.mark.parametrize("name", KNOWN)
def test_a_program_computes_what_its_graph_computes(bundles, name):
    """Every logit after every token of a prompt that is longer than any window."""
    folder = bundles / name / "cpu-int8"
    program = read_program(graph_of(bundles / name))
    assert (folder / dp.PROGRAM_NAME).read_text() == dp.to_json(program)
    prompt = json.loads((bundles / name / "golden.json").read_text())["cases"][2]["prompt_tokens"]
    expected = OrtDecoder(folder / "model.onnx").step(prompt, all_positions=True)
    logits = run_program(program, folder, prompt, last=len(prompt)).numpy()
    assert np.abs(logits - expected).max() < 1e-4 * np.abs(expected).max()
    rounded = run_program(program, folder, prompt, last=len(prompt), rounds_activations=True).numpy()
    assert 1e-4 < np.abs(rounded - logits).max() / np.abs(expected).max() < 0.05


@pytest.mark.parametrize("name", sorted(WITHOUT))
def test_a_family_that_a_program_cannot_say_has_none(bundles, name):
    assert not (bundles / name / "cpu-int8" / dp.PROGRAM_NAME).exists()
    variants = load_manifest(bundles / name).variants
    assert [variant.program for variant in variants] == [None] * len(variants)
    with pytest.raises(dp.UnknownGraph, match="router"):
        read_program(graph_of(bundles / name))


def test_a_bundle_says_where_its_program_and_its_tensors_are(bundles):
    manifest = load_manifest(bundles / "gpt2")
    variant = manifest.variant("cpu-int8")
    assert variant.program
    assert variant.program.path == "cpu-int8/program.json"
    assert variant.reference_logits
    assert variant.program.path in {entry.path for entry in variant.files}
    assert variant.program.answer_logits[0] == pytest.approx(variant.reference_logits, abs=2e-4)
    assert [variant.program for variant in manifest.variants if variant.device != "cpu"] == [None]
    fields = json.loads((bundles / "gpt2" / variant.program.path).read_text())
    size_bytes = {entry.path: entry.size_bytes for entry in variant.files}
    widths = {"int8": 1, "float16": 2, "float32": 4}
    for tensor in fields["tensors"]:
        assert tensor["offset"] % ALIGNMENT_BYTES == 0
        end = tensor["offset"] + widths[tensor["dtype"]] * int(np.prod(tensor["shape"]))
        assert end <= size_bytes[f"cpu-int8/{tensor['file']}"]
    tables = [tensor["name"] for tensor in fields["tensors"] if tensor["shape"][0] == manifest.vocab_size]
    assert len(tables) == 2  # values and scales of one matrix: the embedding is the head


def test_what_a_program_cannot_say_is_never_guessed(bundles):
    """A node more, another attribute, another input: each is unknown, wherever it is."""
    model = graph_of(bundles / "gemma-2")
    changes = {
        "another operator": lambda node: setattr(node, "op_type", "Elu") if node.op_type == "Gelu" else None,
        "another axis": lambda node: set_attribute(node, "Gather", "axis", 0) if "logit_positions" in node.input else None,
        "interleaved rotary": lambda node: set_attribute(node, "GroupQueryAttention", "rotary_interleaved", 1),
        "smooth softmax": lambda node: set_attribute(node, "GroupQueryAttention", "smooth_softmax", 1),
        "another block": lambda node: set_attribute(node, "DequantizeLinear", "block_size", 64),
        "a transpose": lambda node: set_attribute(node, "Transpose", "perm", [0, 1]),
        "a norm elsewhere": lambda node: set_attribute(node, "SimplifiedLayerNormalization", "axis", 1),
        "a norm with a bias": lambda node: node.input.append(node.input[2]) if node.op_type.startswith("SkipSimpl") else None,
        "another cache": lambda node: node.input.__setitem__(3, "past_key_values.7.key") if len(node.input) > 8 else None,
        "another cap": lambda node: node.input.__setitem__(1, "/model/constants/FLOAT/8.0") if node.op_type == "Div" else None,
    }
    read_program(model)
    for what, change in changes.items():
        changed = copy.deepcopy(model)
        for node in changed.graph.node:
            change(node)
        assert changed != model, what
        with pytest.raises(dp.UnknownGraph):
            read_program(changed)


def set_attribute(node, operator, name, value):
    if node.op_type != operator:
        return
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend([*kept, helper.make_attribute(name, value)])


def test_a_program_that_is_not_its_graph_ends_an_export(bundles, tmp_path):
    manifest = load_manifest(bundles / "gpt2")
    variant = manifest.variant("cpu-int8")
    assert variant.reference_logits
    folder = tmp_path / "cpu-int8"
    shutil.copytree(bundles / "gpt2" / "cpu-int8", folder)
    found = check_program(folder, "model.onnx", manifest.reference, variant.reference_logits)
    assert found == variant.program
    other = tuple(logit + 0.1 for logit in variant.reference_logits)
    with pytest.raises(VerifyError, match=r"its program gives other logits than its graph \(off by 0\.1"):
        check_program(folder, "model.onnx", manifest.reference, other)
    (folder / dp.PROGRAM_NAME).unlink()
    assert check_program(folder, "model.onnx", manifest.reference, variant.reference_logits) is None
