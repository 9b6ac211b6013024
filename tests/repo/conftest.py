"""What the repository tests share: the checkout and the files that git tracks in it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def tracked() -> list[Path]:
    """Tracked files, relative to the checkout, that are on disk."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [Path(name) for name in listed.split("\0") if name]
    assert len(files) > 20, "git ls-files shows hardly anything: is this a checkout?"
    return [path for path in files if (ROOT / path).is_file()]
