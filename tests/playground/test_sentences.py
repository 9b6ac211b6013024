"""The library's sentences: each kind that the code names is there, has the facts that it is told with, and is used."""

from __future__ import annotations

import ast
import string
from pathlib import Path

from slm_playground.library import errors, web
from slm_playground.library.sentences import SENTENCES


def test_every_sentence_is_told_with_its_facts() -> None:
    used: set[str] = set()
    for path in Path(errors.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "told"):
                continue
            kind = ast.literal_eval(call.args[0])
            wanted = {name for _, name, _, _ in string.Formatter().parse(SENTENCES[kind]) if name}
            assert {keyword.arg for keyword in call.keywords} == wanted, f"{path.name}:{call.lineno}: {kind}"
            used.add(kind)
    assert used == set(SENTENCES)


def test_an_error_says_its_sentence_and_keeps_kind_and_facts() -> None:
    error = errors.told("model-exists", 409, id="tiny")
    assert str(error) == "There is a model called tiny already. Delete it first, then add this one."
    assert (error.status, error.kind, error.facts) == (409, "model-exists", {"id": "tiny"})


def test_the_status_of_another_server_is_a_fact() -> None:
    private, busy = web.refused("https://hub/x", 401), web.refused("https://hub/x", 503)
    assert (private.status, private.facts["status"]) == (400, 401)
    assert str(busy) == "https://hub/x was refused (HTTP 503). Try again later."
    assert (busy.status, busy.kind) == (502, "refused")
