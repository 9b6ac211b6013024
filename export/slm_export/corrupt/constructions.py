"""Errors that span several words: complements of verbs, comparison, case, collocations, what is not counted.

Written after the headings of usage guides for learners. Each rule undoes a construction that the sentence has right, so that
its correction is in the sentence to be learnt.
"""

from __future__ import annotations

from random import Random

from slm_export.corrupt.construction_tables import (
    AFTER_GERUND_VERBS,
    AFTER_INFINITIVE_VERBS,
    COLLOCATIONS,
    LINKING,
    OBJECT_OF,
    SUBJECT_OF,
    TRANSITIVE,
    WANTING,
)
from slm_export.corrupt.morphology import parts_of_speech, verb_forms
from slm_export.corrupt.sentence import Edit, Sentence, insert_before, pick, remove, replace
from slm_export.corrupt.tables import PREPOSITIONS, UNCOUNTABLE

_NO_GRADES = frozenset(
    {"after", "later", "under", "other", "former", "latter", "upper", "inner", "outer", "rather", "proper", "number"}
)
_NO_GRADES |= {
    "never",
    "ever",
    "over",
    "another",
    "together",
    "paper",
    "user",
    "modest",
    "honest",
    "clever",
    "silver",
    "sober",
    "best",
}
_OBJECT_STARTS = frozenset({"the", "a", "an", "this", "these", "my", "your", "his", "her", "its", "our", "their", *SUBJECT_OF})


def comparison(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`more easier`, `most easiest`, `such beautiful that`, `enough good`, `as good than`."""
    word, before, after = sentence.word(index), sentence.word(index - 1), sentence.word(index + 1)
    is_graded = word.endswith(("er", "est")) and "ADJ" in parts_of_speech(word) and word not in _NO_GRADES
    if is_graded and before not in ("more", "most"):
        return insert_before(sentence, index, "more" if word.endswith("er") else "most")
    is_plain = "ADJ" in parts_of_speech(word) and "VERB" not in parts_of_speech(word)
    if after == "enough" and is_plain and sentence.is_free(index, index + 2):
        return replace(sentence, index, f"enough {word}", length=2)
    if word == "as" and before == "as":
        return None
    if word == "than" and sentence.tokens[index - 1].is_word:
        return replace(sentence, index, pick(rng, ("then", "that", "as")))
    if word == "as" and sentence.word(index - 2) == "as":
        return replace(sentence, index, pick(rng, ("than", "like")))
    return replace(sentence, index, "such") if word == "so" and _is_adjective_alone(sentence, index + 1) else None


def adverb(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`sings beautiful`, `feel badly`: an adjective for an adverb, an adverb after a verb such as `feel`."""
    word, before = sentence.word(index), sentence.word(index - 1)
    if index == 0 or not word.isascii():
        return None
    if before in LINKING and _is_adjective_alone(sentence, index):
        made = adverb_of(word)
        return replace(sentence, index, made) if made else None
    base = _adjective_of(word)
    beside = "VERB" in parts_of_speech(before) or "VERB" in parts_of_speech(sentence.word(index + 1))
    return replace(sentence, index, base) if base and beside and rng.random() < 0.5 else None


def adverb_of(adjective: str) -> str | None:
    """The adverb in -ly of an adjective; None where there is none."""
    stem = adjective[:-1] + "i" if adjective.endswith("y") else adjective[:-2] if adjective.endswith("le") else adjective
    return stem + "ly" if "ADV" in parts_of_speech(stem + "ly") else None


def _adjective_of(word: str) -> str | None:
    if not word.endswith("ly") or len(word) < 6 or "ADJ" in parts_of_speech(word):
        return None
    stem = word[:-2]
    options = (stem, stem[:-1] + "y" if stem.endswith("i") else stem, stem + "le", stem.removesuffix("al"))
    return next((base for base in options if "ADJ" in parts_of_speech(base) and adverb_of(base) == word), None)


def _is_adjective_alone(sentence: Sentence, index: int) -> bool:
    """True of an adjective that no noun follows: `she feels bad.`"""
    parts, after = parts_of_speech(sentence.word(index)), sentence.word(index + 1)
    return "ADJ" in parts and "VERB" not in parts and (after in PREPOSITIONS or not parts_of_speech(after) & {"NOUN", "ADJ"})


def complement(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """The wrong form after a verb: `want that you come`, `suggested me to go`, `enjoy to read`, `made me to go`."""
    word, forms = sentence.word(index), verb_forms(sentence.word(index))
    lemma = forms["VB"] if forms else word
    after, second, third = (sentence.word(index + step) for step in (1, 2, 3))
    if lemma in WANTING and after in OBJECT_OF.values() and second == "to" and _is_base(third):
        subject = next(subject for subject, instead in OBJECT_OF.items() if instead == after)
        return replace(sentence, index + 1, pick(rng, (f"that {subject}", subject)), length=2)
    if lemma in ("suggest", "recommend", "propose", "demand", "insist", "request") and after == "that" and second in OBJECT_OF:
        return replace(sentence, index + 1, f"{OBJECT_OF[second]} to", length=2) if _is_base(third) else None
    if lemma in ("let", "make") and after in OBJECT_OF.values() and _is_base(second) and second != "to":
        return insert_before(sentence, index + 2, "to")
    gerund, infinitive = verb_forms(after), verb_forms(second)
    if gerund and after == gerund["VBG"] and (lemma in AFTER_GERUND_VERBS or (word == "to" and _looks_forward(sentence, index))):
        return replace(sentence, index + 1, f"to {gerund['VB']}" if word != "to" else gerund["VB"])
    if lemma in AFTER_INFINITIVE_VERBS and after == "to" and infinitive and second == infinitive["VB"]:
        return replace(sentence, index + 1, pick(rng, (infinitive["VBG"], infinitive["VB"])), length=2)
    return None


def _is_base(word: str) -> bool:
    forms = verb_forms(word)
    return word in ("be", "have", "do") or (forms is not None and word == forms["VB"])


def _looks_forward(sentence: Sentence, index: int) -> bool:
    return sentence.word(index - 1) == "forward" or (sentence.word(index - 1), sentence.word(index - 2)) == ("used", "be")


def collocation(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """The wrong small word of a fixed phrase: `married with`, `depends of`, `discuss about it`."""
    word, forms = sentence.word(index), verb_forms(sentence.word(index))
    lemma = forms["VB"] if forms else word
    small = sentence.word(index + 1)
    wrong = COLLOCATIONS.get(f"{word} {small}") or COLLOCATIONS.get(f"{lemma} {small}")
    if wrong and sentence.word(index + 2).isalnum():
        instead = pick(rng, wrong)
        return replace(sentence, index + 1, instead) if instead else remove(sentence, index + 1)
    if lemma in TRANSITIVE and forms and small in _OBJECT_STARTS and index > 0:
        return insert_before(sentence, index + 1, pick(rng, TRANSITIVE[lemma]))
    return None


def case(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`Me and him went`, `between you and I`, `Him and his wife are`."""
    word, before, after = sentence.word(index), sentence.word(index - 1), sentence.word(index + 1)
    if index == 0 and after == "and" and word in OBJECT_OF and word != "you":
        return replace(sentence, index, OBJECT_OF[word])
    if before == "and" and word in ("i", "he", "she", "they") and 1 < index < 4 and _is_verb(after):
        first, other = sentence.word(index - 2), OBJECT_OF[word]
        if index == 2 and first in OBJECT_OF:
            return replace(sentence, 0, f"{other} and {OBJECT_OF[first]}", length=3)
        return replace(sentence, index, other)
    if (
        before == "and"
        and word in ("me", "him", "her", "them")
        and not _is_verb(after)
        and not parts_of_speech(after) & {"NOUN", "ADJ"}
    ):
        return replace(sentence, index, SUBJECT_OF[word].upper() if word == "me" else SUBJECT_OF[word])
    return None


def _is_verb(word: str) -> bool:
    parts = parts_of_speech(word)
    return bool(parts & {"VERB", "AUX"}) and "NOUN" not in parts


def uncountable(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`a new furniture`, `an advice` for `some advice`, `many information`."""
    word, before, after = sentence.word(index), sentence.word(index - 1), sentence.word(index + 1)
    article = "an" if word[:1] in "aeiou" else "a"
    if after in UNCOUNTABLE and parts_of_speech(word) == {"ADJ"} and index > 0:
        is_bare = "VERB" in parts_of_speech(before) or before in ("with", "of", "for", "is", "was")
        return insert_before(sentence, index, article) if is_bare else None
    if after in UNCOUNTABLE and word in ("some", "much", "little"):
        return replace(sentence, index, {"some": "an" if after[0] in "aeiou" else "a", "much": "many", "little": "few"}[word])
    return None
