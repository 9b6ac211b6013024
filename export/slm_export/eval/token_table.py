"""A vocabulary as completion sees it, and a model's numbers over it: mirrors web/src/engine/complete/{tokens,distribution}.ts.

Bytes are characters U+0000 to U+00FF.
"""

from __future__ import annotations

import bisect
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from slm_export.errors import SlmError
from slm_export.eval.letters import is_unspaced, is_word_character

END, BORDER, INSIDE, PARTIAL = range(4)
KINDS = 4
_BYTE_TOKEN = re.compile("<0x([0-9A-Fa-f]{2})>")


class TokenTable:
    """What each of `size` tokens spells and does to the word in front of it.

    Raises SlmError for a tokenizer that does not say which bytes a token stands for."""

    def __init__(self, tokenizer_json: Path, size: int) -> None:
        data = json.loads(tokenizer_json.read_text(encoding="utf-8"))
        spelled = _spelling(data)
        self.bytes: list[str] = [spelled.get(token) or "" for token in range(size)]
        self.kinds: NDArray[np.uint8] = np.array([_kind(text) for text in self.bytes], np.uint8)
        self._sorted = sorted((text, token) for token, text in enumerate(self.bytes) if text)
        self._keys = [text for text, _ in self._sorted]
        self.ids: dict[str, int] = {}
        for text, token in self._sorted:
            self.ids.setdefault(text, token)
        self.lengths: NDArray[np.int32] = np.array([len(text) for text in self.bytes], np.int32)
        self._order: NDArray[np.int64] = np.array([token for _, token in self._sorted], np.int64)
        self.members = [np.flatnonzero(self.kinds == kind) for kind in range(KINDS)]

    def starting_with(self, prefix: str) -> NDArray[np.int64]:
        """Tokens whose bytes begin with `prefix`."""
        low = bisect.bisect_left(self._keys, prefix)
        high = bisect.bisect_right(self._keys, prefix + "\u0100")
        return self._order[low:high]


class Distribution:
    """Log probabilities of the next token, and sums and bests by what a token does to a word."""

    def __init__(self, logits: NDArray[np.float32], table: TokenTable) -> None:
        wide = logits[: len(table.bytes)].astype(np.float64)
        highest = wide.max()
        powers = np.exp(wide - highest)
        self.log: NDArray[np.float64] = wide - (highest + np.log(powers.sum()))
        self._mass = np.bincount(table.kinds, powers, KINDS) / powers.sum()
        self._members = table.members

    def mass(self, *kinds: int) -> float:
        """Probability of all tokens of these kinds."""
        return float(sum(self._mass[kind] for kind in kinds))

    def best(self, *kinds: int) -> int:
        """The likeliest token among the kinds, the lower of equal ones; -1 where there is none."""
        bests = [int(members[self.log[members].argmax()]) for members in (self._members[k] for k in kinds) if len(members)]
        return min(bests, key=lambda token: (-self.log[token], token), default=-1)


def utf8(text: str) -> str:
    """Text of bytes, U+FFFD where they are none."""
    return text.encode("latin-1").decode("utf-8", "replace")


def whole_text(text: str) -> str | None:
    """Text of bytes, None where they end within a character."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return None


def bytes_of(text: str) -> str:
    """A text's UTF-8 bytes as characters."""
    return text.encode("utf-8").decode("latin-1")


def _kind(spelled: str) -> int:
    if spelled == "":
        return END
    if "\x80" <= spelled[0] < "\xc0":
        return PARTIAL
    text = utf8(spelled)
    if text[0] == "\ufffd":
        return PARTIAL
    if is_unspaced(text[0]):
        return BORDER
    return INSIDE if is_word_character(text[0]) or _goes_on(text) else BORDER


def _goes_on(text: str) -> bool:
    """A hyphen and an apostrophe are inside a word where letters go on at once."""
    if text[0] in "'’":
        return len(text) > 1 and text[1].isalpha()
    return text[0] in "_@/" or (text[0] == "-" and text[1:2] != "-")


def _spelling(data: dict[str, Any]) -> dict[int, str]:
    parts = list(_parts(data.get("decoder")))
    kinds = {part.get("type") for part in parts}
    vocabulary = data["model"]["vocab"]
    ids = vocabulary.items() if isinstance(vocabulary, dict) else ((piece[0], i) for i, piece in enumerate(vocabulary))
    if "ByteLevel" in kinds:
        alphabet = _byte_alphabet()
        spelled = {token: "".join(alphabet.get(c, "") for c in text) for text, token in ids}
    elif kinds & {"Metaspace", "ByteFallback", "Replace"}:
        spelled = {token: _sentence_piece(text) for text, token in ids}
    else:
        raise SlmError("This tokenizer does not say which bytes a token stands for. Take a bundle of another model.")
    for added in data.get("added_tokens", []):
        spelled[added["id"]] = "" if added["special"] else bytes_of(added["content"])
    return spelled


def _sentence_piece(text: str) -> str:
    byte = _BYTE_TOKEN.fullmatch(text)
    return chr(int(byte[1], 16)) if byte else bytes_of(text.replace("▁", " "))


def _byte_alphabet() -> dict[str, str]:
    """GPT-2's: printable Latin-1 stands for itself, every other byte for a letter from U+0100 on."""
    alphabet, following = {}, 0x100
    for byte in range(256):
        printable = 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or byte >= 0xAE
        alphabet[chr(byte if printable else following)] = chr(byte)
        following += not printable
    return alphabet


def _parts(decoder: Any) -> list[dict[str, Any]]:
    if not isinstance(decoder, dict):
        return []
    return [decoder, *(part for inner in decoder.get("decoders", []) for part in _parts(inner))]
