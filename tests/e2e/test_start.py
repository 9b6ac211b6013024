"""`make run` on a checkout that is set up: no step is done again, the page is there, Ctrl-C ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from steps import Checkout
from tasks import Setup

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_a_second_start_serves_at_once() -> None:
    setup = Setup(Checkout(ROOT), None)
    if setup.pending(setup.to_serve()):
        pytest.skip("this checkout was not set up by make: starting it would")
    process = subprocess.Popen(
        [sys.executable, "build/bootstrap.py", "run", "--", "--no-browser", "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url, timeout=120) as answer:
            page = answer.read()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert page == (ROOT / "web" / "dist" / "index.html").read_bytes()
    assert "steps to do" not in said
    assert process.returncode == 0
