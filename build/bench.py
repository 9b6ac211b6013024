"""What `make bench` needs beside the rest: the peers' packages, and the default model in their formats."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from model import DEFAULT_MODEL
from runner import Runner
from stamps import digest
from steps import Checkout, Step, check_node, find_npm


def bench_steps(checkout: Checkout) -> list[Step]:
    """`peers`: tests/bench/peers/node_modules; `peer-models`: .data/bench/peers."""
    root = checkout.root
    folder = root / "tests" / "bench" / "peers"
    manifests = [folder / "package.json", folder / "package-lock.json"]
    made = checkout.data / "bench" / "peers"
    command: list[str | Path] = [checkout.program("python"), folder / "make_models.py", DEFAULT_MODEL]
    command += ["--out", made, "--downloads", checkout.models.parent / "downloads"]

    def npm_ci(runner: Runner) -> str:
        check_node()
        # None of the peers' install scripts is needed in a browser.
        command = [find_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(folder)]
        return runner.run("peers", command, watch=[folder / "node_modules"])

    return [
        Step(
            "peers",
            "Peers of the benchmark (npm ci)",
            lambda: digest(manifests, root=root),
            lambda: [folder / "node_modules" / ".package-lock.json"],
            npm_ci,
            root,
            kept_bytes=500_000_000,
        ),
        Step(
            "peer-models",
            "The model in the peers' formats, compared with the original",
            lambda: digest([folder / "make_models.py", root / "requirements.lock"], root=root),
            lambda: [made / "peers.json"],
            lambda runner: runner.run("peer-models", command, env={"COLUMNS": "110"}, echo=True),
            checkout.data,
            kept_bytes=480_000_000,
            passing_bytes=1_700_000_000,
        ),
    ]


def bench(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run the benchmark; its exit code."""
    return subprocess.run(["node", "tests/bench/peers/bench.mjs", *arguments], check=False, cwd=checkout.root).returncode
