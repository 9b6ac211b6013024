"""The log file and what people see on standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from slm_playground import log


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Logging as the command line sets it up; gives a function that reads the file so far."""
    file = log.configure(tmp_path / "logs", 8765)
    assert file == tmp_path / "logs" / "server-8765.log"
    yield lambda: [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]
    for name in ("slm_playground", "waitress"):
        logger = logging.getLogger(name)
        for handler in logger.handlers:
            handler.close()
        logger.handlers = []
        logger.propagate = True


def test_a_request_is_one_line_without_its_query(
    client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    client.get("/api/health?text=something+private")
    (line,) = lines()
    assert line.pop("time").endswith("+00:00")
    assert line.pop("handled_ms") >= 0
    assert line.pop("bytes") > 0
    assert line == {"level": "info", "event": "request", "method": "GET", "path": "/api/health", "status": 200}
    assert capsys.readouterr().err == ""


def test_bytes_are_those_sent(client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], static: Path) -> None:
    etag = client.get("/slm.js").headers["ETag"]
    client.head("/slm.js")
    client.get("/slm.js", headers={"If-None-Match": etag})
    client.get("/slm.js", headers={"Range": "bytes=0-2"})
    assert [(line["status"], line.get("bytes")) for line in lines()] == [
        (200, (static / "slm.js").stat().st_size),
        (200, None),
        (304, None),
        (206, 3),
    ]


def test_a_refusal_is_told_to_people_with_its_reason(
    client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    client.get("/api/models", headers={"Origin": "http://evil.test"})
    client.get("/", headers={"Host": "evil.test"})
    (foreign, rebound) = lines()
    assert (foreign["status"], foreign["level"], foreign["origin"]) == (403, "warning", "http://evil.test")
    assert (rebound["status"], rebound["host"]) == (421, "evil.test")
    assert "its Origin is not this server's" in foreign["problem"]
    shown = capsys.readouterr().err.splitlines()
    assert shown[0].startswith("Refused (403): GET /api/models, origin 'http://evil.test'. Refused: only")
    assert shown[1].startswith("Refused (421): GET /, host 'evil.test'. This address is not served here.")


def test_a_crash_is_one_readable_line_for_people_and_a_traceback_in_the_file(
    app: Flask, client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    @app.get("/test/crash")
    def crash() -> str:
        raise RuntimeError("the disk\nis gone")

    assert client.get("/test/crash").status_code == 500
    crashed, request = lines()
    assert "Traceback" in crashed["traceback"]
    assert "in crash" in crashed["traceback"]
    assert request["status"] == 500
    shown = capsys.readouterr().err
    assert "Traceback" not in shown
    assert "Error: GET /test/crash failed: RuntimeError: the disk\\nis gone\n" in shown


def test_what_a_client_sends_cannot_forge_a_line(
    client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    client.post("/x%0a%1b[2Jforged%0d")
    (line,) = lines()
    assert line["path"] == "/x\n\x1b[2Jforged\r"
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "\x1b" not in shown


def test_the_file_is_rotated_and_bounded(
    client: FlaskClient, lines: Callable[[], list[dict[str, Any]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (handler,) = (each for each in logging.getLogger("slm_playground").handlers if isinstance(each, log._LogFile))
    monkeypatch.setattr(handler, "maxBytes", 2_000)
    for _ in range(200):
        client.get("/api/health")
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["server-8765.log", *(f"server-8765.log.{number}" for number in range(1, log.KEPT_FILES + 1))]
    assert all(path.stat().st_size <= 2_000 for path in (tmp_path / "logs").iterdir())


def test_a_folder_that_cannot_be_written_costs_the_log_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    try:
        assert log.configure(tmp_path / "logs", 8765) is None
        assert "No log is kept" in capsys.readouterr().err
    finally:
        logging.getLogger("slm_playground").handlers = []
        logging.getLogger("waitress").handlers = []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once_and_the_server_goes_on(
    app: Flask, client: FlaskClient, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "server-8765.log").symlink_to("/dev/full")
    log.configure(tmp_path / "logs", 8765)
    try:
        for _ in range(3):
            assert client.get("/api/health").status_code == 200
        shown = capsys.readouterr().err
        assert shown.count("The log stops here") == 1
        assert "No space left" in shown
    finally:
        for name in ("slm_playground", "waitress"):
            logging.getLogger(name).handlers = []
