"""What long work tells the user: named steps, and bytes or units done. Written to stderr, so that stdout stays for data.

On a terminal a live bar (rich); elsewhere one plain line a step and one at each tenth of a long transfer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

Advance = Callable[[int], None]


@dataclass(slots=True)
class Reporter:
    """Prints to stderr. `quiet` prints nothing (for `--json`)."""

    quiet: bool = False
    console: Console = field(default_factory=lambda: Console(file=sys.stderr, highlight=False))

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            self.console.print(text, markup=False, soft_wrap=True)

    def paced(self, seconds: float = 5.0) -> Callable[[str], None]:
        """A `say` for loops: says nothing until `seconds` have gone by since it was made or last spoke."""
        state = {"last": time.monotonic()}

        def say(text: str) -> None:
            if time.monotonic() - state["last"] >= seconds:
                state["last"] = time.monotonic()
                self.say(text)

        return say

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """A named piece of work: says what begins, then how long it took."""
        self.say(f"{text} …")
        start = time.monotonic()
        yield
        self.say(f"  done in {time.monotonic() - start:.1f} s")

    @contextmanager
    def transfer(self, text: str, total_bytes: int, done_bytes: int = 0) -> Iterator[Advance]:
        """Yields a function to call with the number of bytes that have just arrived."""
        if self.quiet:
            yield lambda count: None
        elif self.console.is_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                DownloadColumn(),
                TransferSpeedColumn(),
                TimeRemainingColumn(),
            )
            with Progress(*columns, console=self.console) as bar:
                task = bar.add_task(text, total=total_bytes, completed=done_bytes)
                yield lambda count: bar.advance(task, count)
        else:
            yield self._plain_transfer(text, total_bytes, done_bytes)

    def _plain_transfer(self, text: str, total_bytes: int, done_bytes: int) -> Advance:
        self.say(f"{text}: {total_bytes / 1e6:.1f} MB" + (f", {done_bytes / 1e6:.1f} MB there already" if done_bytes else ""))
        state = {"done": done_bytes, "shown": done_bytes * 10 // max(total_bytes, 1)}

        def advance(count: int) -> None:
            state["done"] += count
            tenth = state["done"] * 10 // max(total_bytes, 1)
            if tenth > state["shown"]:
                state["shown"] = tenth
                self.say(f"  {state['done'] / 1e6:.1f} of {total_bytes / 1e6:.1f} MB")

        return advance
