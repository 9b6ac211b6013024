"""Where words begin and end, as the browser sees it: mirrors web/src/engine/complete/letters.ts."""

from __future__ import annotations

import re
import unicodedata

# Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar: no spaces between words.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)
SENTENCE_END = re.compile("[.!?…。\uff01\uff1f][\"'”’»)\\]]*$")


def is_word_character(character: str) -> bool:
    """Letters, digits and marks."""
    return character != "" and unicodedata.category(character)[0] in "LNM"


def is_unspaced(character: str) -> bool:
    """True for a character of a script that writes no spaces between words."""
    return _UNSPACED.match(character) is not None


def partial_word(before: str) -> str:
    """The letters in front of the caret that belong to the word being typed."""
    start = len(before)
    while start > 0 and (is_word_character(before[start - 1]) or before[start - 1] in "'’_-"):
        start -= 1
    word = before[start:].lstrip("'’_-")
    return "" if word and is_unspaced(word[-1]) else word


def runs_together(text: str, following: str) -> bool:
    """True where `following` would be a word of its own without a space in front: "and" and then "The"."""
    if following == "" or unicodedata.category(following[0]) != "Lu":
        return False
    start = len(text)
    while start > 0 and (is_word_character(text[start - 1]) or text[start - 1] in "'’_-"):
        start -= 1
    word = text[start:]
    return len(word) > 1 and all(unicodedata.category(letter) == "Ll" for letter in word) and word + following[0] not in text


def words_of(text: str) -> list[str]:
    """Words in their order, without punctuation."""
    words: list[str] = []
    inside = False
    for character in text:
        if is_unspaced(character):
            words.append(character)
            inside = False
        elif is_word_character(character):
            if inside:
                words[-1] += character
            else:
                words.append(character)
            inside = True
        elif inside and character in "'’_@/-":
            words[-1] += character
        else:
            inside = False
    return words
