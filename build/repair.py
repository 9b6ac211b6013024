"""Finds packages that an interrupted pip left half-installed, so that the next pip installs them again.

pip takes a package as installed once its METADATA is there, whatever else is missing. A whole package has a RECORD that
lists every file; one that does not agree with its RECORD loses its metadata folder here, and pip does the rest.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path


def remove_half_installed(venv: Path) -> list[str]:
    """Remove the metadata of damaged packages and pip's leftovers in `venv`; returns the names removed."""
    removed = []
    for site_packages in _site_packages(venv):
        for leftover in site_packages.glob("~*"):
            _remove(leftover)
            removed.append(leftover.name)
        for metadata in site_packages.glob("*.dist-info"):
            if not is_whole(metadata):
                _remove(metadata)
                removed.append(metadata.name)
    return removed


def is_whole(metadata: Path) -> bool:
    """True when each file in the RECORD of the package `metadata` is there with the size that it names."""
    try:
        with (metadata / "RECORD").open(newline="", encoding="utf-8") as record:
            rows = list(csv.reader(record))
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    if not rows or not (metadata / "INSTALLER").is_file():
        return False
    for path, _digest, size in (row for row in rows if len(row) == 3):
        file = metadata.parent / path
        if path.endswith(".pyc"):
            continue  # made and remade by Python itself
        try:
            if size and file.stat().st_size != int(size):
                return False
            if not size and not file.exists():
                return False
        except (OSError, ValueError):
            return False
    return True


def _site_packages(venv: Path) -> list[Path]:
    return [path for path in (*venv.glob("lib/python*/site-packages"), venv / "Lib" / "site-packages") if path.is_dir()]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
