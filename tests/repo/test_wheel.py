"""The wheel holds the two packages and the built page, serves from a fresh environment, and is refused without a page."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
SOURCES = ["pyproject.toml", "README.md", "LICENSE", "playground", "export", "build"]


def build_wheel(folder: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(out), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert (root / "web" / "dist" / "index.html").is_file(), "build the page first: make build"
    out = tmp_path_factory.mktemp("wheel")
    done = build_wheel(root, out)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_wheel_holds_the_packages_and_the_page(root: Path, wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert wheel.name == "slm_playground-0.1.0-py3-none-any.whl"
    tops = {name.split("/")[0] for name in names}
    assert tops == {"slm_playground", "slm_export", "slm_playground-0.1.0.dist-info"}
    dist = root / "web" / "dist"
    page = {f"slm_playground/static/{path.relative_to(dist).as_posix()}" for path in dist.rglob("*") if path.is_file()}
    assert page <= names
    assert {"slm_playground/static/index.html", "slm_playground/static/slm.js", "slm_export/py.typed"} <= names
    assert not [name for name in names if "__pycache__" in name]


def test_installed_wheel_serves_the_page(root: Path, wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    programs = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", str(programs / "python"), "install", "--quiet"]
    subprocess.run([*pip, "-c", str(root / "requirements.lock"), str(wheel)], check=True)
    server = subprocess.Popen(
        [programs / "slm-playground", "serve", "--port", "0", "--no-browser"],
        cwd=tmp_path,
        env={**os.environ, "SLM_PLAYGROUND_DATA": str(tmp_path / "data")},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:")
            page = (root / "web" / "dist" / "index.html").read_bytes()
            assert urllib.request.urlopen(url, timeout=120).read() == page
            assert urllib.request.urlopen(f"{url}slm.js", timeout=120).headers["Content-Type"].startswith("text/javascript")
        finally:
            server.terminate()
    assert server.returncode == 0


def test_wheel_is_refused_without_the_page(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCES:
        if (root / name).is_dir():
            shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, source / name)
    done = build_wheel(source, tmp_path / "out")
    assert done.returncode != 0
    assert "has no index.html and no slm.js: build the web page first with `make build`" in done.stderr + done.stdout
    assert not list(tmp_path.glob("out/*.whl"))
