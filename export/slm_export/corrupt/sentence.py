"""A sentence as tokens with the white space before each, and edits of it that never overlap."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

_TOKEN = re.compile(r"(\s*)(\w+(?:['’-]\w+)*|[^\w\s])")


@dataclass(frozen=True, slots=True)
class Token:
    """A word or one mark of punctuation. `gap` is the white space before it."""

    text: str
    gap: str = " "

    @property
    def is_word(self) -> bool:
        return self.text[0].isalpha()

    @property
    def lower(self) -> str:
        return self.text.lower()


@dataclass(frozen=True, slots=True)
class Edit:
    """The tokens from `start` up to, not including, `end` give way to `tokens`."""

    start: int
    end: int
    tokens: tuple[Token, ...]


class Sentence:
    """Tokens, and which of them an edit has made: those are not edited again, so that errors stay told apart."""

    def __init__(self, text: str) -> None:
        self.tokens = [Token(match[2], match[1]) for match in _TOKEN.finditer(text.strip())]
        self._is_edited = [False] * len(self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def text(self) -> str:
        return "".join(token.gap + token.text for token in self.tokens).strip()

    @property
    def words(self) -> int:
        return sum(token.is_word for token in self.tokens)

    def word(self, index: int) -> str:
        """The token at `index` in lower case; '' outside of the sentence."""
        return self.tokens[index].lower if 0 <= index < len(self.tokens) else ""

    def is_free(self, start: int, end: int) -> bool:
        """True where nothing from `start` up to `end` has been edited."""
        return not any(self._is_edited[start:end])

    def apply(self, edit: Edit) -> None:
        """Replace the tokens; their neighbours stay free, so that errors may stand side by side."""
        self.tokens[edit.start : edit.end] = edit.tokens
        self._is_edited[edit.start : edit.end] = [True] * len(edit.tokens)
        if not edit.tokens and edit.start == 0 and self.tokens:  # what now begins the sentence begins with a capital
            first = self.tokens[0]
            self.tokens[0] = Token(first.text[:1].upper() + first.text[1:], "")


# What can go wrong at a token of a sentence; None where this error cannot be made there.
Rule = Callable[[Sentence, int, Random], Edit | None]


def recase(like: str, text: str) -> str:
    """`text` with the capitals of `like`: THESE or This or these."""
    if len(like) > 1 and like.isupper():
        return text.upper()
    return text[:1].upper() + text[1:] if like[:1].isupper() else text


def replace(sentence: Sentence, index: int, text: str, *, length: int = 1) -> Edit | None:
    """The edit that writes `text` (words between spaces) over `length` tokens; None where nothing would change."""
    old = sentence.tokens[index]
    new = recase(old.text, text) if old.lower != "i" else text
    if new == old.text and length == 1:
        return None
    parts = new.split(" ")
    tokens = (Token(parts[0], old.gap), *(Token(part) for part in parts[1:]))
    return Edit(index, index + length, tokens)


def remove(sentence: Sentence, index: int) -> Edit | None:
    """The edit that leaves a token out; None for the only one."""
    return Edit(index, index + 1, ()) if len(sentence) > 1 else None


def insert_before(sentence: Sentence, index: int, text: str) -> Edit | None:
    """The edit that writes a word before a token; None at the beginning of the sentence."""
    if index == 0:
        return None
    old = sentence.tokens[index]
    return Edit(index, index + 1, (Token(text, old.gap or " "), Token(old.text))) if old.gap else None


def pick(rng: Random, options: Sequence[str]) -> str:
    """One of `options`, each as likely as it is often in them."""
    return options[rng.randrange(len(options))]
