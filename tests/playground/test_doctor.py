"""`slm-playground doctor`: facts, problems, exit code; in words and as JSON."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from ports import kept_port

from slm_playground import listen, paths
from slm_playground.cli import main


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, models: Path, static: Path) -> Iterator[Callable[..., Result]]:
    """Runs doctor on the folders of this test, with two ports nobody else uses in place of the fixed list."""
    monkeypatch.setenv("SLM_PLAYGROUND_DATA", str(tmp_path))
    monkeypatch.setattr(paths, "static_dir", lambda: static)
    with kept_port() as one, kept_port() as two:
        monkeypatch.setattr(listen, "PORTS", (one, two))
        yield lambda *options: CliRunner().invoke(main, ["doctor", *options])


def test_all_well(doctor: Callable[..., Result], make_bundle: Callable[..., Path], models: Path) -> None:
    make_bundle()
    result = doctor()
    assert result.exit_code == 0, result.output
    assert result.output.rstrip().endswith("Everything is fine.")
    for words in (version("flask"), version("waitress"), str(models), "UI         built", "tiny: webgpu-q4f16 0.0 MB", "GB free"):
        assert words in result.output
    assert result.output.isascii()


def test_json_has_the_facts_of_the_words(doctor: Callable[..., Result], make_bundle: Callable[..., Path], models: Path) -> None:
    folder = make_bundle()
    result = doctor("--json", "--deep")
    assert result.exit_code == 0
    report = json.loads(result.output)
    assert report["ok"] is True
    assert report["problems"] == []
    assert report["versions"]["slm-playground"] == version("slm-playground")
    assert report["paths"]["models"] == str(models)
    assert report["free_ports"] == list(listen.PORTS)
    assert report["files_hashed"] is True
    assert report["disk_free_bytes"] > 0
    (bundle,) = report["bundles"]
    assert (bundle["folder"], bundle["name"], bundle["error"]) == ("tiny", "Tiny tiny", None)
    shared = sum(path.stat().st_size for path in folder.iterdir() if path.is_file() and path.name != "manifest.json")
    own = sum(path.stat().st_size for path in (folder / "cpu-int8").iterdir())
    assert bundle["variants"][1] == {"name": "cpu-int8", "device": "cpu", "download_bytes": shared + own}


def test_deep_finds_what_the_quick_look_cannot(doctor: Callable[..., Result], make_bundle: Callable[..., Path]) -> None:
    path = make_bundle() / "cpu-int8/model.onnx.data"
    path.write_bytes(bytes(path.stat().st_size))
    assert doctor().exit_code == 0
    result = doctor("--deep")
    assert result.exit_code == 1
    assert "tiny: BROKEN" in result.output
    assert "another SHA-256" in result.output


def test_each_problem_is_told_with_what_to_do(
    doctor: Callable[..., Result], make_bundle: Callable[..., Path], static: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil
    from types import SimpleNamespace

    (make_bundle() / "tokenizer.json").unlink()
    (static / "index.html").unlink()
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=5_000_000))
    with socket.create_server(("127.0.0.1", listen.PORTS[0])), socket.create_server(("127.0.0.1", listen.PORTS[1])):
        result = doctor("--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["ok"] is False
    assert report["free_ports"] == []
    assert report["taken_ports"] == list(listen.PORTS)
    broken, none_usable, ui, ports, disk = report["problems"]
    assert "tokenizer.json is missing" in broken
    assert "No usable model" in none_usable
    assert "`npm run build`" in ui
    assert "--port" in ports
    assert "Only 5 MB are free" in disk


def test_one_taken_port_is_a_fact_and_not_a_problem(doctor: Callable[..., Result], make_bundle: Callable[..., Path]) -> None:
    make_bundle()
    with socket.create_server(("127.0.0.1", listen.PORTS[0])):
        result = doctor()
    assert result.exit_code == 0
    assert f"free: {listen.PORTS[1]}, taken: {listen.PORTS[0]}" in result.output


def test_no_models_folder_yet(doctor: Callable[..., Result], tmp_path: Path) -> None:
    result = doctor("--models", str(tmp_path / "nowhere" / "models"))
    assert result.exit_code == 1
    assert "There is no models folder at" in result.output
    assert "`make run`" in result.output


def test_doctor_changes_nothing(doctor: Callable[..., Result], make_bundle: Callable[..., Path], tmp_path: Path) -> None:
    make_bundle()
    before = sorted(tmp_path.rglob("*"))
    doctor("--deep")
    assert sorted(tmp_path.rglob("*")) == before
