"""Where things are: from the environment, in a checkout, in an installed wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

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
