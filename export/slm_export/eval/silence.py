"""The page's rules of silence, asked of the page's own module: they are written once, in TypeScript.

A Node.js process runs `tests/bench/silence.mjs` of a checkout; its top says what goes over the pipe.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from slm_export.errors import SlmError
from slm_export.eval.completion import Ending
from slm_export.eval.trials import Outcome, Predictor

Offer = TypeVar("Offer", Ending, Outcome)


class Rules:
    """Says of suggestions whether the page would show them. Close it: it holds a process."""

    def __init__(self, script: Path, bundle: Path, vocabulary_size: int) -> None:
        node = shutil.which("node")
        if node is None:
            raise SlmError(
                "The rules of silence run in Node.js, which is not found. Install Node.js 20.19 or newer, or omit --silence."
            )
        self._script = script
        self._process = subprocess.Popen(
            [node, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._write({"bundle": str(bundle.absolute()), "size": vocabulary_size})

    def judged(self, before: str, offers: Sequence[Offer]) -> list[Offer]:
        """The same suggestions, each with the rule that silences it, if one does."""
        if not offers:
            return []
        self._write({"before": before, "endings": [{"text": offer.text, "pieces": offer.pieces} for offer in offers]})
        assert self._process.stdout is not None  # it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise self._ended()
        return [replace(offer, silence=reason) for offer, reason in zip(offers, json.loads(line), strict=True)]

    def close(self) -> None:
        """End the process."""
        self._process.communicate()

    def _write(self, value: object) -> None:
        assert self._process.stdin is not None  # it is a pipe
        try:
            self._process.stdin.write(json.dumps(value) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None

    def _ended(self) -> SlmError:
        return SlmError(
            f"{self._script} ended with status {self._process.wait()}; what it said stands above. It needs the checkout that it "
            "lies in, with its JavaScript packages (`make setup`). Without --silence the rules are left out."
        )


class Quiet:
    """A predictor whose suggestions have gone through the rules."""

    def __init__(self, predictor: Predictor, rules: Rules) -> None:
        self._predictor = predictor
        self._rules = rules

    def endings(self, before: str, max_words: int) -> list[Ending]:
        """As the predictor within."""
        return self._rules.judged(before, self._predictor.endings(before, max_words))
