"""What `make run` does beside the server: started with its output in a log, and only where it brings nothing along."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import background
from stamps import Stamps
from steps import Checkout
from tasks import Setup


def test_the_task_runs_by_itself_and_writes_its_log(tmp_path: Path) -> None:
    process = background.begin(Checkout(tmp_path), "no-such-task", "Nothing is made")
    assert process.wait(120) == 2
    assert "invalid choice: 'no-such-task'" in (tmp_path / ".data" / "logs" / "no-such-task.log").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_the_task_ends_when_its_starter_has_ended(root: Path) -> None:
    program = "import background, threading; background.follow(); print('here', flush=True); threading.Event().wait(120)"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=root / "build", stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        assert process.poll() is None
        process.stdin.close()
        assert process.wait(120) == -signal.SIGTERM


def test_a_bundle_placed_by_hand_brings_no_exporter_along(root: Path, tmp_path: Path) -> None:
    shutil.copyfile(root / "pyproject.toml", tmp_path / "pyproject.toml")
    setup = Setup(Checkout(tmp_path), None)
    assert setup.to_make_later() == []
    export = setup.python["export"]
    Stamps(tmp_path / ".data" / "stamps", tmp_path).write(export.name, export.inputs(), [])
    assert [step.name for step in setup.to_make_later()] == ["model-all-minilm-l6-v2", "model-smollm2-135m-grammar"]
    for step in setup.later:
        Stamps(tmp_path / ".data" / "stamps", tmp_path).write(step.name, step.inputs(), [])
    assert setup.to_make_later() == []
