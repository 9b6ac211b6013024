"""Every response carries every security header, whichever way it came about."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from faraway import PATIENCE_SECONDS
from flask import Flask
from flask.testing import FlaskClient

# Written out here and not imported: a change of the policy must be made twice.
EXPECTED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src 'self'; "
        "img-src 'self' data: blob:; style-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'; object-src 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Origin-Agent-Cluster": "?1",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), display-capture=()",
}


def assert_headers(headers: Any) -> None:
    assert {name: headers.get(name) for name in EXPECTED} == EXPECTED
    for name in ("Access-Control-Allow-Origin", "Set-Cookie", "Server", "Last-Modified"):
        assert name not in headers


@pytest.mark.parametrize(
    ("status", "method", "path", "headers"),
    [
        (200, "GET", "/", {}),
        (200, "GET", "/assets/index-Bq3xK9aZ.js", {}),
        (200, "GET", "/assets/index-Bq3xK9aZ.js", {"Accept-Encoding": "br"}),
        (200, "GET", "/api/models", {}),
        (200, "GET", "/models/tiny/cpu-int8/model.onnx.data", {}),
        (200, "HEAD", "/models/tiny/cpu-int8/model.onnx.data", {}),
        (206, "GET", "/models/tiny/cpu-int8/model.onnx.data", {"Range": "bytes=0-9"}),
        (416, "GET", "/models/tiny/cpu-int8/model.onnx.data", {"Range": "bytes=99999999-"}),
        (404, "GET", "/nothing", {}),
        (404, "GET", "/nothing", {"Accept": "text/html"}),
        (404, "GET", "/models/nothing/x", {}),
        (405, "OPTIONS", "/", {}),
        (403, "POST", "/", {}),
        (403, "GET", "/", {"Origin": "null"}),
        (421, "GET", "/", {"Host": "evil.test"}),
        (421, "GET", "/", {"Host": "evil.test", "Accept": "text/html"}),
        (500, "GET", "/test/crash", {}),
        (500, "GET", "/test/crash", {"Accept": "text/html"}),
    ],
)
def test_every_response_has_every_header(
    app: Flask,
    client: FlaskClient,
    make_bundle: Callable[..., Path],
    status: int,
    method: str,
    path: str,
    headers: dict[str, str],
) -> None:
    make_bundle()

    @app.get("/test/crash")
    def crash() -> str:
        raise RuntimeError("a bug with a secret in it")

    response = client.open(path, method=method, headers=headers)
    assert response.status_code == status
    assert_headers(response.headers)
    if status >= 400:
        assert response.headers["Cache-Control"] == "no-store"
        assert "secret" not in response.text
        assert "<script" not in response.text
        assert "style=" not in response.text


def test_304_has_every_header(client: FlaskClient) -> None:
    etag = client.get("/").headers["ETag"]
    response = client.get("/", headers={"If-None-Match": etag})
    assert response.status_code == 304
    assert_headers(response.headers)


def test_errors_are_a_sentence_in_json_for_programs_and_a_page_for_people(client: FlaskClient) -> None:
    program = client.get("/nothing", headers={"Accept": "*/*"})
    assert program.mimetype == "application/json"
    assert program.get_json() == {
        "error": {
            "status": 404,
            "message": "There is nothing at this address. The playground itself is at /, the list of models at /api/models.",
        }
    }
    person = client.get("/nothing", headers={"Accept": "text/html,application/xhtml+xml"})
    assert person.mimetype == "text/html"
    assert "There is nothing at this address." in person.text
    assert '<a href="/">' in person.text


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"rubbish\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: unheard-of\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 300_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\n\r\n", 413),
        (b"GET / HTTP/1.1\r\n\r\n", 421),  # no Host at all
        (b"GET / HTTP/1.0\r\n\r\n", 421),
        (b"GET http://evil.test/ HTTP/1.1\r\nHost: evil.test\r\n\r\n", 421),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: evil.test\r\n\r\n", 421),
        (b"BREW / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n", 403),
        (b"CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n", 421),
    ],
)
def test_what_never_reaches_the_application_has_every_header_too(live: Any, request_bytes: bytes, status: int) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_SECONDS) as connection:
        connection.sendall(request_bytes.replace(b"{port}", str(live.port).encode()))
        response = http.client.HTTPResponse(connection)
        response.begin()
        assert response.status == status
        assert_headers(response.headers)
        assert response.read()
