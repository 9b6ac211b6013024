"""The real server in a process of its own, and an eye on what its pages do."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

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
# So long a step may take: shaders compiled for a GPU in software where ten others use the two cores, a machine that stands still.
PATIENCE_MS = 300_000
# What Chromium says of a request whose server has gone: refused, reset, cut off in the middle of the answer.
GONE = "net::ERR_"
# And of what an open page asks once it runs again: its token is another one then, and is asked for anew.
RESTARTED = [GONE, "403 (FORBIDDEN)"]
SOFTWARE_WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]


def link_or_copy(source: str, target: str) -> None:
    """A hard link where the disk allows, for files that nobody writes into."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def copy_bundle(bundle: Path, models: Path) -> Path:
    """A bundle of its own in the folder `models`."""
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
            return self.process.wait(timeout=PATIENCE_MS / 1000)


StartServer = Callable[..., Server]
NewPage = Callable[[Browser], Page]


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
            # What Chromium says when a page asks for a GPU and there is none: the page says it in its own words.
            if message.type in ("error", "warning") and message.text != "No available adapters.":
                self.note(f"console {message.type}: {message.text}")

        def request(asked: Request) -> None:
            parts = urlsplit(asked.url)
            if parts.scheme not in ("blob", "data") and parts.hostname not in ("127.0.0.1", "localhost", "rebound.example"):
                self.note(f"request to another origin: {asked.url}")

        context.on("console", console)
        context.on("weberror", lambda error: self.note(f"uncaught: {error.error}"))
        context.on("request", request)
