"""The pictures in docs/screens: each is in their index and named there once, and together they stay small."""

from __future__ import annotations

import re
from pathlib import Path

MOST_BYTES = 2_600_000


def test_index_and_pictures_agree(root: Path) -> None:
    folder = root / "docs" / "screens"
    named = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", (folder / "README.md").read_text(encoding="utf-8"))
    there = {path.name for path in folder.iterdir()} - {"README.md"}
    assert len(named) > 40
    assert sorted(named) == sorted(there), "run `make screenshots`"


def test_pictures_are_small(root: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in (root / "docs" / "screens").iterdir()}
    assert sum(sizes.values()) < MOST_BYTES, sizes
