"""Errors of words as wholes and of writing: confused words, capitals, commas, apostrophes, spaces, order."""

from __future__ import annotations

from random import Random

from slm_export.corrupt.morphology import parts_of_speech
from slm_export.corrupt.sentence import Edit, Sentence, Token, pick, remove, replace
from slm_export.corrupt.tables import CONFUSED, WRONG_FORMS

_CONFUSED: dict[str, tuple[str, ...]] = {}
for _set in CONFUSED:
    for _word in _set:
        _CONFUSED[_word] = (*_CONFUSED.get(_word, ()), *(other for other in _set if other != _word))
_OFTEN = frozenset({"their", "there", "they're", "its", "it's", "your", "you're", "to", "too", "then", "than", "were", "where"})
_OFTEN |= frozenset({"lose", "affect", "effect", "accept", "except", "whose", "who's", "quite", "passed", "past", "knew", "know"})
_COMMON = frozenset({"to", "on", "one", "an", "of", "if", "us", "are", "our", "as", "some", "form", "from", "so", "very", "who"})
_COMMON |= frozenset({"i", "he", "she", "they", "we", "you", "my", "no", "now", "by", "new", "make", "do", "also", "while"})


def confusion(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A word that sounds or looks like the right one."""
    pair = f"{sentence.word(index)} {sentence.word(index + 1)}"
    if pair in WRONG_FORMS and sentence.is_free(index, index + 2):
        return replace(sentence, index, pick(rng, WRONG_FORMS[pair]), length=2)
    word = sentence.word(index)
    options = _CONFUSED.get(word)
    if options is None:
        wrong = WRONG_FORMS.get(word)
        return replace(sentence, index, pick(rng, wrong)) if wrong and rng.random() < (0.1 if len(word) < 4 else 0.5) else None
    if rng.random() > (1.0 if word in _OFTEN else 0.06 if word in _COMMON else 0.5):
        return None
    return replace(sentence, index, pick(rng, options))


def capitals(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A capital missing or too many."""
    token = sentence.tokens[index]
    text = token.text
    if not token.is_word or (text.isupper() and text != "I"):
        return None
    if text[0].isupper():
        is_start = index == 0 or text == "I" or text.startswith("I'")
        return _write(index, Token(text[0].lower() + text[1:], token.gap)) if not is_start or rng.random() < 0.6 else None
    is_noun = "NOUN" in parts_of_speech(text)
    return _write(index, Token(text[0].upper() + text[1:], token.gap)) if is_noun and rng.random() < 0.05 else None


def _write(index: int, *tokens: Token) -> Edit:
    return Edit(index, index + 1, tokens)


_NEEDLESS_COMMA_BEFORE = frozenset({"that", "is", "are", "was", "were", "because", "to", "of", "has", "if", "when", "than"})


def punctuation(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A comma missing or too many, an apostrophe missing, a full stop in the place of a comma."""
    token = sentence.tokens[index]
    if token.text == ",":
        if 0 < index < len(sentence) - 1 and rng.random() < 0.9:
            return remove(sentence, index)
        return None
    if "'" in token.text[1:] and token.is_word and rng.random() < 0.5:
        return _write(index, Token(token.text.replace("'", "", 1), token.gap))
    if index > 1 and token.lower in _NEEDLESS_COMMA_BEFORE and sentence.tokens[index - 1].is_word and rng.random() < 0.12:
        return _write(index, Token(",", ""), Token(token.text))
    if token.text in ".?!" and index == len(sentence) - 1 and rng.random() < 0.15:
        return _end(sentence, index, rng)
    return None


def _end(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`?` for `.` after a statement, `.` for `?` after a question."""
    token = sentence.tokens[index]
    if token.text == "?":
        return _write(index, Token(".", token.gap))
    return _write(index, Token(token.text, " ")) if rng.random() < 0.5 else None


def spaces(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """Two words as one, one as two, a space before a comma, none after it."""
    token = sentence.tokens[index]
    if token.text == "," and index + 1 < len(sentence) and rng.random() < 0.2:
        return _write(index, Token(",", " "))
    if not token.is_word or not token.text.isalpha():
        return None
    following = sentence.tokens[index + 1] if index + 1 < len(sentence) else None
    is_short = following is not None and following.is_word and following.text.islower() and len(token.text + following.text) < 10
    if is_short and following is not None and sentence.is_free(index, index + 2) and rng.random() < 0.25:
        return Edit(index, index + 2, (Token(token.text + following.text, token.gap),))
    split = _split(token.lower)
    if split and rng.random() < 0.6:
        return _write(index, Token(token.text[:split], token.gap), Token(token.text[split:]))
    return None


_FRONT_PARTS: tuple[str, ...] = (
    "some",
    "any",
    "every",
    "with",
    "with",
    "under",
    "over",
    "out",
    "home",
    "school",
    "grand",
    "head",
    "book",
    "may",
)
_FRONT_PARTS += ("news", "class", "room", "sun", "snow", "foot", "basket", "base", "water", "work", "to", "through", "my", "her")
_BACK_PARTS = (
    "self",
    "thing",
    "one",
    "body",
    "where",
    "ever",
    "out",
    "day",
    "time",
    "work",
    "room",
    "book",
    "side",
    "ball",
    "how",
)


def _split(word: str) -> int:
    """Where a compound falls apart; 0 where it does not."""
    for front in _FRONT_PARTS:
        back = word.removeprefix(front)
        if back != word and (back in _BACK_PARTS or (len(back) > 3 and parts_of_speech(back) and len(front) > 3)):
            return len(front)
    return 0


def order(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """Two neighbouring words in the wrong order."""
    if index == 0 or index + 1 >= len(sentence) or not sentence.is_free(index, index + 2):
        return None
    first, second = sentence.tokens[index], sentence.tokens[index + 1]
    if not (first.text.islower() and second.text.islower() and first.is_word and second.is_word and second.gap):
        return None
    pair = (parts_of_speech(first.text), parts_of_speech(second.text))
    is_telling = ("ADV" in pair[0] and "VERB" in pair[1]) or (pair[0] == {"ADJ"} and "NOUN" in pair[1])
    is_telling = is_telling or ("AUX" in pair[0] and "ADV" in pair[1])
    if first.text == second.text or not (is_telling or rng.random() < 0.1):
        return None
    return Edit(index, index + 2, (Token(second.text, first.gap), Token(first.text, second.gap)))
