"""End to end: the real server in its own process, real Chromium, the real model (and the tiny one where bytes are spoilt).

A page that logs an error, throws, or asks another origin for anything fails its test, unless the test expects it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Request, sync_playwright

from slm_playground import paths

ROOT = Path(__file__).resolve().parents[2]
MODEL_ID = "smollm2-135m-instruct"
CHROMIUM = os.environ.get("CHROMIUM") or next(
    (p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None
)
QUIET = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # DNS rebinding in one line: somebody else's name leads to this machine.
    "--host-resolver-rules=MAP rebound.example 127.0.0.1",
]
SOFTWARE_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]
LOAD_MS = 120_000  # the real model on two busy cores


@pytest.fixture(scope="session")
def real_bundle() -> Path:
    bundle = paths.models_dir() / MODEL_ID
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


@pytest.fixture(scope="session")
def tiny_bundle() -> Path:
    bundle = ROOT / "tests" / ".fixtures" / "tiny-llama"
    assert (bundle / "manifest.json").is_file(), f"{bundle} is not there: run `make setup`"
    return bundle


def copy_bundle(bundle: Path, models: Path) -> Path:
    """A bundle of its own in the folder `models`; hard links where the disk allows, since nobody writes into them."""

    def link_or_copy(source: str, target: str) -> None:
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    return Path(shutil.copytree(bundle, models / bundle.name, copy_function=link_or_copy))


@dataclass
class Server:
    """`slm-playground serve` in its own process."""

    models: Path
    data: Path
    port: int = 0
    process: subprocess.Popen[str] = field(init=False)
    url: str = field(init=False)

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                Path(sys.executable).with_name("slm-playground"),
                "serve",
                "--no-browser",
                "--port",
                str(self.port),
                "--models",
                self.models,
            ],
            env={**os.environ, "SLM_PLAYGROUND_DATA": str(self.data)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), "the server's first line is its address"
        self.port = urlsplit(self.url).port or 0

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; gives its exit code."""
        self.process.terminate()
        with self.process:
            return self.process.wait(timeout=30)


StartServer = Callable[..., Server]


@pytest.fixture(scope="package")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    """Start a server over copies of the given bundles; stopped when the tests of this folder end."""
    with ExitStack() as stack:

        def start(*bundles: Path) -> Server:
            folder = tmp_path_factory.mktemp("served")
            models = folder / "models"
            models.mkdir()
            for bundle in bundles:
                copy_bundle(bundle, models)
            server = Server(models, folder / "data")
            server.start()
            stack.callback(lambda: server.stop() if server.process.poll() is None else None)
            return server

        yield start


@pytest.fixture(scope="package")
def real_server(start_server: StartServer, real_bundle: Path) -> Server:
    return start_server(real_bundle)


# Of the folder, not the session: Playwright's loop must have ended before the tests of another folder start their own.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """Without WebGPU: headless Chromium has no adapter, so the CPU variant is chosen as it is for such a user."""
    assert CHROMIUM, "no Chromium: set CHROMIUM to its program, or run `make test`"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def chromium_webgpu(playwright: Playwright) -> Iterator[Browser]:
    """With WebGPU computed in software: slow, for the tiny model."""
    assert CHROMIUM, "no Chromium: set CHROMIUM to its program, or run `make test`"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*QUIET, *SOFTWARE_WEBGPU])
    yield browser
    browser.close()


@dataclass
class Watch:
    """What went wrong on the pages of a test. `expected`: parts of messages that the test is about."""

    expected: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def note(self, problem: str) -> None:
        if not any(part in problem for part in self.expected):
            self.problems.append(problem)

    def follow(self, context: BrowserContext) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in ("error", "warning"):
                self.note(f"console {message.type}: {message.text}")

        def request(asked: Request) -> None:
            parts = urlsplit(asked.url)
            if parts.scheme not in ("blob", "data") and parts.hostname not in ("127.0.0.1", "localhost", "rebound.example"):
                self.note(f"request to another origin: {asked.url}")

        context.on("console", console)
        context.on("weberror", lambda error: self.note(f"uncaught: {error.error}"))
        context.on("request", request)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watched = Watch()
    yield watched
    assert watched.problems == []


NewPage = Callable[[Browser], Page]


@pytest.fixture
def new_page(watch: Watch) -> Iterator[NewPage]:
    """A page in a profile of its own, watched."""
    contexts: list[BrowserContext] = []

    def make(browser: Browser) -> Page:
        context = browser.new_context()
        contexts.append(context)
        watch.follow(context)
        page = context.new_page()
        page.set_default_timeout(LOAD_MS)
        return page

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage, chromium: Browser) -> Page:
    return new_page(chromium)


def texts_over_time(page: Page, selector: str, done: str) -> Sequence[str]:
    """The texts that the last element of `selector` showed until the JavaScript expression `done` became true."""
    script = """([selector, done]) => new Promise(resolve => {
      const seen = []
      const look = () => {
        const text = [...document.querySelectorAll(selector)].at(-1)?.textContent ?? ''
        if (text && text !== seen.at(-1)) seen.push(text)
        if (eval(done)) { observer.disconnect(); resolve(seen) }
      }
      const observer = new MutationObserver(look)
      observer.observe(document.body, { childList: true, subtree: true, characterData: true, attributes: true })
      look()
    })"""
    seen: list[str] = page.evaluate(script, [selector, done])
    return seen
