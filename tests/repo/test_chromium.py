"""The search for a browser: the user's word first, then PATH; a wrong word is an error, not a search."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import chromium
from runner import SetupError

PYTHON = Path(sys.executable)


def program(folder: Path, name: str) -> str:
    path = folder / name
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def test_the_named_browser_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "chromium")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", program(tmp_path, "mine"))
    assert chromium.find(PYTHON) == str(tmp_path / "mine")


def test_a_named_browser_that_is_none_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    with pytest.raises(SetupError, match="CHROMIUM is set to /no/such/browser, which is not a program"):
        chromium.find(PYTHON)


@pytest.mark.parametrize("name", chromium.NAMES)
def test_browsers_are_found_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    expected = program(tmp_path, name)
    assert chromium.find(PYTHON) == expected
