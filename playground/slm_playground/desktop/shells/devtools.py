"""Chrome's DevTools protocol over a pipe: raise the window, go to an address, close the browser. No port is opened for it.

Chrome reads commands from file descriptor 3 and writes answers to 4, JSON with a zero byte behind each message. It ends when
the pipe is closed, so that no browser is left behind by an app that was killed.
Source: https://chromedevtools.github.io/devtools-protocol/ and `--remote-debugging-pipe` of Chromium.
"""

from __future__ import annotations

import itertools
import json
import os
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NoAnswer
from contextlib import suppress
from typing import Any

# A browser that has the processor answers at once; one that is taken for gone gets a second window.
ANSWER_SECONDS = 10.0


class Gone(Exception):
    """The browser has closed the pipe or does not answer."""


class DevTools:
    """One connection; `commands` and `answers` are our ends of the two pipes."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[dict[str, Any]]] = {}
        threading.Thread(target=self._read, daemon=True, name="devtools").start()

    def ask(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Send a command and wait for its result. Raises: Gone."""
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = Future()
        self._waiting[number] = answer
        message: dict[str, object] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._send(message)
        try:
            result = answer.result(ANSWER_SECONDS)
        except (NoAnswer, EOFError) as error:
            raise Gone(f"{method}: no answer") from error
        finally:
            self._waiting.pop(number, None)
        if "error" in result:
            raise Gone(f"{method}: {result['error']}")
        found: dict[str, Any] = result.get("result", {})
        return found

    def tell(self, method: str) -> None:
        """Send a command without waiting. Raises: Gone."""
        self._send({"id": next(self._numbers), "method": method, "params": {}})

    def close(self) -> None:
        """Close our end: the browser ends. More than once does no harm."""
        with self._lock:
            descriptor, self._commands = self._commands, -1
        if descriptor >= 0:
            os.close(descriptor)

    def _send(self, message: dict[str, object]) -> None:
        data = json.dumps(message).encode() + b"\0"
        with self._lock:
            if self._commands < 0:
                raise Gone("the connection is closed")
            try:
                while data:
                    data = data[os.write(self._commands, data) :]
            except OSError as error:
                raise Gone(str(error)) from error

    def _read(self) -> None:
        rest = b""
        with suppress(OSError):
            while piece := os.read(self._answers, 1 << 16):
                *messages, rest = (rest + piece).split(b"\0")
                for message in messages:
                    self._take(json.loads(message))
        os.close(self._answers)
        for answer in list(self._waiting.values()):
            with suppress(Exception):
                answer.set_exception(EOFError())

    def _take(self, message: dict[str, Any]) -> None:
        answer = self._waiting.get(message.get("id", 0))
        if answer and not answer.done():
            answer.set_result(message)
