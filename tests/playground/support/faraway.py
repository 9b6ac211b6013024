"""A server that models are fetched from: a hub's layout and plain folders, in every mood a server can have."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "c" * 40
# So long a test waits for a thread that does its work, on a machine that may stand still for a while.
PATIENCE_SECONDS = 120


@dataclass
class Moods:
    """How the server behaves; a test changes them while it runs."""

    # Answers a range with the whole file.
    ignores_ranges: bool = False
    # Sends no ETag.
    has_etags: bool = True
    # Closes the connection after so many bytes of a body, as often as `breaks` says.
    breaks_after: int | None = None
    breaks: int = 0
    # Answers 503, as often as this.
    busy: int = 0
    # Says a longer Content-Length than it has.
    lies: bool = False
    # Called with (path, Range) before a body is sent.
    before_body: Callable[[str, str | None], None] = lambda _path, _range: None


@dataclass
class Faraway:
    """Files by path. `asked` is what was asked for: (path, Range)."""

    files: dict[str, bytes] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    moods: Moods = field(default_factory=Moods)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    url: str = ""

    def put_hub(self, ref: str, files: dict[str, bytes], licence: str = "mit") -> None:
        """A repository as the hub lays it out, its listing in two pages."""
        self.files |= {f"/{ref}/resolve/{COMMIT}/{path}": content for path, content in files.items()}
        api = f"/api/models/{ref}"
        info = {"id": ref, "sha": COMMIT, "cardData": {"license": licence}}
        entries = [{"type": "directory", "path": "onnx", "oid": "0" * 40, "size": 0}, *map(_entry, files.items())]
        for revision in ("main", COMMIT):
            self.put_json(f"{api}/revision/{revision}", info)
        self.put_json(f"{api}/tree/{COMMIT}?recursive=true", entries[:2])
        self.put_json(f"{api}/tree/{COMMIT}?recursive=true&cursor=2", entries[2:])
        self.next_page = {f"{api}/tree/{COMMIT}?recursive=true": f"{api}/tree/{COMMIT}?recursive=true&cursor=2"}

    next_page: dict[str, str] = field(default_factory=dict)

    def put_json(self, path: str, data: object) -> None:
        self.files[path] = json.dumps(data).encode()
        self.types[path] = "application/json"

    def ranges(self, ending: str) -> list[str | None]:
        return [asked for path, asked in self.asked if path.endswith(ending)]

    def take(self, mood: str) -> bool:
        """True as often as the counter of this mood says."""
        with self.lock:
            left: int = getattr(self.moods, mood)
            setattr(self.moods, mood, max(0, left - 1))
            return left > 0


def _entry(item: tuple[str, bytes]) -> dict[str, object]:
    path, content = item
    blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content, usedforsecurity=False).hexdigest()
    entry: dict[str, object] = {"type": "file", "path": path, "oid": blob, "size": len(content)}
    if path.endswith((".onnx", ".onnx_data")):
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def serve(faraway: Faraway) -> ThreadingHTTPServer:
    """A running server; `shutdown()` and `server_close()` end it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path.startswith("/elsewhere/"):
                self._head(302, {"Location": parts.path.removeprefix("/elsewhere"), "Content-Length": "0"})
                return
            wanted = self.headers.get("Range")
            faraway.asked.append((self.path, wanted))
            content = faraway.files.get(self.path)
            if content is None or faraway.take("busy"):
                self._head(404 if content is None else 503, {"Content-Length": "0"})
                return
            self._answer(content, wanted)

        def _answer(self, content: bytes, wanted: str | None) -> None:
            moods = faraway.moods
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            headers = {"Content-Type": faraway.types.get(self.path, "application/octet-stream")}
            if moods.has_etags:
                headers["ETag"] = etag
            if self.path in faraway.next_page:
                headers["Link"] = f'<{faraway.url}{faraway.next_page[self.path]}>; rel="next"'
            condition = self.headers.get("If-Range")
            if wanted and not moods.ignores_ranges and condition in (None, etag):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                begin, end = int(first), int(last) + 1
                if begin >= len(content):
                    self._head(416, {"Content-Range": f"bytes */{len(content)}", "Content-Length": "0"})
                    return
                body = content[begin:end]
                self._head(206, {**headers, "Content-Range": f"bytes {begin}-{begin + len(body) - 1}/{len(content)}"}, body)
            else:
                self._head(200, headers, content)

        def _head(self, status: int, headers: dict[str, str], body: bytes | None = None) -> None:
            if body is not None:
                faraway.moods.before_body(self.path, self.headers.get("Range"))
                headers["Content-Length"] = str(len(body) + (7 if faraway.moods.lies else 0))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if not body:
                return
            limit = faraway.moods.breaks_after
            if limit is not None and len(body) > limit and faraway.take("breaks"):
                body = body[:limit]
                self.close_connection = True
            # A client that was told to stop does not wait for the rest.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)
            if faraway.moods.lies:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        # The default of 5 drops connections when several are opened at once: seconds of waiting for TCP.
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    faraway.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server
