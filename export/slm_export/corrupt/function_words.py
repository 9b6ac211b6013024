"""Determiners, prepositions, and small words that are missing or too many.

Only errors that a reader of the one sentence can see: "a" for "the" before a singular noun would mostly be right too, and a
model that learnt from it would change what is correct.
"""

from __future__ import annotations

from random import Random

from slm_export.corrupt.morphology import number_forms, parts_of_speech, verb_forms
from slm_export.corrupt.sentence import Edit, Sentence, insert_before, pick, remove, replace
from slm_export.corrupt.tables import PREPOSITIONS, UNCOUNTABLE

_ARTICLES = ("a", "an", "the")
_DETERMINERS = frozenset(
    {*_ARTICLES, "this", "that", "these", "those", "my", "your", "his", "her", "its", "our", "their", "some", "any", "no"}
    | {"each", "every", "another", "many", "much", "few", "several", "both", "all", "one", "two", "three", "whose", "what"}
)
_POINTING = {"this": "these", "these": "this", "that": "those", "those": "that"}
_QUANTITY = {"many": "much", "much": "many", "few": "little", "fewer": "less", "every": "all", "another": "other"}
_QUANTITY |= {"other": "another", "some": "any", "any": "some", "each": "all", "less": "fewer"}
_MODALS = frozenset({"can", "could", "will", "would", "should", "must", "may", "might"})
_ALSO_PARTICLES = frozenset({"up", "out", "off", "down"})


def determiner(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A determiner wrong, missing, or too many."""
    word = sentence.word(index)
    if word in _ARTICLES:
        return _article(sentence, index, rng)
    if word in _POINTING:
        return _pointing(sentence, index)
    if word in _QUANTITY and sentence.tokens[index].gap:
        return replace(sentence, index, _QUANTITY[word])
    return _needless(sentence, index, rng)


def _article(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    word, noun = sentence.word(index), _noun_after(sentence, index)
    is_plural = noun is not None and (forms := number_forms(noun)) is not None and noun == forms[1]
    draw = rng.random()
    if word == "the":
        if is_plural or (noun in UNCOUNTABLE):
            return replace(sentence, index, "a") if draw < 0.3 else remove(sentence, index) if draw < 0.5 else None
        return remove(sentence, index) if noun and draw < 0.8 else None
    if draw < 0.6:
        return remove(sentence, index)
    other = "an" if word == "a" else "a"
    return replace(sentence, index, other if draw < 0.88 else "the")


def _pointing(sentence: Sentence, index: int) -> Edit | None:
    word, forms = sentence.word(index), number_forms(sentence.word(index + 1))
    if forms is None or ("VERB" in parts_of_speech(sentence.word(index + 1)) and word == "that"):
        return None
    return replace(sentence, index, _POINTING[word])


def _needless(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """An article where none belongs: before a name of a time, before a possessive, `a` before what is not counted."""
    word, before = sentence.word(index), sentence.word(index - 1)
    if index == 0 or not sentence.tokens[index].is_word or before in _DETERMINERS:
        return None
    if word in UNCOUNTABLE:
        return insert_before(sentence, index, "an" if word[0] in "aeiou" else "a")
    if word in ("my", "your", "his", "our", "their") and rng.random() < 0.15:
        return insert_before(sentence, index, "the")
    forms = number_forms(word)
    is_noun_alone = forms is not None and parts_of_speech(word) == {"NOUN"} and before in PREPOSITIONS
    if is_noun_alone and forms is not None and word == forms[1] and rng.random() < 0.4:
        return insert_before(sentence, index, "a")
    return insert_before(sentence, index, "the") if is_noun_alone and rng.random() < 0.35 else None


def _noun_after(sentence: Sentence, index: int) -> str | None:
    """The noun that a determiner belongs to, over up to two adjectives."""
    for at in range(index + 1, min(index + 4, len(sentence))):
        parts = parts_of_speech(sentence.word(at))
        follows = parts_of_speech(sentence.word(at + 1))
        if "NOUN" in parts and not ("ADJ" in parts and "NOUN" in follows):
            return sentence.word(at)
        if not parts & {"ADJ", "ADV", "NOUN"}:
            return None
    return None


def preposition(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A preposition wrong, missing, or too many."""
    word, after = sentence.word(index), sentence.word(index + 1)
    others = PREPOSITIONS.get(word)
    if others is None:
        return _needless_preposition(sentence, index, rng)
    if index == 0 or not sentence.tokens[index - 1].is_word or not after.isalnum():
        return None
    if word == "to" and "VERB" in parts_of_speech(after) and after not in _DETERMINERS:
        return None  # an infinitive: see missing_word
    if word in _ALSO_PARTICLES and after not in _DETERMINERS:
        return None
    return remove(sentence, index) if rng.random() < 0.27 else replace(sentence, index, pick(rng, others))


def _needless_preposition(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`discuss about it`, `enter into the room`: between a verb and its object."""
    before = sentence.word(index - 1)
    is_object = sentence.word(index) in _DETERMINERS - {"that", "what", "no"} or sentence.word(index) in (
        "me",
        "him",
        "us",
        "them",
    )
    if not is_object or verb_forms(before) is None or parts_of_speech(before) != {"VERB"} or rng.random() < 0.7:
        return None
    return insert_before(sentence, index, pick(rng, ("to", "about", "for", "on", "with", "at", "in", "of")))


_LEFT_OUT = frozenset({"to", "of", "is", "are", "was", "were", "be", "been", "have", "has", "it", "than", "as"})
_LEFT_OUT_LESS = frozenset({"or", "but", "who", "which", "when", "there", "do", "does", "if", "because"})


def missing_word(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A small word left out: `I want go`, `He happy`. Not one whose loss leaves a correct sentence of another meaning."""
    word = sentence.word(index)
    is_small = word in _LEFT_OUT or (word in _LEFT_OUT_LESS and rng.random() < 0.3)
    if not is_small or not sentence.word(index + 1).isalnum() or (index == 0 and word != "it"):
        return None
    return remove(sentence, index)


def needless_word(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A small word too many: `can to go`, `more better`, `the the`."""
    word, before = sentence.word(index), sentence.word(index - 1)
    if before in _MODALS and (forms := verb_forms(word)) and word == forms["VB"] and rng.random() < 0.5:
        return insert_before(sentence, index, "to")
    parts = parts_of_speech(word)
    if "ADJ" in parts and word.endswith(("er", "est")) and len(word) > 4 and not number_forms(word) and before != "more":
        return insert_before(sentence, index, "more" if word.endswith("er") else "most")
    if word in ("because", "although", "but") and index > 1 and rng.random() < 0.2:
        return insert_before(sentence, index, "so" if word == "because" else "but" if word == "although" else "although")
    if word in ("to", "the", "a", "in", "of", "that", "is", "and", "it", "was", "for", "have") and rng.random() < 0.5:
        return insert_before(sentence, index, word)
    return None
