"""The stages of an export in its part folder: each leaves whole files and a stamp, so that a later run can go on after it.

A stamp states the digest of the export's inputs and size and SHA-256 of every file that the stage wrote. A stage counts
as done only when all of that still holds. What an unfinished stage wrote is removed at once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_export.download import sha256_of
from slm_export.progress import Reporter

STAMPS = Path(".work") / "stages"


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of an export. `outputs` are files or folders, relative to the part folder, that `work` makes and nobody else."""

    name: str
    title: str
    outputs: tuple[Path, ...]
    work: Callable[[], object]


class Stages:
    """Runs stages one after the other in `part`, the folder of an export with the input digest `inputs`.

    `total` is the number of stages in all, for the messages.
    """

    def __init__(self, part: Path, inputs: str, reporter: Reporter, *, total: int) -> None:
        self.part = part
        self.inputs = inputs
        self.reporter = reporter
        self.total = total
        self.begun = 0

    def run(self, stages: Sequence[Stage]) -> None:
        """Do what is not done yet. Whatever a stage raises goes through, after its unfinished outputs are removed."""
        for stage in stages:
            self.begun += 1
            title = f"[{self.begun}/{self.total}] {stage.title}"
            if self.is_done(stage):
                self.reporter.say(f"{title}: kept from the interrupted run")
                continue
            self._remove_outputs(stage)
            finished = False
            try:
                with self.reporter.step(title):
                    stage.work()
                    self._stamp(stage)
                finished = True
            finally:
                if not finished:
                    self._remove_outputs(stage)

    def is_done(self, stage: Stage) -> bool:
        """True where an earlier run finished the stage with the same inputs and its files are unchanged."""
        try:
            stamp = json.loads(self._stamp_path(stage).read_text(encoding="utf-8"))
            return bool(stamp["inputs"] == self.inputs and stamp["files"] == self._files(stage))
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _stamp_path(self, stage: Stage) -> Path:
        return self.part / STAMPS / f"{stage.name}.json"

    def _stamp(self, stage: Stage) -> None:
        path = self._stamp_path(stage)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_text(json.dumps({"inputs": self.inputs, "files": self._files(stage)}), encoding="utf-8")
        unfinished.replace(path)

    def _files(self, stage: Stage) -> dict[str, list[object]]:
        paths = [path for output in stage.outputs for path in _files_below(self.part / output)]
        return {path.relative_to(self.part).as_posix(): [path.stat().st_size, sha256_of(path)] for path in sorted(paths)}

    def _remove_outputs(self, stage: Stage) -> None:
        self._stamp_path(stage).unlink(missing_ok=True)
        for output in stage.outputs:
            path = self.part / output
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def finished_stages(part: Path) -> int:
    """How many stages have a stamp in `part`, whatever their inputs were."""
    return len(list((part / STAMPS).glob("*.json")))


def _files_below(path: Path) -> list[Path]:
    if path.is_dir():
        return [inner for inner in path.rglob("*") if inner.is_file()]
    if path.is_file():
        return [path]
    raise FileNotFoundError(f"{path} is missing, though its stage has ended")
