"""Corrections as edits of words: aligned, applied in part, compared with a reference's."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_PIECE = re.compile(r"\s*(?:\w+(?:['’-]\w+)*|[^\w\s])")


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """Words `start` up to `end` of the source become `words`, each with the white space before it."""

    start: int
    end: int
    words: tuple[str, ...]


def pieces(text: str) -> list[str]:
    """Words and signs, each with the white space before it; joined they are the text without its outer spaces."""
    return _PIECE.findall(text.strip())


def edits_between(source: str, target: str) -> list[Edit]:
    """The edits that turn one text into the other: the gaps of a longest common subsequence, neighbours joined."""
    return list(_aligned(source, target))


@lru_cache(maxsize=1 << 16)  # every threshold of a curve meets the same texts again
def _aligned(source: str, target: str) -> tuple[Edit, ...]:
    before, after = pieces(source), pieces(target)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return tuple(
        Edit(start, end, tuple(after[first:last]))
        for operation, start, end, first, last in matcher.get_opcodes()
        if operation != "equal"
    )


def apply_edits(source: str, edits: Iterable[Edit]) -> str:
    """The source with these edits, which do not overlap."""
    words = pieces(source)
    for edit in sorted(edits, reverse=True):
        words[edit.start : edit.end] = edit.words
    return "".join(words).strip()


@dataclass(frozen=True, slots=True)
class Matches:
    """Counts over sentences: edits that a reference makes too, those that none makes, those of the reference not made."""

    right: int
    wrong: int
    missed: int

    def __add__(self, other: Matches) -> Matches:
        return Matches(self.right + other.right, self.wrong + other.wrong, self.missed + other.missed)

    @property
    def precision(self) -> float:
        """1 where nothing was changed."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """1 where nothing was to be changed."""
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f_half(self) -> float:
        """F0.5: precision counts twice as much as recall."""
        p, r = self.precision, self.recall
        return 1.25 * p * r / (0.25 * p + r) if p + r else 0.0


def compare(made: Collection[Edit], references: Sequence[Collection[Edit]]) -> Matches:
    """Of the references the one that agrees most (highest F0.5, as ERRANT and M2 choose)."""
    found = [Matches(len(own := set(made) & set(wanted)), len(made) - len(own), len(wanted) - len(own)) for wanted in references]
    return max(found, key=lambda matches: (matches.f_half, matches.right, -matches.wrong, -matches.missed))
