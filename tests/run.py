"""Runs every test, Python's and the web's one after the other; the last line is `N passed, N failed, N skipped` over both.

Started by `make test` with the environment's Python; CHROMIUM names the browser. Exit code 1 if anything failed, or if
a runner ended badly, or if nothing ran. JUnit files: .data/test-results.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / ".data" / "test-results"


@dataclass(frozen=True, slots=True)
class Counts:
    """Tests by outcome; an error outside a test counts as failed."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_junit(path: Path) -> Counts:
    """Count the test cases of a JUnit XML file.

    Raises: OSError or ElementTree.ParseError where the runner left no whole file.
    """
    total = Counts()
    for case in ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            total += Counts(failed=1)
        elif case.find("skipped") is not None:
            total += Counts(skipped=1)
        else:
            total += Counts(passed=1)
    return total


def judge(name: str, report: Path, exit_code: int) -> Counts:
    """The runner's counts; a runner that ended badly without a failed test (a crash, no tests) counts as one failure."""
    try:
        counts = read_junit(report)
    except (OSError, ElementTree.ParseError) as error:
        print(f"{name}: no readable report ({error}); counted as failed", flush=True)
        return Counts(failed=1)
    if counts == Counts():
        print(f"{name}: no test ran; counted as failed", flush=True)
        return Counts(failed=1)
    if exit_code != 0 and counts.failed == 0:
        print(f"{name}: ended with exit code {exit_code} though no test failed; counted as failed", flush=True)
        return counts + Counts(failed=1)
    return counts


def run(name: str, command: Sequence[str], report: Path) -> Counts:
    """Run one test runner with its output on ours."""
    report.unlink(missing_ok=True)
    print(f"== {name}: {' '.join(command)}", flush=True)
    started = time.monotonic()
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    counts = judge(name, report, code)
    print(f"== {name}: {counts} in {time.monotonic() - started:.0f} s", flush=True)
    return counts


def main(arguments: Sequence[str]) -> int:
    """Run both runners; `arguments` names one of them (`python` or `web`) to run it alone."""
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    # What a shell starts in the background ignores Ctrl-C, and so would the programs that the tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    RESULTS.mkdir(parents=True, exist_ok=True)
    python_report, web_report = RESULTS / "python.xml", RESULTS / "web.xml"
    runners = {
        "python": (
            # Two files at a time (--dist loadfile keeps a file's tests together: they share bundles and servers).
            [sys.executable, "-m", "pytest", "-q", "-n2", "--dist=loadfile", "--durations=10", f"--junitxml={python_report}"],
            python_report,
        ),
        "web": (
            [
                shutil.which("npm") or "npm",
                "run",
                "--silent",
                "test",
                "--",
                "--reporter=default",
                "--reporter=junit",
                f"--outputFile.junit={web_report}",
            ],
            web_report,
        ),
    }
    unknown = set(arguments) - set(runners)
    if unknown:
        print(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(runners)}", file=sys.stderr)
        return 2
    total = Counts()
    for name in arguments or runners:
        total += run(name, *runners[name])
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
