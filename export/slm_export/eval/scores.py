"""What trials come to: precision, coverage, calibration, and what a typist who accepts only what is right would save."""

from __future__ import annotations

import bisect
import math
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from slm_export.eval.completion import Ending
from slm_export.eval.letters import partial_word
from slm_export.eval.trials import MAX_WORDS, Outcome, Predictor, Trial, is_right

Points = Sequence[Sequence[float]]
_LEAST_BIN = 80  # endings: fewer say too little of how often they are right
_MOST_BINS = 40
_PASSED_OVER = "passed-over"  # tests/bench/silence.mjs: a shorter ending is taken in its place
_RESAMPLES = 1000

Offer = TypeVar("Offer", Ending, Outcome)


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a model's probability to the share that was right, by letters typed (0, 1, 2, 3 and more)."""

    by_letters: Sequence[Points] = ()

    def confidence(self, probability: float, letters: int) -> float:
        """As web/src/engine/complete/calibration.ts has it: straight lines between the points."""
        points = self.by_letters[min(letters, len(self.by_letters) - 1)] if self.by_letters else ()
        low_x, low_y = 0.0, 0.0
        for x, y in points:
            if probability <= x:
                return y if x == low_x else low_y + (y - low_y) * (probability - low_x) / (x - low_x)
            low_x, low_y = x, y
        if not points:
            return probability
        return low_y + (1 - low_y) * ((probability - low_x) / (1 - low_x) if low_x < 1 else 1)


def chosen(offers: Sequence[Offer], threshold: float, calibration: Calibration, letters: int) -> list[Offer]:
    """The longest run of words with at least `threshold` confidence, as its endings; none where a rule silences it."""
    likely = [
        offer
        for offer in offers
        if offer.silence != _PASSED_OVER and calibration.confidence(offer.probability, letters) >= threshold
    ]
    return likely if likely and likely[-1].silence == "" else []


@dataclass(frozen=True, slots=True)
class Score:
    """What is shown at a threshold, as shares. `precision` counts whole suggestions, `first_word` their first words."""

    threshold: float
    places: int
    shown: int
    coverage: float
    precision: float
    first_word: float
    wrong_show_rate: float
    words_shown: float
    exact_match: tuple[float | None, ...]  # of the next 1, 2, 3 words, where so many are shown


def score(trials: Sequence[Trial], threshold: float, calibration: Calibration) -> Score:
    """What is `chosen` of each place, as the engine shows it."""
    shown: list[tuple[Outcome, Outcome]] = []
    matches: list[list[bool]] = [[] for _ in range(MAX_WORDS)]
    for trial in trials:
        likely = chosen(trial.outcomes, threshold, calibration, trial.letters)
        if likely:
            shown.append((likely[-1], likely[0]))
        for outcome in {o.words: o for o in likely}.values():
            if outcome.words <= MAX_WORDS:
                matches[outcome.words - 1].append(outcome.right)
    right = sum(last.right for last, _ in shown)
    return Score(
        threshold=threshold,
        places=len(trials),
        shown=len(shown),
        coverage=_share(len(shown), len(trials)),
        precision=_share(right, len(shown)),
        first_word=_share(sum(first.right for _, first in shown), len(shown)),
        wrong_show_rate=_share(len(shown) - right, len(trials)),
        words_shown=_share(sum(last.words for last, _ in shown), len(shown)),
        exact_match=tuple(_share(sum(each), len(each)) if each else None for each in matches),
    )


def interval(
    trials: Sequence[Trial], documents: Sequence[int], threshold: float, calibration: Calibration, *, seed: int
) -> tuple[float, float] | None:
    """95 % interval of `Score.precision`: documents drawn anew with replacement, since places of one are alike.

    None where fewer than two documents have a suggestion."""
    counts: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
    for trial, document in zip(trials, documents, strict=True):
        likely = chosen(trial.outcomes, threshold, calibration, trial.letters)
        if likely:
            counts[document][0] += 1
            counts[document][1] += likely[-1].right
    if len(counts) < 2:
        return None
    rng, each = random.Random(seed), list(counts.values())
    draws = (rng.choices(each, k=len(each)) for _ in range(_RESAMPLES))
    shares = sorted(sum(right for _, right in draw) / sum(shown for shown, _ in draw) for draw in draws)
    return shares[round(0.025 * _RESAMPLES)], shares[round(0.975 * _RESAMPLES) - 1]


def curve(trials: Sequence[Trial]) -> list[tuple[float, float]]:
    """(coverage, precision) of first words, the likeliest places first."""
    firsts = sorted((t.outcomes[0] for t in trials if t.outcomes), key=lambda o: -o.probability)
    points, right = [], 0
    for count, outcome in enumerate(firsts, 1):
        right += outcome.right
        if count >= 10:
            points.append((count / len(trials), right / count))
    return points


def fit(trials: Sequence[Trial]) -> Calibration:
    """Isotonic regression (pool adjacent violators, Ayer et al. 1955) over equal-sized bins of endings that no rule silences."""
    letters = sorted({trial.letters for trial in trials})
    return Calibration(
        [_isotonic([o for t in trials if t.letters == count for o in t.outcomes if o.silence == ""]) for count in letters]
    )


def _isotonic(outcomes: Sequence[Outcome]) -> list[list[float]]:
    ordered = sorted(outcomes, key=lambda o: o.probability)
    count = max(1, min(_MOST_BINS, len(ordered) // _LEAST_BIN))
    borders = [round(index * len(ordered) / count) for index in range(count + 1)]
    pools: list[tuple[int, float, float]] = []  # count, sum of probabilities, number right
    for start, end in pairwise(borders if ordered else []):
        each = ordered[start:end]
        pools.append((len(each), sum(o.probability for o in each), float(sum(o.right for o in each))))
        while len(pools) > 1 and pools[-2][2] / pools[-2][0] >= pools[-1][2] / pools[-1][0]:
            (n, p, r), (m, q, s) = pools.pop(), pools.pop()
            pools.append((n + m, p + q, r + s))
    return [[round(p / n, 4), round(r / n, 4)] for n, p, r in pools]


@dataclass(frozen=True, slots=True)
class Saving:
    """What a simulated typist got out of suggestions."""

    characters: int
    accepted: int
    shown: int
    wrong: int
    saved: int  # characters of accepted suggestions, less the key that accepts each

    @property
    def share(self) -> float:
        """Characters saved, of all."""
        return _share(self.saved, self.characters)


def simulate(predictor: Predictor, text: str, threshold: float, calibration: Calibration, *, start: int, stop: int) -> Saving:
    """Types `text` from `start` to `stop`, or where a suggestion ends behind it, and takes every one that is right, none that
    is wrong."""
    at, accepted, shown, wrong, saved = start, 0, 0, 0, 0
    showing = ""  # wrong, and still there while its letters are typed
    while at < min(stop, len(text)):
        if not showing:
            before = text[:at]
            letters = len(partial_word(before))
            likely = chosen(predictor.endings(before, MAX_WORDS), threshold, calibration, letters)
            showing = likely[-1].text if likely else ""
            shown += bool(showing)
            if showing and is_right(showing, text[at:]):
                accepted, saved, at, showing = accepted + 1, saved + len(showing) - 1, at + len(showing), ""
                continue
            wrong += bool(showing)
        typed = text[at]
        showing = showing[1:] if showing.startswith(typed) else ""
        at += 1
    return Saving(at - start, accepted, shown, wrong, saved)


def times_saved(ours: Sequence[Points], theirs: Sequence[Points], *, seed: int) -> tuple[float, tuple[float, float]] | None:
    """How many times the share of characters we save, and its 95 % interval: documents of each text drawn anew.

    Of each text a row for each document, characters and saved ones, the same documents for both. None where they save none."""

    def ratio(draw: Sequence[Sequence[int]]) -> float:
        shares = []
        for predictor in (ours, theirs):
            rows = [text[index] for text, indices in zip(predictor, draw, strict=True) for index in indices]
            shares.append(_share(sum(saved for _, saved in rows), sum(characters for characters, _ in rows)))
        return shares[0] / shares[1] if shares[1] else math.inf

    each = [range(len(text)) for text in theirs]
    rng = random.Random(seed)
    ratios = sorted(ratio([rng.choices(indices, k=len(indices)) for indices in each]) for _ in range(_RESAMPLES))
    found = ratio(each)
    return None if found == math.inf else (found, (ratios[round(0.025 * _RESAMPLES)], ratios[round(0.975 * _RESAMPLES) - 1]))


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie; 0 of none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def threshold_for(trials: Sequence[Trial], precision: float, calibration: Calibration) -> float | None:
    """The least confidence at which first words are right so often; None where that is never."""
    found: list[tuple[float, bool]] = sorted(
        ((calibration.confidence(t.outcomes[0].probability, t.letters), t.outcomes[0].right) for t in trials if t.outcomes),
        reverse=True,
    )
    best, right = None, 0
    for count, (confidence, is_good) in enumerate(found, 1):
        right += is_good
        if count >= 10 and right / count >= precision:
            best = confidence
    return best


def nearest(points: Sequence[tuple[float, float]], coverage: float) -> tuple[float, float] | None:
    """The point of a curve at this coverage, the first beyond it."""
    index = bisect.bisect_left([x for x, _ in points], coverage)
    return points[index] if index < len(points) else None


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0
