"""The manifest's Python reader over the fixtures that the browser's reader shares."""

import json
from pathlib import Path

import pytest

from slm_export.manifest import ManifestError, is_safe_path, load_manifest, parse_manifest, to_json

MANIFESTS = Path(__file__).resolve().parents[1] / "fixtures" / "manifests"
VALID = sorted((MANIFESTS / "valid").glob("*.json"))
INVALID = sorted((MANIFESTS / "invalid").glob("*.json"))


def test_there_are_fixtures():
    assert len(VALID) >= 2
    assert len(INVALID) >= 10


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_manifests_are_read_and_written_again(path):
    manifest = parse_manifest(path.read_text(encoding="utf-8"))
    assert parse_manifest(to_json(manifest)) == manifest


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid_manifests_name_the_field(path):
    case = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(ManifestError) as caught:
        parse_manifest(json.dumps(case["manifest"]), "bundle/manifest.json")
    assert f"bundle/manifest.json: {case['expect']}: " in str(caught.value)


def test_a_real_bundle_is_read_and_written_byte_for_byte(tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    assert to_json(manifest) == (tiny_bundle / "manifest.json").read_text(encoding="utf-8")
    assert manifest.variant("cpu-int8").device == "cpu"
    with pytest.raises(KeyError, match="has no variant 'q2'"):
        manifest.variant("q2")


def test_a_missing_or_broken_file_says_what_to_do(tmp_path):
    with pytest.raises(ManifestError, match="not found. Is .* a bundle folder"):
        load_manifest(tmp_path)
    (tmp_path / "manifest.json").write_text('{"format": 1, "id": "x", "na', encoding="utf-8")
    with pytest.raises(ManifestError, match="is not JSON.*export or download the bundle again"):
        load_manifest(tmp_path)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "1" * 5_000, "\\x00", "[1, 2]", "null"], ids=["nested", "digits", "binary", "list", "null"]
)
def test_hostile_text_is_a_manifest_error(text):
    with pytest.raises(ManifestError, match="manifest.json: "):
        parse_manifest(text)


@pytest.mark.parametrize("path", ["a", "a/b.onnx", "a-b/c_d.json", "ünïcode.txt"])
def test_safe_paths(path):
    assert is_safe_path(path)


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "a//b", "a/", "./a", "C:a", "a\\b", "a\0b", "..", "."])
def test_unsafe_paths(path):
    assert not is_safe_path(path)
