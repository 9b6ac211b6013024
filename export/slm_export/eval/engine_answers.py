"""What the writing page made of sentences: the file of `tests/bench/proofread.mjs`.

The page adds to its threshold the margin of an edit's kind; here the margins are taken off the confidences of the model's edits
instead, so that one threshold goes for all of them. What the page shows at its own gates, with and without rules, it says itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from slm_export.errors import SourceError

WAYS = ("model", "rules", "both")


@dataclass(frozen=True, slots=True)
class EngineEdit:
    """UTF-16 units `start` up to `end` of the sentence become `correction`; `gain` in nats."""

    start: int
    end: int
    correction: str
    types: tuple[str, ...]
    gain: float


@dataclass(frozen=True, slots=True)
class EngineCorrected:
    """A sentence, the edits that the model has for it, and what the page makes of it by whom it asks: model, both, rules."""

    source: str
    edits: tuple[EngineEdit, ...]
    seconds: float
    shown: Mapping[str, str]

    @property
    def answer(self) -> str:
        """The sentence with every edit of the model."""
        return self.text(float("-inf"))

    def text(self, threshold: float) -> str:
        """The sentence with the edits from `threshold` nats on."""
        units = self.source.encode("utf-16-le")
        kept = [edit for edit in self.edits if edit.gain >= threshold]
        for edit in sorted(kept, key=lambda each: -each.start):
            units = units[: 2 * edit.start] + edit.correction.encode("utf-16-le") + units[2 * edit.end :]
        return units.decode("utf-16-le")

    def with_margins(self, margins: Mapping[str, float]) -> EngineCorrected:
        """With the margin of their kind taken off the gains; of several kinds the largest."""
        edits = (
            replace(edit, gain=edit.gain - max((margins.get(kind, 0.0) for kind in edit.types), default=0.0))
            for edit in self.edits
        )
        return replace(self, edits=tuple(edits))


@dataclass(frozen=True, slots=True)
class EngineAnswers:
    """All sentences of a file by their text, and what answered."""

    name: str
    sentences: Mapping[str, EngineCorrected]

    def of(self, texts: Iterable[str]) -> list[EngineCorrected]:
        """Those of the given sentences.

        Raises: SourceError for a sentence that the engine was not given.
        """
        found = [(text, self.sentences.get(text)) for text in texts]
        missing = [text for text, corrected in found if corrected is None]
        if missing:
            raise SourceError(
                f"{len(missing)} sentences are not in the engine's file, the first: {missing[0]!r}. "
                "Give tests/bench/proofread.mjs the same files as --src and --clean."
            )
        return [corrected for _, corrected in found if corrected is not None]


def read_answers(path: Path) -> EngineAnswers:
    """The file that `tests/bench/proofread.mjs --out` writes.

    Raises: SourceError where it cannot be read or is none.
    """
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        sentences = [_sentence(each) for each in said["sentences"]]
        name = f"{said['bundle']['id']} {said['variant']}, browser engine ({said['backend']})"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path} is no file of tests/bench/proofread.mjs ({error!r}). Run that program again.") from error
    return EngineAnswers(name, {each.source: each for each in sentences})


def _sentence(said: Mapping[str, Any]) -> EngineCorrected:
    edits = [
        EngineEdit(each["from"], each["to"], each["replacements"][0], tuple(each["kinds"]), float(each["confidence"]))
        for each in said["findings"]
        if each["foundBy"] != "rules"
    ]
    return EngineCorrected(said["text"], tuple(edits), said["ms"] / 1000, {name: said["shown"][name] for name in WAYS})


def kinds_of(corrected: Sequence[EngineCorrected]) -> list[str]:
    """The kinds of edits that occur, in alphabetical order."""
    return sorted({kind for each in corrected for edit in each.edits for kind in edit.types})
