"""The plan of an export against what exports made, and the refusal of one that does not fit."""

import dataclasses
import json
import struct

import pytest

from slm_export.errors import ExportError, SourceError
from slm_export.manifest import load_manifest
from slm_export.plan import checkpoint_shapes, make_plan, problems, require_resources
from slm_export.shapes import classify, safetensors_header


@pytest.fixture
def plan(tiny_source, tiny_bundle, tmp_path):
    variants = [variant.name for variant in load_manifest(tiny_bundle).variants]
    return make_plan("tiny", checkpoint_shapes(str(tiny_source), tmp_path), tmp_path / "a" / "b", variants)


def test_estimated_sizes_are_within_two_percent_of_the_bundle(plan, tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    actual = {variant.name: sum(entry.size_bytes for entry in variant.files) for variant in manifest.variants}
    assert plan.parameters == manifest.parameters
    assert {variant.name for variant in plan.variants} == set(actual)
    for variant in plan.variants:
        assert variant.size_bytes == pytest.approx(actual[variant.name], rel=0.02), variant.name


def test_a_model_that_does_not_fit_is_refused_with_the_numbers(plan):
    small = dataclasses.replace(plan, available_memory_bytes=100_000_000, free_disk_bytes=1000)
    assert len(problems(small)) == 2
    with pytest.raises(ExportError, match=r"needs up to 1\.0 GB of memory .* but 0\.1 GB are available\. .*0\.0 MB are free"):
        require_resources(small)
    assert problems(dataclasses.replace(plan, available_memory_bytes=10**12, free_disk_bytes=10**12)) == []


def test_unknown_memory_refuses_nothing(plan):
    assert problems(dataclasses.replace(plan, available_memory_bytes=None, free_disk_bytes=10**12)) == []


def test_dry_run_prints_the_plan_and_writes_nothing(run_cli, tiny_source, tmp_path):
    done = run_cli("model", tiny_source, "--out", tmp_path / "bundle", "--variants", "cpu-int8,f16", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    planned = json.loads(done.stdout)
    assert [variant["name"] for variant in planned["variants"]] == ["cpu-int8", "f16"]
    assert planned["architecture"] == "LlamaForCausalLM"
    assert list(tmp_path.iterdir()) == []
    text = run_cli("model", tiny_source, "--out", tmp_path / "bundle", "--dry-run")
    assert "memory:   up to" in text.stdout
    assert list(tmp_path.iterdir()) == []


def test_query_key_and_value_are_one_matrix_and_a_tied_head_is_none():
    tensors = [
        ("model.embed_tokens.weight", (100, 8)),
        ("lm_head.weight", (100, 8)),
        ("model.layers.0.self_attn.q_proj.weight", (8, 8)),
        ("model.layers.0.self_attn.k_proj.weight", (4, 8)),
        ("model.layers.0.self_attn.v_proj.weight", (4, 8)),
        ("model.layers.0.self_attn.rotary_emb.inv_freq", (4,)),
        ("model.norm.weight", (8,)),
    ]
    tied = classify(tensors, tied=True)
    assert sorted((tensor.role, tensor.shape) for tensor in tied) == [
        ("embedding", (100, 8)), ("kept", (8,)), ("layer", (16, 8)),
    ]  # fmt: skip
    assert [tensor.role for tensor in classify(tensors, tied=False)].count("head") == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no", "not a readable safetensors"),
        (struct.pack("<Q", 1 << 40), "not a readable safetensors"),
        (struct.pack("<Q", 53) + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'[:53], "not a readable safetensors"),
        (struct.pack("<Q", 54) + b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}' + b"1234", "cut short"),
    ],
)
def test_a_damaged_safetensors_header_is_an_error(tmp_path, content, message):
    file = tmp_path / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        safetensors_header(file)
