"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`kind` is `error` (the site does not work as it should) or `warning`; `place` is a path in the site."""

    kind: str
    place: str
    message: str


def error(place: str, message: str) -> Finding:
    return Finding("error", place, message)


def warning(place: str, message: str) -> Finding:
    return Finding("warning", place, message)
