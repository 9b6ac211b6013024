"""Where things are: from the environment, in a checkout, in an installed wheel."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from platformdirs import user_data_dir

from slm_playground import paths

ROOT = Path(__file__).parents[2]


def test_a_checkout_keeps_its_data_and_its_ui_to_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLM_PLAYGROUND_DATA", raising=False)
    assert paths.checkout() == ROOT
    assert paths.models_dir() == ROOT / ".data" / "models"
    assert paths.logs_dir() == ROOT / ".data" / "logs"
    assert paths.static_dir() == ROOT / "web" / "dist"


def test_the_environment_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLM_PLAYGROUND_DATA", str(tmp_path / "elsewhere"))
    assert paths.models_dir() == tmp_path / "elsewhere" / "models"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLM_PLAYGROUND_DATA", "here")
    assert paths.data_dir() == tmp_path / "here"


def test_an_installed_wheel_uses_the_users_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SLM_PLAYGROUND_DATA", raising=False)
    package = tmp_path / "site-packages" / "slm_playground"
    monkeypatch.setattr(paths, "_PACKAGE", package)
    assert paths.checkout() is None
    assert paths.static_dir() == package / "static"
    assert paths.data_dir().name == "slm-playground"
    assert ROOT not in paths.data_dir().parents


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere platformdirs itself is asked")
@pytest.mark.parametrize("base", [None, "", "  ", "/srv/data", "/srv/my data/"])
def test_on_linux_it_is_where_platformdirs_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, base: str | None) -> None:
    monkeypatch.delenv("SLM_PLAYGROUND_DATA", raising=False)
    monkeypatch.setattr(paths, "_PACKAGE", tmp_path / "slm_playground")
    monkeypatch.setenv("XDG_DATA_HOME", base or "") if base is not None else monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert paths.home_dir() == Path(user_data_dir("slm-playground", appauthor=False))


def test_a_moved_folder_is_followed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SLM_PLAYGROUND_DATA", str(tmp_path))
    (tmp_path / "moved.json").write_text(json.dumps({"data_dir": str(tmp_path / "new")}), encoding="utf-8")
    assert paths.home_dir() == tmp_path
    assert paths.models_dir() == tmp_path / "new" / "models"
    assert paths.settings_dir() == tmp_path / "new" / "settings"


@pytest.mark.parametrize("note", ["", "{", "[]", "{}", '{"data_dir": 3}', '{"data_dir": "not/absolute"}'])
def test_a_note_that_says_nothing_moves_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, note: str) -> None:
    monkeypatch.setenv("SLM_PLAYGROUND_DATA", str(tmp_path))
    (tmp_path / "moved.json").write_text(note, encoding="utf-8")
    assert paths.data_dir() == tmp_path
