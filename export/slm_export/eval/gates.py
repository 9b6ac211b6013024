"""Threshold and margins of a grammar model: much GLEU for which at most a given share of correct sentences is changed.

From nothing shown on, the gate of one kind of edit after the other is lowered to where it brings most GLEU for the correct
sentences that it costs, until nothing more is to be had for that share (a greedy knapsack). While searching, GLEU is counted
over all references at once instead of by 500 draws: the same sums in expectation, and one pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slm_export.eval.engine_answers import EngineCorrected, kinds_of
from slm_export.eval.gleu import corpus_score, statistics
from slm_export.eval.grammar import Texts

GATES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0)
SHUT = 1000.0
_LEAST_COST = 0.002  # share of correct sentences: what costs none is not worth more than all else


@dataclass(frozen=True, slots=True)
class Gates:
    """`least_gain` in nats, and what the kinds of edits need beyond it."""

    least_gain: float
    margins: Mapping[str, float]


@dataclass(slots=True)
class Fit:
    """What gates are tried on; `most_changed`: the largest share of `clean` sentences that may be changed."""

    texts: Texts
    corrected: Sequence[EngineCorrected]
    clean: Sequence[EngineCorrected]
    most_changed: float
    _known: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    def best(self) -> Gates:
        """The gates that were found; a kind of which nothing should be shown has a margin of a thousand nats."""
        gates = dict.fromkeys(kinds_of(self.corrected), SHUT)
        while better := self._lowered(gates):
            gates = better
        least = min(gates.values(), default=SHUT)
        return Gates(least, {kind: nats - least for kind, nats in gates.items() if nats > least})

    def changed(self, gates: Gates, clean: Sequence[EngineCorrected] | None = None) -> float:
        """The share of correct sentences that these gates change."""
        sentences = self.clean if clean is None else clean
        outputs = [each.with_margins(gates.margins).text(gates.least_gain) for each in sentences]
        return sum(each.source != output for each, output in zip(sentences, outputs, strict=True)) / max(len(sentences), 1)

    def _lowered(self, gates: Mapping[str, float]) -> dict[str, float] | None:
        """The gates with that one lowered which is worth most; None where none is."""
        gleu, changed = self._gleu(gates), self.changed(Gates(0.0, gates))
        found: tuple[float, dict[str, float]] | None = None
        for kind, nats in ((kind, nats) for kind, now in gates.items() for nats in GATES if nats < now):
            tried = {**gates, kind: nats}
            cost = self.changed(Gates(0.0, tried))
            gain = self._gleu(tried) - gleu
            if gain <= 0 or cost > self.most_changed:
                continue
            worth = gain / (cost - changed + _LEAST_COST)
            if found is None or worth > found[0]:
                found = worth, tried
        return found and found[1]

    def _gleu(self, gates: Mapping[str, float]) -> float:
        columns = [self._statistics(number, each.with_margins(gates).text(0.0)) for number, each in enumerate(self.corrected)]
        return corpus_score([sum(column) for column in zip(*columns, strict=True)])

    def _statistics(self, number: int, output: str) -> list[int]:
        known = self._known.get((number, output))
        if known is None:
            texts = self.texts
            source, said = texts.tokens(texts.sources[number]), texts.tokens(output)
            own = [list(statistics(source, texts.tokens(reference), said)) for reference in texts.references[number]]
            known = self._known[number, output] = [sum(column) for column in zip(*own, strict=True)]
        return known
