"""The real server process on a real socket: what only shows there."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from flask import Flask
from ports import kept_port

from slm_playground.listen import open_socket
from slm_playground.serve import THREADS, make_server, run_in_thread

DATA = "/models/tiny/cpu-int8/model.onnx.data"


def test_ranges_conditions_and_head_over_a_socket(live: Any, fetch: Callable[..., Any], make_bundle: Callable[..., Path]) -> None:
    weights = (make_bundle(weights=os.urandom(3_000_000)) / "cpu-int8/model.onnx.data").read_bytes()
    whole = fetch(live, DATA)
    assert (whole.status, whole.body) == (200, weights)
    part = fetch(live, DATA, Range="bytes=1000000-1999999")
    assert (part.status, part.body) == (206, weights[1_000_000:2_000_000])
    assert part.headers["Content-Range"] == "bytes 1000000-1999999/3000000"
    tail = fetch(live, DATA, Range="bytes=-7", If_Range=whole.headers["ETag"])
    assert (tail.status, tail.body) == (206, weights[-7:])
    unchanged = fetch(live, DATA, If_None_Match=whole.headers["ETag"])
    assert (unchanged.status, unchanged.body) == (304, b"")
    head = fetch(live, DATA, method="HEAD")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "3000000")
    assert fetch(live, DATA, Range="bytes=3000000-").status == 416


def test_one_connection_serves_many_requests(live: Any, make_bundle: Callable[..., Path]) -> None:
    make_bundle()
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE_SECONDS)
    connection.connect()
    first = connection.sock
    for method, path, headers in (
        ("GET", "/", {}),
        ("GET", DATA, {"Range": "bytes=0-9"}),
        ("HEAD", DATA, {}),
        ("GET", "/nothing", {}),
    ):
        connection.request(method, path, headers=headers)
        connection.getresponse().read()
        assert connection.sock is first
    connection.close()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts open files through /proc")
def test_no_answer_leaves_a_file_open(live: Any, fetch: Callable[..., Any], make_bundle: Callable[..., Path]) -> None:
    make_bundle()
    etag = fetch(live, DATA).headers["ETag"]
    handles = Path(f"/proc/{live.popen.pid}/fd")

    def open_files() -> list[str]:
        links = []
        for handle in list(handles.iterdir()):
            with suppress(FileNotFoundError):  # closed meanwhile
                links.append(os.readlink(handle))
        return [link for link in links if link.endswith((".data", ".html", ".js"))]

    for headers in ({"If_None_Match": etag}, {"Range": "bytes=0-9"}, {"Range": "bytes=99999-"}, {}):
        for method in ("GET", "HEAD"):
            fetch(live, DATA, method=method, **headers)
    # The last answer's file is closed soon after its last byte is sent, by the thread that sent it.
    end = time.monotonic() + PATIENCE_SECONDS
    while open_files() and time.monotonic() < end:
        fetch(live, "/api/health")
    assert open_files() == []


def test_many_slow_readers_hold_no_thread(live: Any, fetch: Callable[..., Any], make_bundle: Callable[..., Path]) -> None:
    """More readers than threads, of bodies and of ranges each, stuck in the middle of what fits in no buffer."""
    make_bundle(weights=os.urandom(30_000_000))
    readers = []
    for number in range(2 * THREADS + 2):
        reader = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_SECONDS)
        asked = "Range: bytes=5-29999990\r\n" if number % 2 else ""
        reader.sendall(f"GET {DATA} HTTP/1.1\r\nHost: 127.0.0.1:{live.port}\r\n{asked}\r\n".encode())
        assert reader.recv(12) == (b"HTTP/1.1 206" if number % 2 else b"HTTP/1.1 200")
        readers.append(reader)
    assert fetch(live, "/api/health").status == 200
    for reader in readers:
        reader.close()
    assert fetch(live, "/api/health").status == 200


def test_a_server_is_ended_wherever_its_loop_is(app: Flask) -> None:
    """It was closed under its loop: of twenty desktop apps that were ended at once one had an exception in that thread."""
    with kept_port() as port:
        for turn in range(60):
            server = make_server(app, open_socket(port))
            end = run_in_thread(server)
            for _ in range(100 * turn):
                pass  # each comes a little further
            end()
            server.task_dispatcher.shutdown()
