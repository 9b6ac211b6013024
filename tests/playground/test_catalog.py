"""Finding and checking bundles: each way a folder can be wrong has its own sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from slm_export.manifest import Manifest
from slm_playground import catalog

MODEL = "cpu-int8/model.onnx.data"


def error_of(folder: Path, *, deep: bool = False) -> str:
    error = catalog.read_entry(folder, deep=deep).error
    assert error is not None
    return error


def test_a_whole_bundle_has_no_error(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    entry = catalog.read_entry(folder, deep=True)
    assert (entry.error, entry.folder) == (None, folder)
    assert entry.manifest is not None
    assert entry.manifest.id == "tiny"


def test_a_truncated_file_is_named_with_both_sizes(make_bundle: Callable[..., Path]) -> None:
    path = make_bundle() / MODEL
    path.write_bytes(path.read_bytes()[:1234])
    error = error_of(path.parents[1])
    assert f"{path} has 1,234 bytes, its manifest says 10,240" in error
    assert "Export the bundle again" in error


def test_a_missing_file_is_named_and_more_are_counted(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "tokenizer.json").unlink()
    (folder / MODEL).unlink()
    error = error_of(folder)
    assert f"{folder / 'tokenizer.json'} is missing." in error
    assert "(1 more files are wrong too.)" in error


def test_a_changed_byte_is_found_by_the_deep_check_only(make_bundle: Callable[..., Path]) -> None:
    path = make_bundle() / MODEL
    content = bytearray(path.read_bytes())
    content[5000] ^= 1
    path.write_bytes(content)
    assert catalog.read_entry(path.parents[1]).error is None
    assert f"{path} has the right size but another SHA-256" in error_of(path.parents[1], deep=True)


def test_a_folder_in_place_of_a_file(make_bundle: Callable[..., Path]) -> None:
    folder = make_bundle()
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.json").mkdir()
    assert "tokenizer.json is not a plain file" in error_of(folder)


def test_a_renamed_folder_says_how_to_call_it(make_bundle: Callable[..., Path], models: Path) -> None:
    folder = make_bundle().rename(models / "my-copy")
    assert "its manifest says id 'tiny'. Rename the folder to tiny" in error_of(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "manifest.json: not found"),
        ("", "is not JSON"),
        ('{"format": 1', "is not JSON"),
        ("[]", "expected an object"),
        ("null", "expected an object"),
        ('{"format": 99}', "this version reads format 1, found 99"),
        ("{}", "found None"),
        ("[" * 100_000, "is not JSON"),
        ('{"format": ' + "9" * 5_000 + "}", "is not JSON"),
        ("\udcff", "cannot be read"),
    ],
)
def test_an_unusable_manifest_is_named(make_bundle: Callable[..., Path], text: str | None, words: str) -> None:
    path = make_bundle() / "manifest.json"
    path.unlink()
    if text is not None:
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
    error = error_of(path.parent)
    assert words in error
    assert str(path) in error


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b", "C:/x", "a\\b", "", "./a", "a//b"])
def test_a_manifest_that_points_out_of_its_folder_is_refused(
    make_bundle: Callable[..., Path], change_manifest: Any, path: str
) -> None:
    folder = make_bundle()
    change_manifest(folder, lambda data: data["files"][0].update(path=path))
    error = error_of(folder)
    assert "files[0].path" in error


def test_work_in_progress_and_stray_files_are_not_bundles(make_bundle: Callable[..., Path], models: Path) -> None:
    make_bundle(".part-of-an-export")
    make_bundle("whole")
    (models / "notes.txt").write_text("x")
    assert [entry.folder.name for entry in catalog.scan(models).entries] == ["whole"]


def test_a_folder_without_a_manifest_is_listed_as_broken(models: Path) -> None:
    (models / "empty").mkdir()
    found = catalog.scan(models)
    assert "manifest.json: not found" in str(found.entries[0].error)
    assert found.problem is not None
    assert "No usable model" in found.problem


def test_a_bundle_given_as_the_models_folder_is_recognised(make_bundle: Callable[..., Path], models: Path) -> None:
    problem = catalog.scan(make_bundle()).problem
    assert problem is not None
    assert "is itself a bundle" in problem
    assert f"--models {models}" in problem


def test_a_file_given_as_the_models_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    problem = catalog.scan(tmp_path / "file").problem
    assert problem is not None
    assert "cannot be read" in problem


def test_download_size_counts_each_file_once(make_bundle: Callable[..., Path], change_manifest: Any) -> None:
    folder = make_bundle()
    before = catalog.read_entry(folder).manifest
    assert isinstance(before, Manifest)
    change_manifest(folder, lambda data: data["variants"][1]["files"].append(data["files"][0]))
    after = catalog.read_entry(folder).manifest
    assert after is not None
    files = [*json.loads((folder / "manifest.json").read_text())["files"], *before.variants[1].files]
    expected = sum(entry["size_bytes"] if isinstance(entry, dict) else entry.size_bytes for entry in files)
    assert catalog.variants(before)[1].download_bytes == expected
    assert catalog.variants(after)[1].download_bytes == expected
