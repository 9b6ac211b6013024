"""Waitress around the application: from a listening socket to a clean end. Knows nothing of routes or command lines."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from flask import Flask
from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.server import TcpWSGIServer, create_server  # type: ignore[import-untyped]
from waitress.task import ErrorTask  # type: ignore[import-untyped]

from slm_playground.headers import NEVER_STORE, SECURITY_HEADERS
from slm_playground.server import MAX_BODY_BYTES

THREADS = 16
IDLE_CONNECTION_SECONDS = 300


class _ErrorTask(ErrorTask):  # type: ignore[misc]  # waitress has no types
    """Waitress answers what it cannot parse without asking the application: those answers get the headers here."""

    def execute(self) -> None:
        self.response_headers.extend(SECURITY_HEADERS.items())
        self.response_headers.append(("Cache-Control", NEVER_STORE))
        super().execute()


class _Channel(HTTPChannel):  # type: ignore[misc]
    error_task_class = _ErrorTask


def make_server(app: Flask, listener: socket.socket) -> Any:
    """A waitress server on `listener`: `run()` serves until SystemExit or KeyboardInterrupt, `close()` frees the port."""
    server: TcpWSGIServer = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        ident="",
        channel_timeout=IDLE_CONNECTION_SECONDS,
        # A tab closed in the middle of a download is not an error.
        log_socket_errors=False,
        max_request_body_size=MAX_BODY_BYTES,
    )
    server.channel_class = _Channel
    return server


def run_in_thread(server: Any) -> Callable[[], None]:
    """Serve in a thread of its own; what this gives ends that and frees the port.

    The loop ends before its sockets are closed: it may be just about to look at them.
    """
    thread = threading.Thread(target=server.run, daemon=True, name="server")
    thread.start()

    def end() -> None:
        server.trigger.pull_trigger(server._map.clear)
        thread.join()
        server.close()

    return end
