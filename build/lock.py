"""Writes requirements.lock: versions of what `pip install .[export,grammar,ray,desktop,app,dev]` brings, and of build tools.

Run by hand after a change of versions in pyproject.toml: `.venv/bin/python build/lock.py` (needs the package index).
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Versions of all Python packages, given to pip as a constraint (-c): one list for every system, so a package named here is
# installed only where something needs it. No hashes, and no local version such as torch's +cpu: the wheels of torch differ
# from system to system (CPU, CUDA, macOS), their version does not. Packages that only other systems need (CUDA parts, for
# example) are pinned by torch itself.
# Made by: .venv/bin/python build/lock.py
"""
BUILD_TOOLS = ["hatchling", "editables"]


def main() -> int:
    """Resolve without installing, write the file, say how many."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", str(report)]
        done = subprocess.run([*command, "-e", ".[export,grammar,ray,desktop,app,dev]", *BUILD_TOOLS], cwd=ROOT, check=False)
        if done.returncode != 0:
            print("requirements.lock was not changed: pip could not resolve pyproject.toml (see above).", file=sys.stderr)
            return 1
        data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    pins = {item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"] for item in data["install"]}
    pins.pop("slm-playground")
    lines = [f"{name}=={version.partition('+')[0]}" for name, version in sorted(pins.items())]
    (ROOT / "requirements.lock").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"requirements.lock: {len(lines)} packages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
