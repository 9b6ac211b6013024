"""Grammar correction measured: corrections gated by confidence, against references and on text that was correct.

Confidence of an edit, in nats: how much likelier the model finds its whole answer than the answer without that edit, at most
what the answer gains over the sentence as it was. The gate shows edits from a threshold on. docs/grammar.md explains it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from slm_export.errors import SourceError
from slm_export.eval.correctors import Corrector
from slm_export.eval.edits import Edit, Matches, apply_edits, compare, edits_between, pieces
from slm_export.eval.gleu import gleu
from slm_export.eval.penn import tokenize

LENGTH_RATIO = (0.7, 1.4)
FREE_CHARACTERS = 8
MOST_CHANGED = 0.5
THRESHOLDS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0)
NO_GATE = float("-inf")


@dataclass(frozen=True, slots=True)
class Texts:
    """Sentences to correct. `references`: per sentence its corrections, none where only correct text is measured."""

    sources: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]
    raw: bool  # natural text: tokenised before it is scored; references that are tokens already stay as they are

    def tokens(self, text: str) -> list[str]:
        """What is scored of a text."""
        return tokenize(text) if self.raw else text.split()


class Correction(Protocol):
    """A sentence and what became of it."""

    @property
    def source(self) -> str: ...

    @property
    def answer(self) -> str: ...

    def text(self, threshold: float) -> str:
        """The sentence with the edits from `threshold` nats on."""
        ...


@dataclass(frozen=True, slots=True)
class Corrected:
    """A sentence, the model's whole answer, its edits and the confidence of each (nats); no edits where a guard dropped it."""

    source: str
    answer: str
    edits: tuple[Edit, ...]
    gains: tuple[float, ...]

    def text(self, threshold: float) -> str:
        """The sentence with the edits from `threshold` on."""
        kept = [edit for edit, gain in zip(self.edits, self.gains, strict=True) if gain >= threshold]
        return apply_edits(self.source, kept) if kept else self.source

    def kept(self, threshold: float) -> int:
        """How many edits that are."""
        return sum(gain >= threshold for gain in self.gains)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; shares from 0 to 1, None where it was not measured."""

    name: str
    gleu: float | None
    exact: float | None  # sentences that became one of their references, sign by sign
    changed: float
    clean_changed: float | None
    clean_edits_per_500_words: float | None
    precision: float | None
    recall: float | None
    f_half: float | None
    median_seconds: float | None


def read_texts(source: Path, references: Sequence[Path], *, raw: bool, limit: int | None) -> Texts:
    """Files of one sentence a line.

    Raises: SourceError where a file cannot be read or the numbers of lines differ.
    """
    columns = [_lines(path) for path in (source, *references)]
    if len({len(column) for column in columns}) != 1:
        numbers = ", ".join(f"{path.name} {len(column)}" for path, column in zip((source, *references), columns, strict=True))
        raise SourceError(f"The files must have as many lines each: {numbers}.")
    sources, *others = [column[:limit] for column in columns]
    return Texts(tuple(sources), tuple(zip(*others, strict=True)) if others else ((),) * len(sources), raw)


def _lines(path: Path) -> list[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read: {error}. Give a UTF-8 text file.") from error
    if not lines:
        raise SourceError(f"{path} is empty.")
    return [line.strip() for line in lines]


def correct(corrector: Corrector, sentences: Sequence[str]) -> list[Corrected]:
    """Answers, edits and confidences; one pass for every answer, and one for each way to leave an edit out."""
    answers = corrector.answers(sentences)
    made = [edits_between(s, a) if is_believed(s, a) else [] for s, a in zip(sentences, answers, strict=True)]
    wanted: list[tuple[str, str]] = []
    for sentence, edits in zip(sentences, made, strict=True):
        if edits:
            wanted += [(sentence, version) for version in _versions(sentence, edits)]
    scores = iter(corrector.scores(wanted))
    found = []
    for sentence, answer, edits in zip(sentences, answers, made, strict=True):
        own = [next(scores) for _ in _versions(sentence, edits)] if edits else []
        found.append(Corrected(sentence, answer, tuple(edits), tuple(_gains(own))))
    return found


def _versions(sentence: str, edits: Sequence[Edit]) -> list[str]:
    """The answer, the sentence, and of several edits the answer without each."""
    without = [apply_edits(sentence, [e for e in edits if e is not left]) for left in edits] if len(edits) > 1 else []
    return [apply_edits(sentence, edits), " ".join(sentence.split()), *without]


def _gains(scores: Sequence[float]) -> list[float]:
    """As the engine does (web/src/engine/proofread/proofreader.ts): edits that hang together gain no more than all do."""
    if not scores:
        return []
    whole, copy, *others = scores
    if not others:
        return [whole - copy]
    alone = [whole - other for other in others]
    lost = sum(min(0.0, gain) for gain in alone)
    return [min(gain, whole - copy - lost + min(0.0, gain)) for gain in alone]


def is_believed(sentence: str, answer: str) -> bool:
    """False for an answer that is another text: far shorter or longer, or most of its words changed."""
    ratio = len(answer) / max(len(sentence), 1)
    if not LENGTH_RATIO[0] <= ratio <= LENGTH_RATIO[1] and abs(len(answer) - len(sentence)) > FREE_CHARACTERS:
        return False
    changed = sum(max(edit.end - edit.start, len(edit.words)) for edit in edits_between(sentence, answer))
    return changed <= max(2, MOST_CHANGED * max(len(pieces(sentence)), len(pieces(answer))))


def row(name: str, outputs: Sequence[str], texts: Texts, clean: Sequence[tuple[str, str]], seconds: Sequence[float]) -> Row:
    """The figures of one system. `clean`: correct sentences and what it made of them."""
    changed = sum(a != b for a, b in zip(texts.sources, outputs, strict=True)) / len(outputs)
    matches = _matches(texts, outputs) if texts.references[0] else None
    words = sum(len(source.split()) for source, _ in clean)
    marks = sum(len(edits_between(source, output)) for source, output in clean)
    return Row(
        name,
        score(texts, outputs) if texts.references[0] else None,
        _exact(texts, outputs) if texts.references[0] else None,
        changed,
        sum(a != b for a, b in clean) / len(clean) if clean else None,
        500 * marks / words if words else None,
        matches.precision if matches else None,
        matches.recall if matches else None,
        matches.f_half if matches else None,
        median(seconds) if seconds else None,
    )


def score(texts: Texts, outputs: Sequence[str]) -> float:
    """GLEU of the outputs."""
    references = [[texts.tokens(reference) for reference in own] for own in texts.references]
    return gleu([texts.tokens(s) for s in texts.sources], references, [texts.tokens(o) for o in outputs])


def _exact(texts: Texts, outputs: Sequence[str]) -> float:
    own = zip(outputs, texts.references, strict=True)
    return sum(texts.tokens(output) in map(texts.tokens, references) for output, references in own) / len(outputs)


def _matches(texts: Texts, outputs: Sequence[str]) -> Matches:
    total = Matches(0, 0, 0)
    for source, own, output in zip(texts.sources, texts.references, outputs, strict=True):
        before, after, *wanted = (" ".join(texts.tokens(text)) for text in (source, output, *own))
        total += compare(edits_between(before, after), [edits_between(before, reference) for reference in wanted])
    return total


def curve(texts: Texts, corrected: Sequence[Correction], thresholds: Sequence[float] = THRESHOLDS) -> list[dict[str, float]]:
    """Precision and recall of the edits over the threshold."""
    found = []
    for threshold in thresholds:
        matches = _matches(texts, [each.text(threshold) for each in corrected])
        found.append({"threshold": threshold, "precision": matches.precision, "recall": matches.recall})
    return found


def timed(corrector: Corrector, sentences: Sequence[str]) -> tuple[list[Corrected], float]:
    """The corrections, and seconds per sentence over all of them, confidences included."""
    began = time.perf_counter()
    corrected = correct(corrector, sentences)
    return corrected, (time.perf_counter() - began) / max(len(sentences), 1)


def table(rows: Sequence[Row]) -> list[str]:
    """A Markdown table."""
    lines = [
        "| system | GLEU | exact | changed | correct ones changed | edits per 500 correct words "
        "| precision | recall | F0.5 | median s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in rows:
        shares = [each.exact, each.changed, each.clean_changed]
        edits = [each.precision, each.recall, each.f_half]
        cells = [_cell(each.gleu, "{:.2f}"), *(_cell(share, "{:.1%}") for share in shares)]
        cells += [_cell(each.clean_edits_per_500_words, "{:.2f}"), *(_cell(share, "{:.1%}") for share in edits)]
        lines.append(f"| {each.name} | {' | '.join([*cells, _cell(each.median_seconds, '{:.3f}')])} |")
    return lines


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else form.format(value)


def plain(rows: Sequence[Row], points: Sequence[Mapping[str, float]], facts: Mapping[str, Any]) -> dict[str, Any]:
    """All of it as JSON values."""
    return {**facts, "rows": [asdict(each) for each in rows], "curve": list(points)}
