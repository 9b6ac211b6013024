"""The real build/bootstrap.py in a copy of the checkout: what it says when it cannot go on, and that it resumes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

COPIED = [
    "build",
    "export",
    "playground",
    "pyproject.toml",
    "requirements.lock",
    "package.json",
    "package-lock.json",
    "README.md",
]
COPIED += ["LICENSE"]


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """A checkout with nothing installed, in a folder whose name has a space."""
    target = tmp_path / "a checkout"
    target.mkdir()
    for name in COPIED:
        if (root / name).is_dir():
            shutil.copytree(root / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(root / name, target / name)
    (target / "web" / "src").mkdir(parents=True)
    return target


def start(copy: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    # No configuration of this machine's pip: with PIP_NO_INDEX there is then nothing to install from.
    own = {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "SLM_PLAYGROUND_DATA": "", **env}
    return subprocess.Popen(
        [sys.executable, "build/bootstrap.py", *arguments],
        cwd=copy,
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(copy: Path, *arguments: str, **env: str) -> tuple[int, str]:
    with start(copy, *arguments, **env) as process:
        _, said = process.communicate()
    return process.returncode, said


def test_an_old_python_is_told_which_one_is_needed(root: Path) -> None:
    script = "import sys, runpy; sys.version_info = (3, 9, 18); runpy.run_path('build/bootstrap.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "is Python 3.9." in done.stderr
    assert "make run PYTHON=" in done.stderr


def test_missing_node_is_said_before_anything_is_installed(copy: Path) -> None:
    code, said = run(copy, "run", PATH=str(copy))
    assert code == 1
    assert "node was not found" in said
    assert "https://nodejs.org" in said
    assert not (copy / ".venv").exists()


def test_old_node_is_told_which_one_is_needed(copy: Path) -> None:
    node = copy / "node"
    node.write_text("#!/bin/sh\necho v18.20.4\n", encoding="utf-8")
    node.chmod(0o755)
    code, said = run(copy, "run", PATH=f"{copy}{os.pathsep}{os.environ['PATH']}")
    assert code == 1
    assert "Node.js 20.19 or newer is needed" in said
    assert "this is Node.js v18.20.4" in said


def test_a_port_that_is_taken_is_said_before_anything_is_installed(copy: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, said = run(copy, "run", "--", "--no-browser", "--port", str(port))
    assert code == 1
    assert f"Port {port} of 127.0.0.1 is taken by another program" in said
    assert 'Use another one: make run ARGS="--port ' in said
    assert not (copy / ".venv").exists()


@pytest.mark.parametrize("port", ["99999", "-1", "eight"])
def test_a_port_that_is_none_is_said_before_anything_is_installed(copy: Path, port: str) -> None:
    code, said = run(copy, "run", "--", "--port", port)
    assert code == 1
    assert '--port needs a number from 0 to 65535: make run ARGS="--port 8799"' in said
    assert not (copy / ".venv").exists()


def test_an_unknown_task_is_wrong_usage(copy: Path) -> None:
    assert run(copy, "fly")[0] == 2


def test_a_bundle_placed_by_hand_is_checked(copy: Path) -> None:
    bundle = copy / ".data" / "models" / "smollm2-135m-instruct"
    bundle.mkdir(parents=True)
    (bundle / "manifest.json").write_text('{"format": 99}', encoding="utf-8")
    code, said = run(copy, "run", PATH=str(copy))
    assert code == 1
    assert "is not used" in said
    assert "this version reads format 1, found 99" in said


@pytest.mark.slow
def test_without_a_network_it_says_what_to_place_where_and_resumes(copy: Path) -> None:
    code, said = run(copy, "run")
    assert code == 1
    assert "Python environment (.venv)" in said
    assert "[2/" in said
    assert str(copy / ".data" / "downloads" / "wheels") in said
    assert "Log: .data/logs/runtime.log" in said
    assert "conflict" not in said, "pip's own words are misleading here"
    code, said = run(copy, "run")
    assert code == 1
    assert "Python environment (.venv)   (next" not in said, "the environment was there: not made again"
    assert "[1/" in said


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_interrupted_work_is_done_again(copy: Path, number: signal.Signals) -> None:
    with start(copy, "run") as process:
        assert process.stderr is not None
        heard = [process.stderr.readline(), process.stderr.readline()]
        assert "[1/" in heard[1], heard
        process.send_signal(number)
        said = process.stderr.read()
    if number == signal.SIGTERM:
        assert process.returncode == 130
        assert "Interrupted. Run the same command again" in said
    code, said = run(copy, "run")
    assert code == 1  # no network here: it comes as far as the packages
    assert "Python environment (.venv)   (next" in said, "a half-made environment must be made again"
    assert (copy / ".venv" / "bin" / "pip").is_file()
