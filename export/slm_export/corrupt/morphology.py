"""Forms of English nouns and verbs through lemminflect (MIT), which is an optional package."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from types import ModuleType

from slm_export.errors import ExportError

TO_BE = ("am", "is", "are", "was", "were")
AUXILIARIES = frozenset(
    {*TO_BE, "be", "been", "being", "has", "have", "had", "do", "does", "did", "can", "could", "will", "would", "shall"}
    | {"should", "may", "might", "must"}
)


@cache
def _library() -> ModuleType:
    try:
        return importlib.import_module("lemminflect")
    except ImportError as error:
        raise ExportError(
            "Errors of agreement, tense and number need the package lemminflect, which is not installed. "
            'Install it with `pip install "slm-playground[grammar]"`, or `pip install lemminflect`.'
        ) from error


def require_library() -> None:
    """Raises: ExportError where lemminflect is not installed."""
    _library()


@cache
def _lemmas(word: str) -> Mapping[str, tuple[str, ...]]:
    found: Mapping[str, tuple[str, ...]] = _library().getAllLemmas(word)
    return found


@cache
def _inflections(lemma: str, part: str) -> Mapping[str, tuple[str, ...]]:
    found: Mapping[str, tuple[str, ...]] = _library().getAllInflections(lemma, part)
    return found


def parts_of_speech(word: str) -> frozenset[str]:
    """Those that a word in lower case can have: NOUN, VERB, ADJ, ADV, AUX; none for a word that is not known."""
    return frozenset(_lemmas(word)) if word.isascii() else frozenset()


@cache
def number_forms(word: str) -> tuple[str, str] | None:
    """(singular, plural) of a noun in lower case; None for other words and for nouns with one form."""
    if "NOUN" not in parts_of_speech(word):
        return None
    lemma = _lemmas(word)["NOUN"][0]
    plural = _inflections(lemma, "NOUN").get("NNS")
    return (lemma, plural[0]) if plural and plural[0] != lemma and word in (lemma, *plural) else None


@cache
def verb_forms(word: str) -> Mapping[str, str] | None:
    """Penn tags VB, VBP, VBZ, VBD, VBG, VBN → form, of a main verb in lower case; None for other words."""
    if word in AUXILIARIES or "VERB" not in parts_of_speech(word):
        return None
    forms = {tag: texts[0] for tag, texts in _inflections(_lemmas(word)["VERB"][0], "VERB").items()}
    if "VBD" in forms:  # of regular verbs lemminflect says the participle only once, as the past
        forms.setdefault("VBN", forms["VBD"])
    return forms if {"VB", "VBZ", "VBD", "VBG", "VBN"} <= forms.keys() and word in forms.values() else None
