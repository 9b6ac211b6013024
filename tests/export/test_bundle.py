"""Whole exports through the command line, and what happens when they must not succeed."""

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from slm_export import decoder_kind, recipes, variant_recipes
from slm_export.bundle import export_bundle
from slm_export.errors import ExportError, VerifyError
from slm_export.export_inputs import export_inputs, is_current
from slm_export.integrity import check_files
from slm_export.manifest import load_manifest
from slm_export.quantize import Int8Blocks, int8_blocks
from slm_export.sources import resolve


@pytest.fixture
def origin(tiny_source, reporter):
    return resolve(str(tiny_source), downloads=tiny_source, revision=None, reporter=reporter)


def test_export_through_the_command_line(run_cli, tiny_source, tmp_path):
    out = tmp_path / "bundle"
    done = run_cli("model", tiny_source, "--out", out, "--variants", "cpu-int8", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [variant["name"] for variant in result["variants"]] == ["cpu-int8"]
    manifest = load_manifest(out)
    check_files(out, manifest)
    assert manifest.variants[0].fidelity.perplexity_ratio <= 1.01
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bundle"]
    listed = {entry.path for entry in manifest.all_files()} | {"manifest.json", "export.json"}
    assert {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()} == listed
    for name, digest in ((entry.path, entry.sha256) for entry in manifest.all_files()):
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_the_same_input_gives_the_same_bytes(origin, tiny_bundle, tmp_path, reporter):
    export_bundle(origin, tmp_path / "again", ["cpu-int8"], reporter)
    for name in ("cpu-int8/model.onnx", "cpu-int8/model.onnx.data", "tokenizer.json"):
        assert (tmp_path / "again" / name).read_bytes() == (tiny_bundle / name).read_bytes()


def test_an_export_below_its_threshold_is_not_installed(origin, tmp_path, reporter, monkeypatch):
    """The real path with a real fault: 8-bit values whose sign is lost in one block in four."""
    honest = int8_blocks

    def faulty(weight, block):
        blocks = honest(weight, block)
        values = blocks.values.copy()
        values[:, ::4] = np.abs(values[:, ::4])
        return Int8Blocks(values, blocks.scales, block)

    monkeypatch.setattr("slm_export.variants.int8_blocks", faulty)
    out = tmp_path / "bundle"
    with pytest.raises(VerifyError, match=r"not installed|do not continue any test prompt"):
        export_bundle(origin, out, ["cpu-int8"], reporter)
    assert list(tmp_path.iterdir()) == []


def test_the_threshold_itself_is_named(origin, tmp_path, reporter, monkeypatch):
    strict = dataclasses.replace(variant_recipes.RECIPES["webgpu-q4f32"], max_perplexity_ratio=1.0001)
    monkeypatch.setitem(variant_recipes.RECIPES, "webgpu-q4f32", strict)
    with pytest.raises(VerifyError, match=r"webgpu-q4f32: perplexity ratio 1\.\d+ \(at most 1\.0001\)"):
        export_bundle(origin, tmp_path / "bundle", ["webgpu-q4f32"], reporter)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_export_leaves_the_old_bundle(origin, tiny_bundle, tmp_path, reporter, monkeypatch):
    out = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    monkeypatch.setattr(decoder_kind, "build_float_graph", lambda *_, **__: (_ for _ in ()).throw(ExportError("no")))
    with pytest.raises(ExportError):
        export_bundle(origin, out, ["cpu-int8"], reporter)
    check_files(out, load_manifest(out))
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_folder_that_is_not_a_bundle_is_never_overwritten(run_cli, tiny_source, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    done = run_cli("model", tiny_source, "--out", tmp_path / "thesis")
    assert done.returncode == 1
    assert "is not a bundle, so it is not overwritten" in done.stderr
    assert (tmp_path / "thesis" / "chapter1.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "model.onnx.data: missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), r"model.onnx.data: \d+,\d+ bytes, expected"),
        (lambda path: path.write_bytes(b"X" + path.read_bytes()[1:]), "model.onnx.data: content changed"),
    ],
    ids=["missing", "cut short", "changed"],
)
def test_verify_names_the_damaged_file(damage, message, tiny_bundle, tmp_path, run_cli):
    out = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    assert run_cli("verify", out).returncode == 0
    damage(out / "cpu-int8" / "model.onnx.data")
    done = run_cli("verify", out)
    assert done.returncode == 1
    with pytest.raises(VerifyError, match=message):
        check_files(out, load_manifest(out))
    assert "Export the bundle again" in done.stderr


def test_a_bundle_is_current_only_for_its_own_inputs(origin, tiny_bundle, tmp_path):
    inputs = export_inputs(origin, variant_recipes.DEFAULT_VARIANTS)
    assert is_current(tiny_bundle, inputs)
    assert not is_current(tiny_bundle, export_inputs(origin, ["cpu-int8"]))
    assert not is_current(tmp_path, inputs)
    out = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    (out / "tokenizer.json").write_text("{}")
    assert not is_current(out, inputs)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["model"], 2, "Missing argument 'SOURCE'"),
        (["model", "x", "--out", "y", "--variants", "q3"], 2, "q3: unknown. There are webgpu-q8f16, webgpu-q4f16"),
        (["model", "no such model", "--out", "y"], 1, "not a model that can be found"),
        (["verify", "no-such-folder"], 1, "Is no-such-folder a bundle folder?"),
    ],
)
def test_wrong_usage_and_failed_jobs_have_their_exit_codes(run_cli, arguments, code, message):
    done = run_cli(*arguments)
    assert done.returncode == code
    assert message in done.stderr


def test_list_shows_names_and_variants(run_cli):
    listed = json.loads(run_cli("list", "--json").stdout)
    assert listed["models"][0]["id"] == recipes.DEFAULT_MODEL
    assert listed["variants"] == list(variant_recipes.RECIPES)
    assert recipes.DEFAULT_MODEL in run_cli("list").stdout
