"""What the make targets do: choose the steps that are not done, run them in order, then start the wanted program."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import background
import beforehand
import chromium
import explain
from bench import bench, bench_steps, large_steps, wants_large
from freeze import make_app
from model import (
    DEFAULT_MODEL,
    GRAMMAR_MODEL,
    bundle_folder,
    bundle_problem,
    fixture_step,
    grammar_test_step,
    later_steps,
    model_step,
)
from runner import Runner, SetupError, say
from stamps import Stamps, exclusive
from steps import Checkout, Step, check_node, find_npm, python_steps, web_steps

ROOT = Path(__file__).resolve().parent.parent
NEARLY_FULL_BYTES = 20_000_000
TASKS = ("run", "test", "check", "bench", "build", "app", "setup", "screenshots", "clean", "distclean")
RESUME = "Run the same command again: it goes on where it stopped."


class Setup:
    """The steps of a checkout and which of them are done."""

    def __init__(self, checkout: Checkout, source: str | None) -> None:
        self.checkout = checkout
        self.stamps = Stamps(checkout.data / "stamps", checkout.root)
        self.python = python_steps(checkout)
        self.web = web_steps(checkout)
        self.model_bundle = bundle_folder(checkout, source)
        self.model = model_step(checkout, source)
        self.later = later_steps(checkout)
        self.fixtures = fixture_step(checkout)
        self.grammar_test = grammar_test_step(checkout)
        self.bench = bench_steps(checkout)

    def adopt_model(self) -> None:
        """Take over a bundle that was placed by hand, so that a machine without network needs no exporter.

        Only where this checkout has never begun to make it, and only when every file agrees with the manifest.
        """
        bundle = self.model_bundle
        if self.stamps.read(self.model.name) is not None or not (bundle / "manifest.json").is_file():
            return
        problem = bundle_problem(bundle)
        if problem is None:
            say(f"Model: the bundle in {bundle} is whole and is used as it is.")
            self.stamps.write(self.model.name, self.model.inputs(), self.model.made())
        else:
            say(f"Model: the bundle in {bundle} is not used: {problem}")

    def done(self, step: Step) -> bool:
        return self.stamps.is_done(step.name, step.inputs())

    def pending(self, wanted: Sequence[Step]) -> list[Step]:
        """Those of `wanted` that are not done; a new environment makes everything installed into it pending."""
        renewed = not self.done(self.python["venv"])
        return [step for step in wanted if (renewed and step.name in self.python) or not self.done(step)]

    def to_serve(self) -> list[Step]:
        """What `make run` needs. npm only where the page must be built; the exporter only where a model must be made."""
        steps = [self.python["venv"], self.python["runtime"]]
        if not self.done(self.web["ui"]):
            steps += [self.web["npm"], self.web["ui"]]
        if not self.done(self.model):
            steps += [self.python["torch"], self.python["export"], self.model]
        return steps

    def to_make_later(self) -> list[Step]:
        """What `make run` has made beside the server. Nothing where the exporter is not installed anyway: a bundle that was
        placed by hand shall not bring PyTorch along."""
        return [step for step in self.later if not self.done(step)] if self.done(self.python["export"]) else []

    def to_check(self) -> list[Step]:
        return [*self.python.values(), self.web["npm"]]

    def to_test(self) -> list[Step]:
        return [*self.to_check(), self.web["ui"], self.fixtures, self.model, self.grammar_test]

    def to_bench(self, arguments: Sequence[str]) -> list[Step]:
        large = large_steps(self.checkout) if wants_large(arguments) else []
        return [*self.python.values(), self.web["npm"], self.web["ui"], self.model, *self.bench, *large]

    def carry_out(self, wanted: Sequence[Step], runner: Runner) -> None:
        """Run the pending steps of `wanted`, stamping each that ends well. Raises: SetupError."""
        pending = self.pending(wanted)
        if not pending:
            return
        beforehand.check_space(pending)
        if any(step.name in self.web for step in pending):
            check_node()  # before the long steps, not after them
            find_npm()
        say(f"SLM Playground: {len(pending)} of {len(wanted)} steps to do. Full output of each: .data/logs")
        started = time.monotonic()
        for index, step in enumerate(pending, start=1):
            following = f"   (next: {pending[index].title})" if index < len(pending) else ""
            say(f"[{index}/{len(pending)}] {step.title}{following}")
            self.stamps.begin(step.name)
            summary = step.action(runner)
            self.stamp(step)
            say(f"      done in {summary}")
        say(f"Set up in {time.monotonic() - started:.0f} s.")

    def stamp(self, step: Step) -> None:
        """Raises: SetupError where the step's program ended well without making what it should (npm does, on a full disk)."""
        try:
            self.stamps.write(step.name, step.inputs(), step.made())
        except FileNotFoundError as error:
            full = shutil.disk_usage(self.checkout.root).free < NEARLY_FULL_BYTES
            advice = explain.disk_full() if full else f"The whole output is in .data/logs/{step.name}.log. {RESUME}"
            raise SetupError(f"{step.title} ended, but {error.filename} is missing. {advice}") from error


def main(arguments: Sequence[str]) -> int:
    """Entry: returns the exit code (0 fine, 1 failed, 2 wrong usage, 130 interrupted)."""
    options = parse(arguments)
    checkout = Checkout(ROOT)
    os.chdir(ROOT)
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _interrupt)
    try:
        return carry_out(options, checkout)
    except SetupError as error:
        say(f"\n{error}")
        return 1
    except OSError as error:
        reason = explain.disk_full() if error.errno == errno.ENOSPC else f"The setup could not go on: {error}. {RESUME}"
        say(f"\n{reason}")
        return 1
    except KeyboardInterrupt:
        say(f"\nInterrupted. {RESUME}")
        return 130


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bootstrap.py", usage="%(prog)s TASK [--model SOURCE] [-- OPTIONS OF THE SERVER]")
    parser.add_argument("task", choices=[*TASKS, "later"])
    parser.add_argument(
        "--model", metavar="SOURCE", help="another model than the default: a Hugging Face id, a GGUF file or a folder"
    )
    # Split by hand: argparse does not take options of another program after an option of its own.
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    options = parser.parse_args(arguments[:cut])
    options.rest = list(arguments[cut + 1 :])
    options.model = options.model or None
    return options


def carry_out(options: argparse.Namespace, checkout: Checkout) -> int:
    task = str(options.task)
    if task == "later":
        return make_later(checkout)
    if task == "run":
        beforehand.check_port(options.rest)  # not after minutes of setup
    with exclusive(checkout.data / "setup.lock", _say_waiting) as descriptor:
        if task in ("clean", "distclean"):
            clean(checkout, everything=task == "distclean")
            return 0
        setup = Setup(checkout, options.model)
        setup.adopt_model()
        runner = Runner(checkout.root, checkout.data / "logs", descriptor)
        wanted = {
            "run": setup.to_serve,
            "screenshots": setup.to_test,
            "test": setup.to_test,
            "bench": lambda: setup.to_bench(options.rest),
            "check": setup.to_check,
            "app": setup.to_serve,
            "build": lambda: [setup.web["npm"], setup.web["ui"]],
            "setup": setup.to_test,
        }[task]()
        setup.carry_out(wanted, runner)
        if task == "app":
            make_app(checkout, runner, setup.model_bundle)
        browser = chromium.ensure(runner, checkout.program("python")) if task in ("test", "bench", "screenshots") else None
        if task == "test":
            chromium.ensure_display(runner)
    # The lock is given back here: a server or a test run must not keep others from setting up.
    if task == "run":
        if options.model is None and setup.to_make_later():
            what = "Two small models, for files in a chat and for grammar, are made in the background (some minutes)"
            background.begin(checkout, "later", what)
        return serve(checkout, options.rest)
    if task == "check":
        return check(checkout)
    if task in ("test", "bench", "screenshots"):
        os.environ["CHROMIUM"] = str(browser)
    if task == "test":
        return replace_with([str(checkout.program("python")), "tests/run.py"])
    if task == "bench":
        return bench(checkout, options.rest)
    if task == "screenshots":
        return screenshots(checkout, options.rest)
    return 0


def make_later(checkout: Checkout) -> int:
    """What `make run` has another process do once the page is up. Its own lock: other makes need not wait for it."""
    background.follow()
    with exclusive(checkout.data / "later.lock", _say_waiting) as descriptor:
        setup = Setup(checkout, None)
        setup.carry_out(setup.later, Runner(checkout.root, checkout.data / "logs", descriptor))
    return 0


def serve(checkout: Checkout, arguments: Sequence[str]) -> int:
    return replace_with([str(checkout.program("slm-playground")), "serve", *arguments])


def screenshots(checkout: Checkout, sessions: Sequence[str]) -> int:
    """Pictures of every page in its states into docs/screens, with their index; of some sessions alone where they are named."""
    folders = [checkout.models / DEFAULT_MODEL, checkout.data / "test-models" / GRAMMAR_MODEL]
    bundles = [option for folder in folders for option in ("--bundle", str(folder))]
    program = ["--program", str(checkout.program("slm-playground"))]
    return subprocess.run(
        ["node", "build/screens/take.mjs", "docs/screens", *program, *bundles, *sessions], check=False
    ).returncode


def replace_with(command: Sequence[str]) -> int:
    """Become `command` (its signals and exit code are then ours); on Windows, which cannot, wait for it."""
    sys.stderr.flush()
    if os.name == "nt":
        return subprocess.run(command, check=False).returncode
    os.execv(command[0], list(command))


def check(checkout: Checkout) -> int:
    """Every formatter, linter and type checker, and the cheap repository tests; changes nothing."""
    commands: list[list[str]] = [
        [str(checkout.program("ruff")), "check", "."],
        [str(checkout.program("ruff")), "format", "--check", "."],
        [str(checkout.program("mypy"))],
        [find_npm(), "run", "--silent", "check"],
        [str(checkout.program("python")), "-m", "pytest", "-q", "-m", "not slow", "tests/repo"],
    ]
    failed = []
    for command in commands:
        shown = " ".join([Path(command[0]).name, *command[1:]])
        say(f"$ {shown}")
        if subprocess.run(command, check=False).returncode != 0:
            failed.append(shown)
    say("make check: all fine" if not failed else "make check: failed: " + "; ".join(failed))
    return 1 if failed else 0


def clean(checkout: Checkout, *, everything: bool) -> None:
    """Remove what was installed and built; the models, downloads and chats in .data only with `everything`."""
    root = checkout.root
    folders = [checkout.venv, root / "node_modules", root / "web" / "dist", root / "dist", root / "tests" / ".fixtures"]
    folders += [root / name for name in (".mypy_cache", ".ruff_cache", ".pytest_cache", ".cache")]
    folders += [path for place in ("build", "export", "playground", "tests") for path in (root / place).rglob("__pycache__")]
    folders += [checkout.scratch, checkout.data / "test-results"]
    for folder in folders + ([checkout.data] if everything else []):
        if folder.exists():
            say(f"removing {os.path.relpath(folder, root)}")
            shutil.rmtree(folder)
    if not everything:
        say("kept .data (models, downloads, logs); `make distclean` removes it too")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _say_waiting(holder: str) -> None:
    say(f"Another make is setting up this checkout ({holder}). Waiting for it to end; Ctrl-C to give up.")
