"""Shared by the server's tests: real bundles in a temporary folder, a built UI, a client, and servers in their own process."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from flask import Flask
from flask.testing import FlaskClient
from small_bundle import PORT, TOKEN, WEIGHTS, build_bundle

from slm_playground.server import Config, create_app


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def make_bundle(models: Path) -> Callable[..., Path]:
    """`make_bundle(bundle_id="tiny", weights=WEIGHTS)` builds a bundle in `models` and gives its folder."""

    def make(bundle_id: str = "tiny", weights: bytes = WEIGHTS) -> Path:
        return build_bundle(models, bundle_id, weights)

    return make


@pytest.fixture
def change_manifest() -> Callable[[Path, Callable[[dict[str, Any]], object]], None]:
    """`change_manifest(folder, edit)` lets `edit` change the parsed manifest in place."""

    def change(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
        path = folder / "manifest.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        edit(data)
        path.write_text(json.dumps(data), encoding="utf-8")

    return change


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A small UI as the build leaves it. The siblings are told apart by their content."""
    folder = tmp_path / "dist"
    files = {
        "index.html": b"<!doctype html><title>UI</title>",
        "slm.js": b"export {}",
        "slm.d.ts": b"export {}",
        "favicon.svg": b"<svg/>",
        "assets/index-Bq3xK9aZ.js": b"plain script " * 50,
        "assets/index-Bq3xK9aZ.js.br": b"brotli script",
        "assets/index-Bq3xK9aZ.js.gz": b"gzip script",
        "assets/style-Dk2_9-xY.css": b"body{}",
        "assets/unhashed.js": b"1",
        "ort/1.30.0/ort-wasm.wasm": b"\0asm versioned",
        "ort/1.30.0/loader.wasm.mjs": b"import './ort-wasm.mjs'",
        "ort/ort-wasm.mjs": b"export {}",
        "ort/ort-wasm.wasm": b"\0asm plain",
        "ort/ort-wasm.wasm.gz": b"gzip wasm",
    }
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


class _LocalClient(FlaskClient):
    """Asks under the server's own address, as a browser does, unless a test says otherwise."""

    def open(self, *args: Any, **options: Any) -> Any:
        options.setdefault("base_url", f"http://127.0.0.1:{PORT}")
        # Reads the body and closes the file behind it.
        options.setdefault("buffered", True)
        return super().open(*args, **options)


@pytest.fixture
def app(models: Path, static: Path) -> Flask:
    app = create_app(Config(PORT, TOKEN, models, static))
    app.test_client_class = _LocalClient
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


class Process:
    """A server in its own process; `url` is its first line on standard output, `logs` its folder of logs."""

    logs: Path

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.popen = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            # Its own group: a Ctrl-C sent by a test must not reach pytest.
            start_new_session=True,
            env={**os.environ, **environment},
        )
        assert self.popen.stdout
        self.url = self.popen.stdout.readline().strip()

    def events(self) -> list[dict[str, Any]]:
        """The log so far: a request is in it before its answer is sent."""
        text = (self.logs / f"server-{self.port}.log").read_text(encoding="ascii")
        return [json.loads(line) for line in text.splitlines()]

    @property
    def port(self) -> int:
        return int(self.url.rstrip("/").rpartition(":")[2])

    def end(self, signal_number: int) -> tuple[int, str, str]:
        """Send the signal, wait for the end: exit code, the rest of standard output, standard error."""
        self.popen.send_signal(signal_number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        rest, errors = self.popen.communicate(timeout=PATIENCE_SECONDS)
        return self.popen.returncode, rest, errors


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """`start(*arguments, **environment)` runs `slm-playground` for real, with its own data folder and no display."""
    running: list[Process] = []

    def run(*arguments: str, **environment: str) -> Process:
        own = {"SLM_PLAYGROUND_DATA": str(tmp_path / "data"), "DISPLAY": "", "WAYLAND_DISPLAY": "", "BROWSER": ""}
        process = Process([sys.executable, "-m", "slm_playground", *arguments], {**own, **environment})
        process.logs = tmp_path / "data" / "logs"
        running.append(process)
        return process

    yield run
    for process in running:
        process.popen.kill()
        process.popen.communicate()


_SERVE = """
import sys
from pathlib import Path
from slm_playground import log
from slm_playground.listen import bound_port, open_socket
from slm_playground.serve import make_server
from slm_playground.server import Config, create_app
listener = open_socket(0)
port = bound_port(listener)
models, static, logs = map(Path, sys.argv[1:])
log.configure(logs, port)
server = make_server(create_app(Config(port, "token", models, static)), listener)
print(f"http://127.0.0.1:{port}/", flush=True)
server.run()
"""


@pytest.fixture
def live(models: Path, static: Path, tmp_path: Path) -> Iterator[Process]:
    """The application behind real waitress on a real socket, serving `models` and `static`."""
    process = Process([sys.executable, "-c", _SERVE, str(models), str(static), str(tmp_path / "logs")], {})
    process.logs = tmp_path / "logs"
    assert process.url, process.wait()
    yield process
    process.popen.kill()
    process.popen.communicate()


@dataclass(frozen=True, slots=True)
class Fetched:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@pytest.fixture
def fetch() -> Callable[..., Fetched]:
    """`fetch(process, path, method="GET", **headers)` over a socket; the path goes out as written, dots and all."""

    def get(process: Process, path: str, method: str = "GET", **headers: str) -> Fetched:
        connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=PATIENCE_SECONDS)
        try:
            connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return Fetched(response.status, response.headers, response.read())
        finally:
            connection.close()

    return get
