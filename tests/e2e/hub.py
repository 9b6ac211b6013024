"""A hub of models as Hugging Face's behaves: addresses by commit, small files from itself, large ones signed, from a storage.

Both are servers of TLS on this machine that Chromium takes for the real hosts (`flags`), so that a site's own policy holds.
"""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from sites import StaticServer

HUB, STORAGE = "huggingface.co", "cas-bridge.xethub.hf.co"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REPO = "ada/tiny"
_RESOLVE = re.compile(rf"/{REPO}/resolve/{COMMIT}/(.+)")
_LARGE = (".onnx.data", ".001", ".002", ".003")  # in Git LFS there
_SAID = "X-Repo-Commit, X-Linked-ETag, X-Linked-Size, ETag, Accept-Ranges, Content-Range"


@dataclass
class Hub:
    """The repository's files are those of `folder`. What is asked for is kept with its range; each signature is good for once."""

    folder: Path
    tells_ranges: bool = True
    """Whether the storage shows Content-Range to pages of other origins."""
    cuts: list[str] = field(default_factory=list)
    """Ends of names whose next answer breaks off in the middle."""
    stalls: list[str] = field(default_factory=list)
    """Ends of names whose next answer stays in the middle until the visitor goes away."""
    spoils: list[str] = field(default_factory=list)
    """Ends of names whose next answer has another byte in it."""
    is_gone: bool = False
    """Hangs up on everybody."""
    asked: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    breaks: threading.Event = field(default_factory=threading.Event)
    """Set by the test when what `cuts` names may break off: what the page has by then is known."""
    signatures: dict[str, Path] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def flags(self) -> list[str]:
        """What makes Chromium take these servers for the hosts."""
        names = ", ".join(f"MAP {name} 127.0.0.1:{port}" for name, port in self.ports.items())
        return ["--ignore-certificate-errors", f"--host-resolver-rules={names}"]


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, *arguments: Any, hub: Hub) -> None:
        self.hub = hub
        super().__init__(*arguments)

    def handle(self) -> None:
        if not self.hub.is_gone:
            super().handle()

    def do_GET(self) -> None:
        raise NotImplementedError

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        """Nobody has to ask first: a storage may not answer that."""
        self.refuse(403)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def refuse(self, status: int) -> None:
        self.hub.refused.append(f"{self.command} {self.path}")
        self.begin(status, {"Access-Control-Allow-Origin": "*", "Content-Length": "0"})

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class _HubHandler(_Handler):
    """Small files come from a cache on the same host, as the hub does it since 2025."""

    def do_GET(self) -> None:
        asked = self.path.removeprefix("/api/resolve-cache/models")
        found = _RESOLVE.fullmatch(asked)
        file = self.hub.folder / found[1] if found else None
        if file is None or not file.is_file():
            return self.refuse(404)
        origin = self.headers.get("Origin", "*")
        headers = {"Access-Control-Allow-Origin": origin, "Vary": "Origin", "Access-Control-Expose-Headers": _SAID}
        headers |= {"X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if file.name.endswith(_LARGE):
            wanted = self.headers.get("Range")
            self.hub.asked.append(f"{file.name} {wanted}" if wanted else file.name)
            signature = f"/xet-bridge-us/{file.name}?X-Amz-Signature={len(self.hub.asked)}"
            self.hub.signatures[signature] = file
            size = str(file.stat().st_size)
            place = {"Location": f"https://{STORAGE}{signature}", "X-Linked-Size": size, "X-Linked-ETag": '"1"'}
            return self.begin(302, {**headers, **place, "Content-Length": "0"})
        if asked == self.path:
            return self.begin(307, {**headers, "Location": f"/api/resolve-cache/models{asked}", "Content-Length": "0"})
        content = file.read_bytes()
        self.begin(200, {**headers, "Content-Length": str(len(content)), "Content-Type": "text/plain"})
        if self.command == "GET":
            self.wfile.write(content)


class _StorageHandler(_Handler):
    """Sends what a signature is for, once: an old one is refused."""

    def do_GET(self) -> None:
        file = self.hub.signatures.pop(self.path, None)
        if file is None:
            return self.refuse(403)
        content = file.read_bytes()
        wanted = self.headers.get("Range")
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted or "")
        first, last = (int(found[1]), int(found[2] or len(content) - 1)) if found else (0, len(content) - 1)
        sent = content[first : last + 1]
        headers = {"Access-Control-Allow-Origin": "*", "Accept-Ranges": "bytes", "Content-Length": str(len(sent))}
        if self.hub.tells_ranges:
            headers["Access-Control-Expose-Headers"] = _SAID
        if found:
            headers["Content-Range"] = f"bytes {first}-{first + len(sent) - 1}/{len(content)}"
        if self.command == "GET":
            self.hub.stored.append(f"{file.name} {wanted}" if wanted else file.name)
        self.begin(206 if found else 200, headers)
        if self.command == "GET":
            self._send(file.name, sent)

    def _send(self, name: str, content: bytes) -> None:
        if _now(self.hub.spoils, name):
            content = bytes([content[0] ^ 1]) + content[1:]
        stalls = _now(self.hub.stalls, name)
        if not stalls and not _now(self.hub.cuts, name):
            self.wfile.write(content)
            return
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if stalls:
            self.connection.recv(1)
        else:
            self.hub.breaks.wait()
        self.close_connection = True


def _now(ends: list[str], name: str) -> bool:
    """Whether it is the turn of one of `ends`, which is over then."""
    found = next((end for end in ends if name.endswith(end)), None)
    if found:
        ends.remove(found)
    return found is not None


class _TlsServer(StaticServer):
    def __init__(self, handler: Any) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(__file__).with_name("hub.pem"))
        # Hands are shaken in the request's own thread.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)


@contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    """Hub and storage run while the block does."""
    with ExitStack() as stack:
        for name, kind in ((HUB, _HubHandler), (STORAGE, _StorageHandler)):
            server = stack.enter_context(_TlsServer(partial(kind, hub=hub)))
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            hub.ports[name] = server.server_address[1]
        yield hub
