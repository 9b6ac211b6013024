"""Sentences of library, data folder and app: each kind in the code is there, has the facts it is told with, and is used."""

from __future__ import annotations

import ast
import string
from pathlib import Path
from types import ModuleType

import pytest

from slm_playground.data import errors as data_errors
from slm_playground.data import sentences as data_sentences
from slm_playground.desktop import errors as desktop_errors
from slm_playground.desktop import sentences as desktop_sentences
from slm_playground.library import errors, sentences, web


@pytest.mark.parametrize(
    ("errors", "all_sentences"),
    [(errors, sentences.SENTENCES), (data_errors, data_sentences.SENTENCES), (desktop_errors, desktop_sentences.SENTENCES)],
    ids=["library", "data", "desktop"],
)
def test_every_sentence_is_told_with_its_facts(errors: ModuleType, all_sentences: dict[str, str]) -> None:
    used: set[str] = set()
    assert errors.__file__
    for path in Path(errors.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) in ("told", "errors.told") and _is_kind(call)):
                continue
            kind = ast.literal_eval(call.args[0])
            wanted = {name for _, name, _, _ in string.Formatter().parse(all_sentences[kind]) if name}
            assert {keyword.arg for keyword in call.keywords} == wanted, f"{path.name}:{call.lineno}: {kind}"
            used.add(kind)
    assert used == set(all_sentences)


def _is_kind(call: ast.Call) -> bool:
    """Another function is called `told` too, with something else than a text."""
    return isinstance(call.args[0], ast.Constant)


def test_an_error_says_its_sentence_and_keeps_kind_and_facts() -> None:
    error = errors.told("model-exists", 409, id="tiny")
    assert str(error) == "There is a model called tiny already. Delete it first, then add this one."
    assert (error.status, error.kind, error.facts) == (409, "model-exists", {"id": "tiny"})


def test_the_status_of_another_server_is_a_fact() -> None:
    private, busy = web.refused("https://hub/x", 401), web.refused("https://hub/x", 503)
    assert (private.status, private.facts["status"]) == (400, 401)
    assert str(busy) == "https://hub/x was refused (HTTP 503). Try again later."
    assert (busy.status, busy.kind) == (502, "refused")
