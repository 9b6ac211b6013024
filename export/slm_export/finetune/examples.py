"""Training data in its three forms: pairs, chats, and labels from a CSV file. Every example is a prompt and its answer."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from slm_export.errors import SourceError

_ROLES = ("system", "user", "assistant", "tool")


@dataclass(frozen=True, slots=True)
class Example:
    """The messages of the prompt, as a chat template takes them, and the answer to learn."""

    messages: tuple[Mapping[str, str], ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Columns:
    """Names of the columns of a CSV file, and the words before every text (of pairs too)."""

    text: str = "text"
    label: str = "label"
    prefix: str = ""


def read_examples(path: Path, columns: Columns) -> list[Example]:
    """The examples of `path`, by its suffix: .jsonl (lines of source and target, or of messages) or .csv/.tsv (labels).

    Raises: SourceError for a file that cannot be read or a line of another form, with its number.
    """
    try:
        if path.suffix in (".csv", ".tsv"):
            found = list(_labelled(path, columns))
        elif path.suffix == ".jsonl":
            found = [example for number, line in _lines(path) for example in _from_json(line, columns, f"{path}, line {number}")]
        else:
            raise SourceError(f"--data {path}: the suffix says what it holds: .jsonl (pairs or chats), .csv or .tsv (labels).")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"--data {path} cannot be read: {error}. Give a UTF-8 file.") from error
    if not found:
        raise SourceError(f"--data {path} holds no examples.")
    return found


def split(examples: list[Example], seed: int) -> tuple[list[Example], list[Example]]:
    """(to learn from, to measure on): one in twenty is held out, 200 at most."""
    held_count = min(200, max(1, len(examples) // 20))
    if len(examples) < 2:
        raise SourceError("One example is not enough: one is needed to learn from and one to measure on. Give more --data.")
    order = Random(seed).sample(range(len(examples)), len(examples))
    held = set(order[:held_count])
    return [e for at, e in enumerate(examples) if at not in held], [e for at, e in enumerate(examples) if at in held]


def labels_of(examples: list[Example], most: int = 50) -> tuple[str, ...]:
    """The answers, where there are few enough of them to be labels; none else."""
    found = sorted({example.answer for example in examples})
    return tuple(found) if len(found) <= most and len(found) * 2 <= len(examples) else ()


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _from_json(line: str, columns: Columns, where: str) -> Iterator[Example]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise SourceError(f"{where} is not JSON: {error}.") from error
    if isinstance(fields, dict) and isinstance(fields.get("messages"), list):
        yield from _chat(fields["messages"], where)
        return
    if not isinstance(fields, dict) or not all(isinstance(fields.get(key), str) and fields[key] for key in ("source", "target")):
        raise SourceError(f'{where}: expected {{"source": "…", "target": "…"}} or {{"messages": […]}}.')
    yield Example(({"role": "user", "content": columns.prefix + fields["source"]},), fields["target"])


def _chat(messages: list[Any], where: str) -> Iterator[Example]:
    """An example for every answer of the assistant: what came before it is its prompt."""
    for message in messages:
        is_message = isinstance(message, dict) and message.get("role") in _ROLES and isinstance(message.get("content"), str)
        if not is_message:
            raise SourceError(f"{where}: a message needs a role ({', '.join(_ROLES)}) and a content, which is text.")
    count = 0
    for at, message in enumerate(messages):
        if message["role"] == "assistant" and at > 0 and message["content"]:
            before = tuple({"role": m["role"], "content": m["content"]} for m in messages[:at])
            yield Example(before, message["content"])
            count += 1
    if not count:
        raise SourceError(f"{where}: no answer of the assistant follows a question, so there is nothing to learn.")


def _labelled(path: Path, columns: Columns) -> Iterator[Example]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ",", strict=True)
        absent = [name for name in (columns.text, columns.label) if name not in (reader.fieldnames or ())]
        if absent:
            raise SourceError(
                f"{path} has no column {', '.join(absent)}; it has {', '.join(reader.fieldnames or ()) or 'none'}. "
                "Name them with --text-column and --label-column."
            )
        for row in reader:
            text, label = row[columns.text], row[columns.label]
            if not text or not label:
                raise SourceError(f"{path}, line {reader.line_num}: the text or the label is empty.")
            yield Example(({"role": "user", "content": columns.prefix + text},), label)
