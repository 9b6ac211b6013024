"""What passes between the processes of a batch: jobs, what the scout found out about them, and how an export ended."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.options import ExportOptions


@dataclass(frozen=True, slots=True)
class Job:
    """One bundle to make: the folder `bundle`, and `log`, where everything that its processes say is written."""

    name: str
    source: str
    bundle: Path
    downloads: Path
    log: Path
    variants: tuple[str, ...]
    options: ExportOptions

    @property
    def part(self) -> Path:
        """Where an unfinished export keeps its stages (bundle.py)."""
        return self.bundle.with_name(f".{self.bundle.name}.part")

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self), default=str)

    @staticmethod
    def from_json(text: str) -> Job:
        """The inverse of `to_json`."""
        data: dict[str, Any] = json.loads(text)
        options = data["options"]
        adapter = Path(options["adapter"]) if options["adapter"] else None
        return Job(
            name=data["name"],
            source=data["source"],
            bundle=Path(data["bundle"]),
            downloads=Path(data["downloads"]),
            log=Path(data["log"]),
            variants=tuple(data["variants"]),
            options=ExportOptions(**{**options, "adapter": adapter}),
        )


@dataclass(frozen=True, slots=True)
class PlannedVariant:
    """A variant before it is made: estimates."""

    name: str
    size_bytes: int
    bits_per_weight: float


@dataclass(frozen=True, slots=True)
class Scouted:
    """What is known of a job before its export.

    `state`: `current` (the bundle is there, from the same inputs), `new`, `interrupted` (`kept_stages` are done), `download`
    (not fetched, so far only its headers were looked at), `unchecked` (its bundle may be current: a dry run does not ask),
    or `failed` with `error`. Sizes are bytes, 0 where unknown; `revision` is the commit of a Hugging Face repository.
    """

    name: str
    state: str
    error: str | None = None
    revision: str | None = None
    kept_stages: int = 0
    parameters: int = 0
    download_bytes: int = 0
    peak_memory_bytes: int = 0
    peak_disk_bytes: int = 0
    free_disk_bytes: int = 0
    variants: tuple[PlannedVariant, ...] = ()

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def from_json(text: str) -> Scouted:
        """The inverse of `to_json`."""
        data: dict[str, Any] = json.loads(text)
        return Scouted(**{**data, "variants": tuple(PlannedVariant(**each) for each in data["variants"])})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one export may take at most; None where nobody knows. Disk is what is free."""

    memory_bytes: int | None


def refusal(found: Scouted, limits: Limits) -> str | None:
    """Why an export can never run here, with the numbers; None where it can."""
    if limits.memory_bytes is not None and found.peak_memory_bytes > limits.memory_bytes:
        return (
            f"It needs up to {found.peak_memory_bytes / 1e9:.1f} GB of memory, and all exports together may take "
            f"{limits.memory_bytes / 1e9:.1f} GB. Give more with --memory-gb if the machine has it, take a larger one, "
            "or say --force to try it alone."
        )
    if found.peak_disk_bytes > found.free_disk_bytes:
        return (
            f"It needs about {found.peak_disk_bytes / 1e9:.1f} GB of disk while it runs, and "
            f"{found.free_disk_bytes / 1e9:.1f} GB are free in --out. Free some space, choose another --out, or say --force."
        )
    return None


@dataclass(frozen=True, slots=True)
class Task:
    """An export with what it may take: memory for the budget, threads for its arithmetic."""

    job: Job
    memory_bytes: int
    threads: int


@dataclass(frozen=True, slots=True)
class Ended:
    """How an attempt ended. `state`: `exported`, `failed` (trying again gives the same), `crashed` (the process died, which
    another attempt may not) or `interrupted` (by us). `attempts` counts all of them; `seconds` is wall time of the last.
    """

    state: str
    seconds: float
    attempts: int = 1
    error: str | None = None
    was_killed: bool = False  # by SIGKILL: on Linux mostly for want of memory
