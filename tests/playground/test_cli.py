"""The command line as users run it: its own process, real sockets, signals, exit codes."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from faraway import PATIENCE_SECONDS

from slm_playground import listen
from slm_playground.cli import main

signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send these signals to a process")
ON_ANY_PORT = ("--port", "0", "--no-browser")


def test_the_first_line_is_the_address_and_it_works(
    start: Callable[..., Any], fetch: Callable[..., Any], make_bundle: Callable[..., Path], models: Path
) -> None:
    make_bundle()
    process = start("serve", *ON_ANY_PORT, "--models", str(models))
    assert process.url == f"http://127.0.0.1:{process.port}/"
    answer = fetch(process, "/api/models")
    assert answer.status == 200
    assert [model["id"] for model in json.loads(answer.body)["models"]] == ["tiny"]


def test_serve_is_the_default_command(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    assert fetch(start(*ON_ANY_PORT), "/api/health").status == 200


def test_localhost_is_the_same_server_under_its_other_name(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    process = start("--host", "localhost", *ON_ANY_PORT)
    assert process.url == f"http://localhost:{process.port}/"
    assert fetch(process, "/api/health", Host=f"localhost:{process.port}").status == 200


@signals
@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_cleanly(start: Callable[..., Any], fetch: Callable[..., Any], signal_name: str) -> None:
    process = start(*ON_ANY_PORT)
    assert fetch(process, "/api/health").status == 200
    code, rest, errors = process.end(getattr(signal, signal_name))
    assert (code, rest) == (0, "")
    assert "Traceback" not in errors


@signals
def test_a_signal_in_the_middle_of_downloads_ends_it_too(
    start: Callable[..., Any], make_bundle: Callable[..., Path], models: Path
) -> None:
    make_bundle(weights=os.urandom(30_000_000))
    process = start(*ON_ANY_PORT, "--models", str(models))
    readers = []
    for asked_range in ("", "Range: bytes=5-29999990\r\n"):
        reader = socket.create_connection(("127.0.0.1", process.port), timeout=PATIENCE_SECONDS)
        path = "/models/tiny/cpu-int8/model.onnx.data"
        reader.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{process.port}\r\n{asked_range}\r\n".encode())
        assert reader.recv(9) == b"HTTP/1.1 "
        readers.append(reader)
    code, _, errors = process.end(signal.SIGTERM)  # though nobody reads on
    assert code == 0
    assert "Traceback" not in errors
    for reader in readers:
        reader.close()


@signals
def test_the_log_has_start_requests_and_stop(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    process = start(*ON_ANY_PORT)
    fetch(process, "/api/health?private=1")
    process.end(signal.SIGTERM)
    events = process.events()
    assert [event["event"] for event in events] == ["started", "request", "stopped"]
    assert events[0]["port"] == process.port
    assert "private" not in str(events)


def test_a_chosen_port_that_is_taken_is_an_error_with_the_way_out(start: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        process = start("--port", str(port), "--no-browser")
        code, _, errors = process.wait()
    assert (code, process.url) == (1, "")
    assert f"Port {port} of 127.0.0.1 is taken" in errors
    assert "Use another one: slm-playground serve --port " in errors
    assert "Traceback" not in errors


def test_two_servers_at_once_get_two_ports_and_the_second_says_so(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    first, second = start("--no-browser"), start("--no-browser")
    for process in (first, second):
        if not process.url:
            pytest.skip(f"needs two free ports of {listen.PORTS} on this machine: {process.wait()[2]}")
    assert first.port != second.port
    assert {first.port, second.port} <= set(listen.PORTS)
    for process in (first, second):
        assert fetch(process, "/api/health").status == 200
    # Which of the ports they have depends on who else is on this machine, and on who leaves it meanwhile.
    for process in (first, second):
        _, _, errors = process.end(signal.SIGTERM)
        is_preferred = process.port == listen.PREFERRED_PORT
        assert (f"Port 8765 is taken, so this is port {process.port}." in errors) != is_preferred
        assert ("chats saved under port 8765 are not shown here" in errors) != is_preferred


def test_without_a_display_it_says_so_and_serves(start: Callable[..., Any], fetch: Callable[..., Any]) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux can lack a display")
    process = start("--port", "0")
    assert fetch(process, "/api/health").status == 200
    assert "No display found: open the address above" in process.end(signal.SIGTERM)[2]


@signals
def test_the_browser_is_opened_at_the_address(start: Callable[..., Any], tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    os.mkfifo(opened)
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    process = start("--port", "0", BROWSER=str(browser))
    # Reading a pipe waits for the writer: no need to look again and again.
    assert opened.read_text() == process.url + "\n"


def test_a_missing_models_folder_does_not_stop_it(start: Callable[..., Any], fetch: Callable[..., Any], tmp_path: Path) -> None:
    process = start(*ON_ANY_PORT, "--models", str(tmp_path / "nowhere"))
    problem = json.loads(fetch(process, "/api/models").body)["problem"]
    assert f"There is no models folder at {tmp_path / 'nowhere'}" in problem
    assert "`make run`" in problem


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "::1", "192.168.1.5", "example.test", ""])
def test_only_this_machine_can_be_served(host: str) -> None:
    result = CliRunner().invoke(main, ["serve", "--host", host, "--no-browser"])
    assert result.exit_code == 2
    assert "SLM Playground has no login" in " ".join(result.output.split())
    assert "ssh -L 8765:127.0.0.1:8765" in " ".join(result.output.split())


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--nothing"], ["nothing"], ["serve", "extra"]])
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(main, arguments).exit_code == 2


def test_help_and_version() -> None:
    help_text = CliRunner().invoke(main, ["--help"])
    assert help_text.exit_code == 0
    assert "serve" in help_text.output
    assert "doctor" in help_text.output
    assert CliRunner().invoke(main, ["--version"]).output.startswith("slm-playground, version ")
