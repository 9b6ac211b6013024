"""tests/run.py counts what the runners report, and never calls a broken run a good one."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def runner(root: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("tests_run", root / "tests" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tests_run"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


TESTS = """
import pytest
def test_good(): pass
@pytest.mark.parametrize("n", [1, 2])
def test_bad(n): assert n == 0
@pytest.mark.skip(reason="why")
def test_left_out(): pass
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
"""


def report(tmp_path: Path, text: str) -> tuple[Path, int]:
    """A real report of pytest over `text`, and pytest's exit code."""
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    path = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={path}", "test_it.py"]
    return path, subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode


def test_counts_are_pytests_own(runner: ModuleType, tmp_path: Path) -> None:
    path, code = report(tmp_path, TESTS)
    assert str(runner.judge("x", path, code)) == "1 passed, 3 failed, 1 skipped"


def test_a_file_that_cannot_be_imported_is_a_failure(runner: ModuleType, tmp_path: Path) -> None:
    path, code = report(tmp_path, "import there_is_no_such_module\n")
    assert code != 0
    assert runner.judge("x", path, code).failed == 1


def test_no_tests_are_a_failure(runner: ModuleType, tmp_path: Path) -> None:
    path, code = report(tmp_path, "")
    assert runner.judge("x", path, code).failed == 1


def test_a_runner_that_leaves_no_report_is_a_failure(runner: ModuleType, tmp_path: Path) -> None:
    assert runner.judge("x", tmp_path / "none.xml", 0).failed == 1
    (tmp_path / "cut.xml").write_text("<testsuites><testsuite", encoding="utf-8")
    assert runner.judge("x", tmp_path / "cut.xml", 0).failed == 1


def test_a_bad_exit_code_is_a_failure_whatever_was_counted(runner: ModuleType, tmp_path: Path) -> None:
    path, code = report(tmp_path, "def test_good(): pass\n")
    assert code == 0
    assert str(runner.judge("x", path, code)) == "1 passed, 0 failed, 0 skipped"
    assert str(runner.judge("x", path, 134)) == "1 passed, 1 failed, 0 skipped"
