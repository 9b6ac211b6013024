"""Which errors, and how many: the rate of each sentence is drawn from a wide range, a share of sentences stays correct.

The weights follow the kinds that ERRANT counts in the development set of JFLEG and in BEA-2019's (docs/grammar.md), with
spelling and small words in front.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from slm_export.corrupt import clauses, constructions, function_words, inflection, spelling, surface
from slm_export.corrupt.sentence import Edit, Rule, Sentence

WEIGHTS: dict[str, int] = {
    "spelling": 14,
    "determiner": 13,
    "preposition": 10,
    "punctuation": 13,
    "number": 8,
    "agreement": 8,
    "tense": 12,
    "verb-choice": 1,
    "confusion": 9,
    "capitals": 4,
    "spaces": 3,
    "order": 2,
    "missing-word": 5,
    "needless-word": 3,
    "comparison": 2,
    "adverb": 2,
    "complement": 2,
    "collocation": 3,
    "case": 1,
    "uncountable": 1,
    "indirect-question": 1,
    "question": 1,
    "condition": 1,
    "since": 1,
    "be-and-verb": 1,
    "there-is": 1,
    "clauses": 2,
    "far-subject": 1,
}
LISTED_SHARE = 0.55  # of misspellings, where a list is given


@dataclass(frozen=True, slots=True)
class Settings:
    """`rates`: errors per word, from which each sentence's is drawn (evenly in the logarithm); `clean_share`: 0 to 1.

    `open_end_share` of sentences lose their full stop on both sides: a heading or a list item needs none.
    `focus`: kinds of which every sentence has a place, and the wrong ones an error; the others are passed over.
    """

    rates: tuple[float, float] = (0.03, 0.3)
    clean_share: float = 0.3
    open_end_share: float = 0.03
    focus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence as written and as it should be; `kinds` of the errors between them, none for a correct one."""

    source: str
    target: str
    kinds: tuple[str, ...]


class Corruptor:
    """Makes pairs of correct sentences. `misspellings`: right word → wrong ones, see spelling.read_misspellings."""

    def __init__(self, settings: Settings, misspellings: Mapping[str, Sequence[str]] | None = None) -> None:
        self.settings = settings
        self._listed = spelling.listed(misspellings) if misspellings else None
        self._rules: dict[str, Rule] = {
            "spelling": self._misspell,
            "determiner": function_words.determiner,
            "preposition": function_words.preposition,
            "punctuation": surface.punctuation,
            "number": inflection.number,
            "agreement": inflection.agreement,
            "tense": inflection.tense,
            "verb-choice": inflection.verb_choice,
            "confusion": surface.confusion,
            "capitals": surface.capitals,
            "spaces": surface.spaces,
            "order": surface.order,
            "missing-word": function_words.missing_word,
            "needless-word": function_words.needless_word,
            "comparison": constructions.comparison,
            "adverb": constructions.adverb,
            "complement": constructions.complement,
            "collocation": constructions.collocation,
            "case": constructions.case,
            "uncountable": constructions.uncountable,
            "indirect-question": clauses.indirect_question,
            "question": clauses.question,
            "condition": clauses.condition,
            "since": clauses.since,
            "be-and-verb": clauses.be_and_verb,
            "there-is": clauses.there_is,
            "clauses": clauses.join,
            "far-subject": clauses.far_subject,
        }

    def pair(self, text: str, rng: Random) -> Pair | None:
        """One pair of the correct sentence `text`; white space becomes single spaces. None without a place for the focus."""
        target = " ".join(text.split())
        if target.endswith(".") and not target.endswith("..") and rng.random() < self.settings.open_end_share:
            target = target[:-1]
        sentence = Sentence(target)
        count = self._count(sentence.words, rng)
        kinds = []
        if focus := self.settings.focus:
            first = self._err(sentence, rng, {kind: WEIGHTS[kind] for kind in focus})
            if first is None:
                return None
            kinds.append(first)
        if rng.random() < self.settings.clean_share:
            return Pair(target, target, ())
        kinds += [kind for _ in range(count - len(kinds)) if (kind := self._err(sentence, rng, WEIGHTS))]
        return Pair(sentence.text, target, tuple(kinds)) if sentence.text != target else Pair(target, target, ())

    def _count(self, words: int, rng: Random) -> int:
        low, high = self.settings.rates
        rate = math.exp(rng.uniform(math.log(low), math.log(high)))
        return max(1, sum(rng.random() < rate for _ in range(words)))

    def _err(self, sentence: Sentence, rng: Random, weights: Mapping[str, int]) -> str | None:
        """Make one error, of a kind that the sentence has a place for; its name, None where there is none at all."""
        kinds = dict(weights)
        while kinds:
            kind = rng.choices(list(kinds), list(kinds.values()))[0]
            del kinds[kind]
            for index in rng.sample(range(len(sentence)), len(sentence)):
                edit = self._rules[kind](sentence, index, rng) if sentence.is_free(index, index + 1) else None
                if edit is not None:
                    sentence.apply(edit)
                    return kind
        return None

    def _misspell(self, sentence: Sentence, index: int, rng: Random) -> Edit | None:
        if self._listed and rng.random() < LISTED_SHARE:
            return self._listed(sentence, index, rng)
        return spelling.slip(sentence, index, rng)
