"""A server that is asked for the newest version, as GitHub answers."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from faraway import PATIENCE_SECONDS


@dataclass
class Releases:
    """A server that is asked for the newest version; `asked` holds the headers it was sent."""

    status: int = 200
    body: bytes = b"{}"
    waits: threading.Event | None = None
    asked: list[dict[str, str]] = field(default_factory=list)
    location: str | None = None

    def __post_init__(self) -> None:
        releases = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                releases.asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
                if releases.waits:
                    releases.waits.wait(PATIENCE_SECONDS)
                self.send_response(releases.status)
                self.send_header("Content-Length", str(len(releases.body)))
                if releases.location:
                    self.send_header("Location", releases.location)
                self.end_headers()
                self.wfile.write(releases.body)

            def log_message(self, *_: object) -> None:
                """Nothing on standard error."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/repos/o/n/releases/latest"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def say(self, **answer: object) -> None:
        self.body = json.dumps(answer).encode()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
