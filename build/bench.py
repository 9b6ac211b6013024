"""What `make bench` needs beside the rest: the peers' packages, and the default model in their formats."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from model import DEFAULT_MODEL
from runner import Runner, SetupError
from stamps import digest, tree
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


LARGE = "random-llama-1b"
_LARGE_FORMATS = "q4f16,Q4_0"


def wants_large(arguments: Sequence[str]) -> bool:
    """Whether a real GPU is to be measured: there a model of ordinary size is measured too."""
    spaced = " ".join(arguments).replace("=", " ")
    return "--device webgpu" in spaced and "--software" not in arguments and "--bundle" not in spaced


def large_steps(checkout: Checkout) -> list[Step]:
    """A Llama of a billion random weights, ours and in the peers' formats: no network has to be there for it."""
    root, folder = checkout.root, checkout.root / "tests" / "bench" / "peers"
    made = checkout.data / "bench" / LARGE
    source = made / f"{LARGE}.gguf"
    script = folder / "make_synthetic.py"
    downloads = checkout.models.parent / "downloads"

    def synthetic(runner: Runner) -> str:
        tokenizer = next(iter(sorted(downloads.glob("SmolLM2-135M-Instruct*.gguf"))), None)
        if tokenizer is None:
            raise SetupError(f"The default model's GGUF file is missing in {downloads}. Run `make bench` once with a network.")
        return runner.run("large-model", [checkout.program("python"), script, "--tokenizer", tokenizer, "--out", source])

    export: list[str | Path] = [checkout.program("slm-export"), "model", source, "--out", made / "bundle"]
    export += ["--variants", "webgpu-q4f16", "--downloads", downloads]
    peers: list[str | Path] = [checkout.program("python"), folder / "make_models.py", source, "--out", made / "peers"]
    peers += ["--formats", _LARGE_FORMATS, "--downloads", downloads]
    inputs = [script, folder / "make_models.py", root / "requirements.lock"]
    return [
        Step(
            "large-model",
            "A Llama of a billion random weights",
            lambda: digest([script], root=root),
            lambda: [source],
            synthetic,
            checkout.data,
            kept_bytes=720_000_000,
        ),
        Step(
            "large-bundle",
            "Its export for WebGPU",
            lambda: digest([script, *tree(root / "export" / "slm_export"), root / "requirements.lock"], root=root),
            lambda: tree(made / "bundle"),
            lambda runner: runner.run("large-bundle", export, env={"COLUMNS": "110"}, echo=True),
            checkout.data,
            kept_bytes=800_000_000,
            passing_bytes=6_000_000_000,
        ),
        Step(
            "large-peers",
            "The same in the peers' formats",
            lambda: digest(inputs, root=root),
            lambda: [made / "peers" / "peers.json"],
            lambda runner: runner.run("large-peers", peers, env={"COLUMNS": "110"}, echo=True),
            checkout.data,
            kept_bytes=1_700_000_000,
            passing_bytes=13_000_000_000,
        ),
    ]


def bench(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run the benchmark, on a GPU for the large model too; its exit code."""
    program = ["node", "tests/bench/peers/bench.mjs", *arguments]
    code = subprocess.run(program, check=False, cwd=checkout.root).returncode
    if code != 0 or not wants_large(arguments):
        return code
    made = checkout.data / "bench" / LARGE
    options = ["--bundle", made / "bundle", "--peers", made / "peers", "--json", checkout.data / "bench" / f"{LARGE}.json"]
    engines = ["--engines", "slm-q4f16,transformersjs-q4f16,wllama-q4"]
    return subprocess.run([*program, *map(str, options), *engines], check=False, cwd=checkout.root).returncode
