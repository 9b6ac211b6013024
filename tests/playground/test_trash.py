"""Deleted models: back where they were while the time runs, gone for good after it."""

from __future__ import annotations

from pathlib import Path

import pytest

from slm_playground.library.errors import LibraryError
from slm_playground.library.trash import FOLDER, Trash


def model(models: Path, name: str = "tiny", text: str = "weights") -> Path:
    folder = models / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_text(text, encoding="utf-8")
    return folder


def test_a_deleted_model_comes_back_once(tmp_path: Path) -> None:
    folder, trash = model(tmp_path), Trash(tmp_path)
    assert trash.put(folder) == len("weights")
    assert not folder.exists()
    trash.restore("tiny")
    assert (folder / "model.onnx").read_text(encoding="utf-8") == "weights"
    with pytest.raises(LibraryError, match="cannot be brought back"):
        trash.restore("tiny")


def test_its_files_are_gone_when_the_time_is_over(tmp_path: Path) -> None:
    trash = Trash(tmp_path, grace_seconds=0)
    trash.put(model(tmp_path))
    trash.join()
    assert list((tmp_path / FOLDER).iterdir()) == []
    with pytest.raises(LibraryError, match="cannot be brought back"):
        trash.restore("tiny")


def test_the_newest_of_one_name_counts_and_another_model_is_not_overwritten(tmp_path: Path) -> None:
    trash = Trash(tmp_path)
    trash.put(model(tmp_path, text="old"))
    trash.put(model(tmp_path, text="new"))
    there = model(tmp_path, text="third")
    with pytest.raises(LibraryError, match="already") as caught:
        trash.restore("tiny")
    assert caught.value.status == 409
    assert (there / "model.onnx").read_text(encoding="utf-8") == "third"
    (there / "model.onnx").unlink()
    there.rmdir()
    trash.restore("tiny")
    assert (there / "model.onnx").read_text(encoding="utf-8") == "new"


def test_names_that_lead_elsewhere_are_none_and_an_earlier_server_leaves_nothing(tmp_path: Path) -> None:
    models = tmp_path / "models"
    outside = model(tmp_path, "outside")
    Trash(models).put(model(models))
    for name in ("..", "../outside", "", "/"):
        with pytest.raises(LibraryError, match="cannot be brought back"):
            Trash(models).restore(name)
    assert outside.is_dir()
    assert not (models / FOLDER).exists()
