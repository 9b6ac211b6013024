"""The steps from a fresh checkout to something that runs. Each knows its inputs, what it makes and how.

`Checkout` holds the places; a `Step` is a value. Order and choice of steps are in tasks.py, stamps in stamps.py.
"""

from __future__ import annotations

import functools
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import explain
import repair
from runner import Runner, SetupError
from stamps import digest, tree

MINIMUM_NODE = (20, 19)
ON_WINDOWS = os.name == "nt"


@dataclass(frozen=True, slots=True)
class Checkout:
    """Places in one checkout."""

    root: Path

    @property
    def venv(self) -> Path:
        return self.root / ".venv"

    @property
    def data(self) -> Path:
        """Logs, stamps and downloads of this checkout; never moved by the environment."""
        return self.root / ".data"

    @property
    def models(self) -> Path:
        """Where bundles live: follows SLM_PLAYGROUND_DATA and a move of the folder, as the server does (its paths.py)."""
        chosen = os.environ.get("SLM_PLAYGROUND_DATA")
        home = Path(chosen).expanduser().absolute() if chosen else self.data
        with suppress(OSError, ValueError, KeyError, TypeError):
            home = Path(json.loads((home / "moved.json").read_text(encoding="utf-8"))["data_dir"])
        return home / "models"

    @property
    def wheels(self) -> Path:
        return self.data / "downloads" / "wheels"

    @property
    def npm_cache(self) -> Path:
        return self.data / "downloads" / "npm-cache"

    @property
    def scratch(self) -> Path:
        """Temporary files of pip: on the checkout's disk, counted in its progress, emptied before each use."""
        return self.data / "tmp"

    @property
    def marker(self) -> Path:
        """Made once with each virtual environment; its identity says that it is still the same one."""
        return self.venv / "pyvenv.cfg"

    def program(self, name: str) -> Path:
        """A program of the virtual environment."""
        return self.venv / ("Scripts" if ON_WINDOWS else "bin") / (f"{name}.exe" if ON_WINDOWS else name)


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of the setup.

    `kept_bytes` and `passing_bytes`: what it leaves on the disk of `place`, and what it needs there only while it runs;
    measured (Linux, CPU build of torch, the default model), rounded up.
    """

    name: str
    title: str
    inputs: Callable[[], str]
    made: Callable[[], Iterable[Path]]
    action: Callable[[Runner], str]
    place: Path
    kept_bytes: int = 0
    passing_bytes: int = 0


def python_steps(checkout: Checkout) -> dict[str, Step]:
    """`venv`, then `runtime`, `torch`, `export`, `dev`: packages installed into it, each a stamp of its own."""
    root = checkout.root
    lock = root / "requirements.lock"
    venv = Step(
        "venv",
        "Python environment (.venv)",
        lambda: digest([], texts=[sys.version, platform.platform(), str(root)], root=root),
        lambda: [checkout.marker, checkout.program("python")],
        lambda runner: make_venv(checkout, runner),
        root,
        kept_bytes=25_000_000,
    )

    def packages(name: str, title: str, arguments: Callable[[], Sequence[str]], kept: int, passing: int) -> Step:
        def inputs() -> str:
            marker = str(checkout.marker.stat().st_mtime_ns) if checkout.marker.exists() else "none"
            return digest([root / "pyproject.toml", lock], texts=[marker, *arguments()], root=root)

        return Step(
            name,
            title,
            inputs,
            lambda: [checkout.marker],
            lambda runner: pip_install(checkout, runner, name, arguments()),
            root,
            kept,
            passing,
        )

    torch = functools.cache(lambda: torch_arguments(root))
    return {
        "venv": venv,
        "runtime": packages("runtime", "Server packages (flask, …)", lambda: ["-e", "."], 10_000_000, 10_000_000),
        "torch": packages("torch", "PyTorch, for the export", torch, 870_000_000, 200_000_000),
        "export": packages("export", "Exporter (transformers, …)", lambda: ["-e", ".[export]"], 390_000_000, 150_000_000),
        "dev": packages(
            "dev", "Test tools (pytest, mypy, …)", lambda: ["-e", ".[export,grammar,ray,dev]"], 540_000_000, 160_000_000
        ),
    }


def make_venv(checkout: Checkout, runner: Runner) -> str:
    try:
        return runner.run("venv", [sys.executable, "-m", "venv", "--clear", checkout.venv], watch=[checkout.venv])
    except SetupError as error:
        hint = "" if sys.platform != "linux" else " On Debian and Ubuntu: `sudo apt-get install python3-venv`."
        raise SetupError(
            f"{error}\nPython's modules venv and ensurepip are needed.{hint} Then run the same command again."
        ) from error


def torch_arguments(root: Path) -> list[str]:
    """What to give pip for torch: the pinned version, and the user's TORCH_INDEX_URL where one is set."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    pins = project["project"]["optional-dependencies"]["export"]
    pin = next(str(pin) for pin in pins if re.match(r"torch\b", pin))
    index = os.environ.get("TORCH_INDEX_URL")
    # Only torch itself from that index: its dependencies come with the exporter packages, from the usual one.
    return [pin, "--no-deps", "--index-url", index] if index else [pin]


def pip_install(checkout: Checkout, runner: Runner, name: str, arguments: Sequence[str]) -> str:
    repair.remove_half_installed(checkout.venv)
    shutil.rmtree(checkout.scratch, ignore_errors=True)
    checkout.scratch.mkdir(parents=True)
    command: list[str | Path] = [checkout.program("python"), "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
    command += ["-c", "requirements.lock", *arguments]
    if checkout.wheels.is_dir():
        command += ["--find-links", checkout.wheels]
    # The environment variables constrain the build of the editable package too (older and newer pip); relative, since
    # pip splits them at spaces.
    env = {"TMPDIR": str(checkout.scratch), "PIP_CONSTRAINT": "requirements.lock", "PIP_BUILD_CONSTRAINT": "requirements.lock"}
    try:
        return runner.run(
            name,
            command,
            watch=[checkout.venv, checkout.scratch],
            env={**env, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            explain=lambda output: explain.pip_failure(output, checkout.wheels),
        )
    finally:
        shutil.rmtree(checkout.scratch, ignore_errors=True)


def web_steps(checkout: Checkout) -> dict[str, Step]:
    """`npm`: the JavaScript packages; `ui`: the page and /slm.js built into web/dist."""
    root = checkout.root
    manifests = [root / "package.json", root / "package-lock.json"]
    npm = Step(
        "npm",
        "JavaScript packages (npm ci)",
        lambda: digest(manifests, texts=[platform.system(), platform.machine()], root=root),
        lambda: [root / "node_modules" / ".package-lock.json"],
        lambda runner: npm_ci(checkout, runner),
        root,
        kept_bytes=330_000_000,
    )
    dist = root / "web" / "dist"
    ui = Step(
        "ui",
        "Web page (vite build)",
        lambda: digest([*tree(root / "web", without=[dist]), *manifests], root=root),
        lambda: tree(dist),
        lambda runner: runner.run("ui", [find_npm(), "run", "build"], watch=[dist]),
        root,
        kept_bytes=90_000_000,
    )
    return {"npm": npm, "ui": ui}


def npm_ci(checkout: Checkout, runner: Runner) -> str:
    check_node()
    command = [find_npm(), "ci", "--no-audit", "--no-fund", "--loglevel", "warn"]
    if checkout.npm_cache.is_dir():
        command += ["--cache", str(checkout.npm_cache), "--prefer-offline"]
    modules = checkout.root / "node_modules"
    return runner.run("npm", command, watch=[modules], explain=lambda output: explain.npm_failure(output, checkout.npm_cache))


def find_npm() -> str:
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError(
            f"npm was not found. It comes with Node.js; version {_dotted(MINIMUM_NODE)} or newer is needed to build the page. "
            "Install it (https://nodejs.org/en/download), open a new terminal and run the same command again."
        )
    return npm


def check_node() -> None:
    """Raises: SetupError where Node is missing or too old."""
    node = shutil.which("node")
    found = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip() if node else ""
    match = re.match(r"v(\d+)\.(\d+)", found)
    if match is None or (int(match[1]), int(match[2])) < MINIMUM_NODE:
        have = f"this is Node.js {found}" if found else "node was not found"
        raise SetupError(
            f"Node.js {_dotted(MINIMUM_NODE)} or newer is needed to build the page, but {have}. "
            "Install it (https://nodejs.org/en/download), open a new terminal and run the same command again."
        )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))
