"""Places in a text at which a suggestion is asked for, and whether what comes is what the author wrote."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from slm_export.errors import SlmError
from slm_export.eval.completion import Ending
from slm_export.eval.letters import is_word_character

MAX_WORDS = 3
LETTERS = (0, 1, 2, 3)
_SENTENCES = 40  # of a document
_LEAD = 200  # characters of a document before the first place: less says nothing of its subject
_RUN = 15  # neighbouring words of a document: more of one text would say less of others
_WORD = re.compile(r"(?<=\s)[^\W\d_]+")


class Predictor(Protocol):
    """Anything that suggests how a text goes on."""

    def endings(self, before: str, max_words: int) -> list[Ending]:
        """Where the suggestion may end: after its first word, its second, …"""


@dataclass(frozen=True, slots=True)
class Place:
    """A caret: so many characters of a document stand, so many of them are letters of a word that goes on."""

    document: int
    offset: int
    letters: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """An ending that was offered, and whether the author wrote just that."""

    words: int
    probability: float
    right: bool
    characters: int
    text: str = ""
    pieces: tuple[tuple[str, float], ...] = ()
    silence: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was offered at a place: endings of one word, two, three."""

    letters: int
    outcomes: tuple[Outcome, ...]
    ms: float


def read_sentences(path: Path, *, blank: bool = False) -> list[str]:
    """Lines of a text, the first column of a .tsv; blank ones on request. Raises SlmError for a file that is no UTF-8 text."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SlmError(
            f"{path} cannot be read as UTF-8 text ({error}). Give plain text, a sentence or paragraph a line."
        ) from error
    return [line.split("\t")[0].strip() for line in lines if blank or line.strip()]


def read_documents(path: Path) -> list[str]:
    """A file's documents of neighbouring lines, or every .txt of a folder as one. Raises SlmError as `read_sentences`."""
    if not path.is_dir():
        return documents(read_sentences(path))
    texts = ["\n".join(read_sentences(file, blank=True)).strip() for file in sorted(path.glob("*.txt"))]
    return [text for text in texts if len(text) > 2 * _LEAD]


def documents(sentences: Sequence[str]) -> list[str]:
    """Neighbouring sentences joined: a text has a subject, a sentence alone has none."""
    blocks = [sentences[start : start + _SENTENCES] for start in range(0, len(sentences), _SENTENCES)]
    return [" ".join(block) for block in blocks if len(" ".join(block)) > 2 * _LEAD]


def sample_places(texts: Sequence[str], count: int, *, seed: int, letters: Sequence[int] = LETTERS) -> list[Place]:
    """`count` beginnings of words, each with every number of letters typed that leaves some of the word.

    Runs of neighbouring words at random places of random texts, in reading order: each place shares its context with the
    one before, which makes many more places affordable. Raises SlmError where the texts are too short.
    """
    rng = random.Random(seed)
    borders: list[tuple[int, int, int]] = []
    for index in rng.sample(range(len(texts)), len(texts)):
        words = [match.span() for match in _WORD.finditer(texts[index], _LEAD)]
        first = rng.randrange(max(1, len(words) - _RUN))
        borders += [(index, start, end - start) for start, end in words[first : first + min(_RUN, count - len(borders))]]
        if len(borders) >= count:
            break
    if not borders:
        raise SlmError("The text is too short to be evaluated on: give at least a few hundred words of prose.")
    return [Place(i, start + typed, typed) for i, start, length in borders for typed in letters if typed < length]


def try_places(predictor: Predictor, texts: Sequence[str], places: Sequence[Place], max_words: int = MAX_WORDS) -> list[Trial]:
    """Ask at every place."""
    trials = []
    for place in places:
        text = texts[place.document]
        started = time.perf_counter()
        endings = predictor.endings(text[: place.offset], max_words)
        ms = (time.perf_counter() - started) * 1000
        outcomes = tuple(
            Outcome(
                words=ending.words,
                probability=ending.probability,
                right=is_right(ending.text, text[place.offset :]),
                characters=len(ending.text),
                text=ending.text,
                pieces=ending.pieces,
                silence=ending.silence,
            )
            for ending in endings
        )
        trials.append(Trial(place.letters, outcomes, ms))
    return trials


def is_right(suggested: str, following: str) -> bool:
    """True where the text goes on with the suggestion and its last word ends there."""
    if not following.startswith(suggested):
        return False
    rest = following[len(suggested) : len(suggested) + 2]
    if not suggested or not is_word_character(suggested[-1]):
        return True
    return not rest[:1] or not (is_word_character(rest[0]) or (rest[0] in "'’-" and is_word_character(rest[1:2])))
