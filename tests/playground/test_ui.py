"""The built UI: which file, which precompressed sibling, how long it may be kept, which type."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from flask.testing import FlaskClient

SCRIPT = "/assets/index-Bq3xK9aZ.js"


@pytest.mark.parametrize(
    ("path", "content_type", "cache_control"),
    [
        ("/", "text/html; charset=utf-8", "no-cache"),
        ("/index.html", "text/html; charset=utf-8", "no-cache"),
        ("/slm.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/slm.d.ts", "text/plain; charset=utf-8", "no-cache"),
        ("/favicon.svg", "image/svg+xml", "no-cache"),
        (SCRIPT, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/style-Dk2_9-xY.css", "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/assets/unhashed.js", "text/javascript; charset=utf-8", "no-cache"),
        ("/ort/1.30.0/ort-wasm.wasm", "application/wasm", "public, max-age=31536000, immutable"),
        ("/ort/1.30.0/loader.wasm.mjs", "text/javascript; charset=utf-8", "no-cache"),
        ("/ort/ort-wasm.mjs", "text/javascript; charset=utf-8", "no-cache"),
        ("/ort/ort-wasm.wasm", "application/wasm", "no-cache"),
    ],
)
def test_types_and_caching(client: FlaskClient, static: Path, path: str, content_type: str, cache_control: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.data == (static / (path.lstrip("/") or "index.html")).read_bytes()
    assert response.headers["Content-Type"] == content_type
    assert response.headers["Cache-Control"] == cache_control


def test_types_do_not_come_from_the_system(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import mimetypes

    monkeypatch.setattr(mimetypes, "guess_type", lambda *_, **__: ("text/plain", None))
    assert client.get("/slm.js").mimetype == "text/javascript"


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"brotli script"),
        ("br", "br", b"brotli script"),
        ("BR", "br", b"brotli script"),
        ("gzip", "gzip", b"gzip script"),
        ("br;q=0, gzip;q=0.5", "gzip", b"gzip script"),
        ("*", "br", b"brotli script"),
        ("*, br;q=0", "gzip", b"gzip script"),
        ("identity", None, None),
        ("br;q=0, gzip;q=0", None, None),
        ("brotli, x-gzip", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_the_best_sibling_that_the_client_takes(
    client: FlaskClient, static: Path, accepted: str | None, encoding: str | None, body: bytes | None
) -> None:
    response = client.get(SCRIPT, headers={} if accepted is None else {"Accept-Encoding": accepted})
    assert response.data == (body or (static / SCRIPT.lstrip("/")).read_bytes())
    assert response.headers.get("Content-Encoding") == encoding
    assert response.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert response.headers["Content-Length"] == str(len(response.data))
    assert response.headers["Vary"] == "Accept-Encoding"


def test_only_the_siblings_that_there_are(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "br, gzip"}
    wasm = client.get("/ort/ort-wasm.wasm", headers=headers)
    assert (wasm.headers["Content-Encoding"], wasm.mimetype) == ("gzip", "application/wasm")
    plain = client.get("/slm.js", headers=headers)
    assert "Content-Encoding" not in plain.headers
    assert "Vary" not in plain.headers


def test_a_range_is_never_one_of_a_compressed_file(client: FlaskClient, static: Path) -> None:
    response = client.get(SCRIPT, headers={"Accept-Encoding": "br, gzip", "Range": "bytes=6-11"})
    assert (response.status_code, response.data) == (206, b"script")
    assert "Content-Encoding" not in response.headers
    assert response.headers["Vary"] == "Accept-Encoding"


def test_each_encoding_has_its_own_etag_and_its_304(client: FlaskClient) -> None:
    etags = {}
    for accepted in ("br", "gzip", "identity"):
        etags[accepted] = client.get(SCRIPT, headers={"Accept-Encoding": accepted}).headers["ETag"]
    assert len(set(etags.values())) == 3
    for accepted, etag in etags.items():
        for asked in etags:
            response = client.get(SCRIPT, headers={"Accept-Encoding": asked, "If-None-Match": etag})
            assert response.status_code == (304 if asked == accepted else 200)
            assert response.headers["Vary"] == "Accept-Encoding"


def test_an_update_with_the_same_size_and_time_is_seen(client: FlaskClient, static: Path, tmp_path: Path) -> None:
    """All files of an installed wheel have one made-up time: a page kept from before an update must not stay."""
    index = static / "index.html"
    os.utime(index, (1_580_601_600, 1_580_601_600))
    etag = client.get("/").headers["ETag"]
    updated = tmp_path / "updated"
    shutil.copytree(static, updated)
    (updated / "index.html").write_bytes(index.read_bytes().replace(b"UI", b"ui"))
    os.utime(updated / "index.html", (1_580_601_600, 1_580_601_600))
    # An update is a new process: the digests of the old one are gone with it.
    from slm_playground.files import _digest

    shutil.rmtree(static)
    updated.rename(static)
    _digest.cache_clear()
    headers = {"If-None-Match": etag, "If-Modified-Since": "Sun, 02 Feb 2020 00:00:00 GMT"}
    response = client.get("/", headers=headers)
    assert response.status_code == 200
    assert b"ui" in response.data


def test_a_ui_that_is_not_built_says_how_to_build_it(client: FlaskClient, static: Path) -> None:
    shutil.rmtree(static)
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert page.mimetype == "text/html"
    for words in ("not built", "`make run`", "`npm run build`", str(static)):
        assert words in page.text
    assert client.get("/slm.js").status_code == 404
    assert client.get("/api/models").status_code == 200
