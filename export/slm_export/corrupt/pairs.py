"""Sentences in, pairs out: text files of one sentence a line, `wrong<TAB>right` files, and JSON lines of pairs."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from slm_export.corrupt.mixture import Corruptor, Pair
from slm_export.errors import SourceError

GIVEN = "given"  # the kind of a pair that --pairs brought in


@dataclass(frozen=True, slots=True)
class Request:
    """`texts`: files of correct sentences; `cap`: at most so many of each file; words: shortest and longest sentence.

    `pairs`: files of wrong and right sentences; `rounds`: how many pairs are made of each sentence, errors drawn anew.
    """

    texts: Sequence[Path]
    pairs: Sequence[Path] = ()
    words: tuple[int, int] = (3, 45)
    cap: int | None = None
    rounds: int = 1
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written. `kinds`: how many errors of each kind; `words` are those of the correct sentences."""

    pairs: int
    unchanged: int
    words: int
    kinds: Mapping[str, int]

    @property
    def errors_per_100_words(self) -> float:
        """Errors made here, over all sentences, correct ones too."""
        return 100 * sum(count for kind, count in self.kinds.items() if kind != GIVEN) / max(self.words, 1)


def read_sentences(path: Path) -> list[str]:
    """The sentences of a text file, one a line; of a .tsv the first column. Empty lines are left out.

    Raises: SourceError for a file that cannot be read, or holds none.
    """
    lines = _lines(path)
    if path.suffix == ".tsv":
        lines = [line.partition("\t")[0] for line in lines]
    found = [line.strip() for line in lines if line.strip()]
    if not found:
        raise SourceError(f"--text {path} holds no text. Give a file of one correct sentence a line.")
    return found


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of a file of `wrong<TAB>right` lines; further columns are left alone.

    Raises: SourceError for a file that cannot be read or a line without two columns, with its number.
    """
    pairs = []
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        columns = [column.strip() for column in line.split("\t")]
        if len(columns) < 2 or not columns[0] or not columns[1]:
            raise SourceError(f"{path}, line {number}: expected wrong<TAB>right, found {line[:60]!r}.")
        pairs.append(Pair(columns[0], columns[1], (GIVEN,) if columns[0] != columns[1] else ()))
    return pairs


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}. Give a UTF-8 text file.") from error


def make_pairs(request: Request, corruptor: Corruptor, seed: int) -> Iterator[Pair]:
    """All pairs in an order drawn from `seed`; the same request and seed give the same pairs.

    Raises: SourceError for input that cannot be read, or where no sentence has a length in `request.words`.
    """
    rng = Random(seed)
    sentences = []
    for path in request.texts:
        found = [text for text in read_sentences(path) if request.words[0] <= len(text.split()) <= request.words[1]]
        sentences += rng.sample(found, min(len(found), request.cap)) if request.cap else found
    if not sentences:
        raise SourceError(f"No sentence has {request.words[0]} to {request.words[1]} words. Give other text, or other --words.")
    given = [pair for path in request.pairs for pair in read_pairs(path)]
    work: list[str | Pair] = [*sentences * request.rounds, *given]
    rng.shuffle(work)
    made = (corruptor.pair(item, rng) if isinstance(item, str) else item for item in work)
    yield from islice((pair for pair in made if pair is not None), request.count)


def write_pairs(pairs: Iterator[Pair], out: Path) -> Summary:
    """Write JSON lines `{"source", "target", "kinds"}` to `out`, which appears only when it is whole."""
    kinds: Counter[str] = Counter()
    count = unchanged = words = 0
    part = out.with_name(f".{out.name}.part")
    out.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("w", encoding="utf-8") as file:
            for pair in pairs:
                fields = {"source": pair.source, "target": pair.target, "kinds": pair.kinds}
                file.write(json.dumps(fields, ensure_ascii=False) + "\n")
                kinds.update(pair.kinds)
                count, unchanged, words = count + 1, unchanged + (not pair.kinds), words + len(pair.target.split())
        os.replace(part, out)
    finally:
        part.unlink(missing_ok=True)
    return Summary(count, unchanged, words, dict(kinds.most_common()))
