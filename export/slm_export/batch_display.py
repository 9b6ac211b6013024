"""A batch while it runs: on a terminal one live line a running model, elsewhere plain lines for what begins and ends."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from slm_export.batch import ENDED, Progress
from slm_export.batch_child import ATTEMPT
from slm_export.progress import Reporter

STEP_SECONDS = 15.0  # on plain output, a running model's steps are told no more often
REASON_LENGTH = 120
_TAIL_BYTES = 4096
_STEP = re.compile(rb"^(\[\d+/\d+\] [^\r\n]*|Downloading [^\r\n]*|# attempt)", re.MULTILINE)


class Display:
    """`watch` is what a Batch calls. A context manager: leaving it gives the terminal back."""

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter
        self._live = Live(console=reporter.console, auto_refresh=False, transient=True) if _is_live(reporter) else None
        self._told: dict[str, str] = {}
        self._step_told: dict[str, tuple[str, float]] = {}

    def __enter__(self) -> Display:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def watch(self, models: Sequence[Progress], load: str) -> None:
        """Show how things stand."""
        for model in models:
            self._tell(model)
        if self._live:
            self._live.update(_picture(models, load), refresh=True)

    def _tell(self, model: Progress) -> None:
        """A line when a model begins or ends; without a live picture also its steps, now and then."""
        name = model.job.name
        if self._told.get(name, "waiting") != model.state:
            self._told[name] = model.state
            if line := _line(model):
                self._reporter.say(line)
        if model.state == "running" and self._live is None:
            step, (old, when) = last_step(model.job.log), self._step_told.get(name, ("", model.began))
            if step != old and time.monotonic() - when >= STEP_SECONDS:
                self._step_told[name] = (step, time.monotonic())
                self._reporter.say(f"{name}: {step}")


def _is_live(reporter: Reporter) -> bool:
    return reporter.console.is_terminal and not reporter.quiet


def _line(model: Progress) -> str:
    """What is said as a model comes into its present state; empty for what is not worth a line."""
    name, scouted = model.job.name, model.scouted
    if model.state == "running" and scouted is not None:
        kept = f", {scouted.kept_stages} stages kept from the interrupted run" if scouted.kept_stages else ""
        planned = f" (up to {scouted.peak_memory_bytes / 1e9:.1f} GB of memory{kept})" if scouted.peak_memory_bytes else ""
        return f"{name}: exporting{planned}"
    if model.state == "ready" and model.attempts:
        return f"{name}: {model.error} Trying again (attempt {model.attempts + 1})"
    if model.state == "exported":
        return f"{name}: exported in {model.seconds:.0f} s"
    if model.state == "current":
        return f"{name}: up to date"
    if model.state in ("failed", "refused"):
        return f"{name}: {model.state}. {_shortened(model.error or '')}"
    return f"{name}: interrupted" if model.state == "interrupted" else ""


def _shortened(error: str) -> str:
    """The reason in a line: the whole of it stands at the end."""
    line = error.splitlines()[0] if error else ""
    return line if len(line) <= REASON_LENGTH else line[: REASON_LENGTH - 1].rstrip() + "…"


def _picture(models: Sequence[Progress], load: str) -> Group:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(no_wrap=True, overflow="ellipsis")
    for model in models:
        if model.state == "running":
            step = last_step(model.job.log) or "queued"
            table.add_row(Text(model.job.name), _clock(time.monotonic() - model.began), Text(step))
    looked_at = next((model for model in models if model.state == "waiting"), None)
    if looked_at is not None:
        table.add_row(
            Text(looked_at.job.name, style="dim"), "", Text(last_step(looked_at.job.log) or "looking at it", style="dim")
        )
    counts = Counter(
        "ended" if model.state in ENDED else "running" if model.state == "running" else "waiting" for model in models
    )
    done = f"{counts['ended']} of {len(models)} done, {counts['running']} running, {counts['waiting']} waiting; {load}"
    return Group(table, Text(done, style="dim"))


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def last_step(log: Path) -> str:
    """The title of the stage that the log names last; empty before anything has begun."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            found = _STEP.findall(file.read())
    except OSError:
        return ""
    step = found[-1].decode("utf-8", errors="replace").removesuffix(" …") if found else ""
    return "starting" if step == ATTEMPT.strip() else step
