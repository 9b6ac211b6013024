"""`slm-playground desktop` in a process of its own, its browser a script that tells what it was asked to open."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from windows import PATIENCE_SECONDS

from slm_playground.desktop.instance import find_first
from slm_playground.guard import TOKEN_HEADER


class DesktopApp:
    """Everything it keeps is in `folder`. `environment` is added to the test's own."""

    def __init__(self, folder: Path, *arguments: str | Path, **environment: str) -> None:
        self.data = folder / "data"
        self._opened: queue.Queue[str] = queue.Queue()
        pipe, program = folder / "opened", folder / "browser"
        os.mkfifo(pipe)
        program.write_text(f'#!/bin/sh\necho "$1" > {pipe}\n')
        program.chmod(0o755)
        # Open for writing, too: it never ends between two writers.
        self._pipe = os.fdopen(os.open(pipe, os.O_RDWR), "r+b", buffering=0)
        threading.Thread(target=self._read, daemon=True).start()
        own = {"SLM_PLAYGROUND_DATA": str(self.data), "BROWSER": str(program), "WAYLAND_DISPLAY": "", "XDG_SESSION_TYPE": "x11"}
        command: list[str | Path] = [Path(sys.executable).with_name("slm-playground"), "desktop", "--port", "0", *arguments]
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **own, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.process.communicate()[1]

    def _read(self) -> None:
        for line in self._pipe:
            self._opened.put(line.decode().strip())

    def opened(self) -> str:
        """The next address that its browser was given."""
        return self._opened.get(timeout=PATIENCE_SECONDS)

    def ask(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """A request with the app's own token."""
        first = find_first(self.data / "desktop")
        connection = HTTPConnection(first.url[7:-1], timeout=PATIENCE_SECONDS)
        with closing(connection):
            headers = {"Content-Type": "application/json", TOKEN_HEADER: first.token}
            connection.request(method, path, json.dumps(body), headers)
            answer: dict[str, Any] = json.load(connection.getresponse())
        return answer

    def choose(self, **choices: object) -> dict[str, Any]:
        return self.ask("PUT", "/api/desktop/machine", **choices)

    def wait_for(self, **states: str) -> None:
        """Until icon or shortcut stand so."""
        for _ in range(PATIENCE_SECONDS * 10):
            facts = self.ask("GET", "/api/desktop/machine")
            if all(facts[part] == state for part, state in states.items()):
                return
            threading.Event().wait(0.1)  # nothing tells when a tray has come
        raise AssertionError(f"{states} did not come: {facts}")

    def wait_for_pages(self, count: int) -> None:
        """Until so many windows have shown the page, as the log says."""
        for _ in range(PATIENCE_SECONDS * 10):
            lines = [json.loads(line) for path in self.data.glob("logs/server-*.log") for line in path.read_text().splitlines()]
            if sum(line["event"] == "page" for line in lines) >= count:
                return
            threading.Event().wait(0.1)  # a file tells nobody
        raise AssertionError(f"the page was not shown {count} times")

    def wait_for_window(self, name: str | None) -> None:
        """Until the app says that its window is of that shell, or that there is none."""
        for _ in range(PATIENCE_SECONDS * 10):
            if self.ask("GET", "/api/models")["shell"]["name"] == name:
                return
            threading.Event().wait(0.1)  # nothing tells when a window has gone
        raise AssertionError(f"the window did not become {name}")

    def close(self) -> str:
        """End it; what it said on standard error."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE_SECONDS)[1]
