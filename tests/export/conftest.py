"""Shared by the exporter's tests: the tiny checkpoint and its bundle, a local HTTP server with and without ranges."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

from slm_export.cli import main
from slm_export.progress import Reporter
from steps import Checkout
from tasks import Setup

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "tests" / ".fixtures"


WEB = Path(os.environ.get("WEB_DIST", ROOT / "web" / "dist"))  # the built page


@cache
def fixtures_are_made() -> bool:
    """True where `make test` has made all tiny models, and nothing that they follow from has changed since."""
    setup = Setup(Checkout(ROOT), None)
    return setup.done(setup.fixtures)


def make_fixtures(script: str) -> None:
    """Run a script of tests/fixtures where that is needed; several test processes may want it at once."""
    if not fixtures_are_made():
        FIXTURES.mkdir(exist_ok=True)
        with FileLock(FIXTURES / f".{Path(script).stem}.lock"):
            subprocess.run([sys.executable, ROOT / "tests" / "fixtures" / script], check=True)


@pytest.fixture(scope="session")
def tiny_source() -> Path:
    """The tiny checkpoint as a Hugging Face folder; its bundle lies beside it (see `tiny_bundle`)."""
    make_fixtures("make_tiny.py")
    return FIXTURES / "tiny-llama-hf"


@pytest.fixture(scope="session")
def tiny_bundle(tiny_source: Path) -> Path:
    return FIXTURES / "tiny-llama"


@pytest.fixture(scope="session")
def write_site() -> Callable[..., Path]:
    """`write_site(out, bundle, …)`: a demo site, for the CPU alone where no variants are named: without the GPU's runtime."""

    def write(out: Path, *arguments: object) -> Path:
        chosen = [] if "--variants" in arguments else ["--variants", "cpu-int8"]
        done = CliRunner().invoke(main, ["site", *map(str, arguments), "--out", str(out), "--web", str(WEB), *chosen])
        assert done.exit_code == 0, done.output
        return out

    return write


@pytest.fixture(scope="session")
def family_bundles() -> Path:
    """The folder with a bundle for each row of family_rows.py, `<name>`, and its checkpoint, `hf/<name>`."""
    make_fixtures("families/make_families.py")
    return FIXTURES / "families"


@pytest.fixture(scope="session")
def transformer_bundles() -> Path:
    """The folder with checkpoint and bundle of each tiny encoder and encoder-decoder; made once, about 5 s each."""
    make_fixtures("encoders/make_transformers.py")
    return FIXTURES / "transformers"


# A hook of Python's own audit events sends `slm-export` a signal at a moment that no clock could meet.
SABOTAGE = """
import os, sys
event_name, part, number = os.environ["SABOTAGE"].split(",")
def hook(event, arguments):
    global part
    if part and event == event_name and part in str(arguments[0]):
        part = ""
        os.kill(os.getpid(), int(number))
if len(sys.orig_argv) > 1 and "slm-export" in sys.orig_argv[1]:
    sys.addaudithook(hook)
"""


@pytest.fixture(scope="session")
def sabotage(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str, int], dict[str, str]]:
    """`sabotage(event, part, number)`: an environment in which `slm-export` gets the signal when `event` first names `part`."""
    folder = tmp_path_factory.mktemp("hook")
    (folder / "sitecustomize.py").write_text(SABOTAGE)

    def environment(event: str, part: str, number: int) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(folder), "SABOTAGE": f"{event},{part},{int(number)}"}

    return environment


@pytest.fixture
def reporter() -> Reporter:
    return Reporter(quiet=True)


@dataclass
class FileServer:
    """Serves `files` by path and notes each request's Range header."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    supports_ranges: bool = True
    cut_after_bytes: int | None = None  # the connection breaks off there
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)  # method, path, Range


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self, send_body: bool) -> None:
            path = self.path.split("?")[0]
            wanted = self.headers.get("Range")
            state.requests.append((self.command, path, wanted))
            body = state.files.get(path)
            if body is None:
                self.send_error(404)
                return
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and state.supports_ranges else 0
            if start and start >= len(body):
                self.send_error(416)
                return
            self.send_response(206 if wanted and state.supports_ranges else 200)
            self.send_header("Content-Length", str(len(body) - start))
            for name, value in state.headers.get(path, {}).items():
                self.send_header(name, value)
            self.end_headers()
            if send_body:
                self.wfile.write(body[start : state.cut_after_bytes])

        def do_GET(self) -> None:
            self.answer(send_body=True)

        def do_HEAD(self) -> None:
            self.answer(send_body=False)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = FileServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield state
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def run_cli(monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `slm-export` as a process, as a user does."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        command = [str(Path(sys.executable).with_name("slm-export")), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)

    return run
