"""GLEU for grammar correction: Napoles et al. 2015, with the changes of 2016 (https://arxiv.org/abs/1605.02592).

Precision of the 1- to 4-grams of a correction against one reference, less those that it shares with the source and not with
the reference, with BLEU's brevity penalty, over the whole corpus. Of several references one is drawn for each sentence, 500
times over, and the mean is the score; the draws are those of the authors' script under Python 2, so that published figures
come out: the source of JFLEG scores 38.21 (dev) and 40.54 (test).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

ORDER = 4
ROUNDS = 500
_SEED_STEP = 101

Tokens = Sequence[str]


def gleu(sources: Sequence[Tokens], references: Sequence[Sequence[Tokens]], hypotheses: Sequence[Tokens]) -> float:
    """Corpus GLEU, 0 to 100. `references`: for each sentence all of its own; every sentence has as many.

    Raises: ValueError where the numbers of sentences or references differ.
    """
    counts = {len(own) for own in references}
    if not len(sources) == len(references) == len(hypotheses) or len(counts) != 1 or 0 in counts:
        raise ValueError("sources, references and hypotheses need the same number of sentences, each as many references")
    choices = counts.pop()
    counted = [
        [list(statistics(source, reference, hypothesis)) for reference in own]
        for source, own, hypothesis in zip(sources, references, hypotheses, strict=True)
    ]
    rounds = ROUNDS if choices > 1 else 1
    return sum(corpus_score(_drawn(counted, choices, number)) for number in range(rounds)) / rounds


def _drawn(counted: Sequence[Sequence[Sequence[int]]], choices: int, number: int) -> list[int]:
    """The sums over all sentences, with a reference drawn for each."""
    rng = Random(number * _SEED_STEP)
    return [sum(column) for column in zip(*(own[int(rng.random() * choices)] for own in counted), strict=True)]


def statistics(source: Tokens, reference: Tokens, hypothesis: Tokens) -> Iterator[int]:
    """Lengths of hypothesis and reference; then, for each order, the n-grams that count and all of the hypothesis."""
    yield len(hypothesis)
    yield len(reference)
    for order in range(1, ORDER + 1):
        said, wanted, given = (_ngrams(tokens, order) for tokens in (hypothesis, reference, source))
        lost = Counter({ngram: count for ngram, count in given.items() if ngram not in wanted})
        yield max((said & wanted).total() - (said & lost).total(), 0)
        yield max(len(hypothesis) + 1 - order, 0)


def _ngrams(tokens: Tokens, order: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(tokens[at : at + order]) for at in range(len(tokens) + 1 - order))


def corpus_score(sums: Sequence[int]) -> float:
    """GLEU, 0 to 100, of the sums of `statistics` over a corpus."""
    said, wanted, *counts = sums
    if not all(sums):
        return 0.0
    precisions = sum(math.log(right / total) for right, total in zip(counts[::2], counts[1::2], strict=True)) / ORDER
    return 100 * math.exp(min(0.0, 1 - wanted / said) + precisions)
