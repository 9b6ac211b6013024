"""Sites and the servers that they are put on: none of ours, on purpose."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

ROOT = Path(__file__).resolve().parents[2]
WEB = Path(os.environ.get("WEB_DIST", ROOT / "web" / "dist"))
ISOLATION = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}


def make_site(folder: Path, *bundles: Path, **said: str) -> Path:
    """What `slm-export site` writes for these bundles; `said`: its options, such as `max_file_mb`."""
    options = [part for name, value in said.items() for part in (f"--{name.replace('_', '-')}", value)]
    command = [
        str(Path(sys.executable).with_name("slm-export")),
        "site",
        *map(str, bundles),
        "--out",
        str(folder),
        "--yes",
    ]
    made = subprocess.run([*command, "--web", str(WEB), *options], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return folder


class Handler(SimpleHTTPRequestHandler):
    """Python's own static server (no ranges), with extra headers; `ranges`: as hosts have them."""

    host: Host

    def __init__(self, *arguments: Any, host: Host, directory: str) -> None:
        self.host = host
        super().__init__(*arguments, directory=directory)

    def end_headers(self) -> None:
        for name, value in self.host.headers.items():
            self.send_header(name, value)
        super().end_headers()

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.host.asked.append(f"{self.path} {wanted}" if wanted else self.path)
        file = Path(self.translate_path(self.path))
        if self.host.stalls_at and self.path.endswith(self.host.stalls_at):
            return self._stall(file)
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
        if not (self.host.ranges and found and file.is_file()):
            return super().do_GET()
        content = file.read_bytes()
        first, last = int(found[1]), int(found[2] or len(content) - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
        self.send_header("Content-Length", str(len(content[first : last + 1])))
        self.end_headers()
        self.wfile.write(content[first : last + 1])

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        if code == 404:
            self.host.missing.append(self.path)
        super().send_error(code, message, explain)

    def _stall(self, file: Path) -> None:
        """Half of the file, then nothing more until the visitor goes away."""
        content = file.read_bytes()
        self.host.stalls_at = ""  # once
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        self.connection.recv(1)
        self.close_connection = True

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class StaticServer(ThreadingHTTPServer):
    request_queue_size = 128  # a page asks for many files at once: more than five may wait for their turn

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A visitor who goes away in the middle of a file is no error of the host."""


@dataclass
class Host:
    """A static host: `asked` has the paths of all GET requests so far, with their range, `missing` those that it lacks."""

    folder: Path
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    stalls_at: str = ""  # the end of a path
    asked: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def hosted(host: Host) -> Iterator[Host]:
    """The host runs while the block does; it can be started again at the same address."""
    port = int(re.findall(r":(\d+)", host.url)[0]) if host.url else 0
    server = StaticServer(("127.0.0.1", port), partial(Handler, host=host, directory=str(host.folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def is_stored(page: Page) -> None:
    """Waits until the service worker has the page with all of its runtime."""
    page.wait_for_function("() => navigator.serviceWorker.controller !== null")
    page.get_by_role("button", name="About this page").wait_for()
    page.wait_for_function(
        """() => { window.stored ??= []; caches.keys().then(async names => {
          const keys = await Promise.all(names.map(async name => (await caches.open(name)).keys()))
          window.stored = keys.flat().map(({ url }) => url) })
        return window.stored.some(url => url.endsWith('threaded.wasm')) }"""
    )
