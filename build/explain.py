"""Turns the output of a failed pip, npm or Vite run into one sentence: what happened, why, what to do next."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

NO_NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Name or service not known|Temporary failure in name resolution|ConnectTimeout"
    r"|Network is unreachable|ReadTimeout|ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED"
)
NO_SPACE = re.compile(r"No space left on device|ENOSPC|not enough space on the disk", re.IGNORECASE)
# The second form is how pip says the same of a package that is also constrained.
NO_VERSION = re.compile(r"No matching distribution found for (\S+)|The user requested \(constraint\) (\S+)")
DAMAGED = re.compile(r"DO NOT MATCH THE HASHES|EINTEGRITY|BadZipFile|zlib\.error")
GUIDE = "https://pytorch.org/get-started/locally/"


def disk_full() -> str:
    return "The disk is full. Free some space and run the same command again: it goes on where it stopped."


def pip_failure(output: str, wheels: Path) -> str | None:
    """The sentence for a failed pip; `wheels` is the folder that pip also looks into."""
    if NO_SPACE.search(output):
        return disk_full()
    if DAMAGED.search(output):
        return "A package arrived damaged. Run the same command again; if it happens twice, run `pip cache purge` before."
    carry = (
        "on a connected machine with the same system and Python, in a copy of this folder, run\n"
        "  python3 -m pip download -r requirements.lock -d wheels\n"
        f"copy the files of its wheels/ to\n  {wheels}\nand start again with PIP_NO_INDEX=1 in front of the command."
    )
    if NO_NETWORK.search(output):
        return f"The Python package index could not be reached. With a network, run the same command again. Without one: {carry}"
    missing = NO_VERSION.search(output)
    if missing is None:
        return None
    package = missing.group(1) or missing.group(2)
    if os.environ.get("PIP_NO_INDEX"):
        return f"PIP_NO_INDEX is set, and {package} was not found in the folder for wheels. To fill it: {carry}"
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return (
        f"The package index has no {package} for Python {python} on this system. Try another Python, for example: "
        f"`make clean`, then make run PYTHON=python3.12. For PyTorch see {GUIDE}"
    )


def npm_failure(output: str, cache: Path) -> str | None:
    """The sentence for a failed `npm ci`; `cache` is the npm cache folder that can be carried here by hand."""
    if NO_SPACE.search(output):
        return disk_full()
    if DAMAGED.search(output):
        return "A package arrived damaged. Run the same command again; if it happens twice, run `npm cache clean --force` before."
    if NO_NETWORK.search(output):
        return (
            "The npm registry could not be reached. With a network, run the same command again. Without one: on a connected "
            "machine with the same system, in a copy of this folder, run\n  npm ci --cache npm-cache\n"
            f"and copy its npm-cache/ to {cache}, then run the same command again."
        )
    if "npm ci` can only install" in output or "EUSAGE" in output:
        return "package.json and package-lock.json do not agree. Run `npm install` and commit package-lock.json."
    return None
