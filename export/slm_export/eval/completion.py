"""How a text goes on at a caret, computed as the browser does: mirrors web/src/engine/complete/{prompt,healing,grow}.ts.

The rules that only silence a suggestion (language, repetition, spelling) are not here: silence.py asks the page's own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from slm_export.eval.letters import SENTENCE_END, is_unspaced, is_word_character, runs_together, words_of
from slm_export.eval.token_table import BORDER, END, INSIDE, PARTIAL, Distribution, TokenTable, bytes_of, utf8, whole_text
from slm_export.manifest import Manifest
from slm_export.ort_decoder import OrtDecoder

_MOST_PENDING_TOKENS = 6
_LEAST_SIDE_WAY = 0.5
_MOST_SIDE_WAYS = 3
_MOST_TOKENS = 24
_MOST_KNOWN = 32  # distributions, each as long as the vocabulary
_LEAST_WORTH_GROWING = 0.05  # behind the first word: no threshold is so low that more words would be shown
_SEPARATOR = "<|endoftext|>"
_SENTENCE_BORDER = re.compile("[.!?…。\uff01\uff1f][\"'”’)\\]]*\\s+(?=\\S)|\\n+")


@dataclass(frozen=True, slots=True)
class Ending:
    """A place where a suggestion may end, and how likely all of it is."""

    text: str
    words: int
    probability: float
    pieces: tuple[tuple[str, float], ...] = ()  # its tokens, each with its probability
    silence: str = ""  # the rule that keeps it from being shown, where rules were asked


class Reader:
    """Distributions after token sequences; what the sequence before had in common is not computed again.

    The last ones are kept whatever came in between, as the browser keeps them: the same word is often likeliest with no,
    one and two of its letters typed.
    """

    def __init__(self, decoder: OrtDecoder, table: TokenTable) -> None:
        self._decoder = decoder
        self._table = table
        self._path: list[int] = []
        self._known: dict[tuple[int, ...], Distribution] = {}

    def after(self, tokens: Sequence[int], start: int) -> list[Distribution]:
        """What follows the first `start` tokens, one more, … and all of them."""
        keys = [tuple(tokens[:length]) for length in range(start, len(tokens) + 1)]
        first = next((start + index for index, key in enumerate(keys) if key not in self._known), None)
        if first is not None:
            same = 0
            while same < min(len(self._path), len(tokens)) and self._path[same] == tokens[same]:
                same += 1
            self._truncate(min(same, first - 1))
            rows = self._decoder.step(list(tokens[self._decoder.length :]), last=len(tokens) - first + 1)
            self._known |= {tuple(tokens[: first + index]): Distribution(row, self._table) for index, row in enumerate(rows)}
            self._path = list(tokens)
        found = [self._known[key] for key in keys]
        for key in list(self._known)[: max(0, len(self._known) - _MOST_KNOWN)]:
            del self._known[key]
        return found

    def _truncate(self, length: int) -> None:
        decoder = self._decoder
        if length < decoder.length:
            decoder.cache = {name: np.ascontiguousarray(value[:, :, :length]) for name, value in decoder.cache.items()}
            decoder.length = length


@dataclass(frozen=True, slots=True)
class _Way:
    """A place within the pending bytes: how it was reached, what of them is left, and the log probability of that."""

    path: tuple[int, ...]
    rest: str
    log: float


@dataclass(frozen=True, slots=True)
class _Opening:
    bytes: str
    probability: float
    path: tuple[int, ...]


class Completer:
    """Completion by a bundle's CPU graph in ONNX Runtime."""

    def __init__(self, bundle: Path, manifest: Manifest, variant: str, *, context_length: int, quick: bool = False) -> None:
        self._tokenizer = Tokenizer.from_file(str(bundle / "tokenizer.json"))
        self._table = TokenTable(bundle / "tokenizer.json", manifest.vocab_size)
        self._reader = Reader(OrtDecoder(bundle / manifest.variant(variant).graph, quick=quick), self._table)
        self._context_length = context_length
        special = manifest.special_tokens
        start = special.bos if special.add_bos else self._tokenizer.token_to_id(_SEPARATOR)
        self._start = start
        self._fallback = special.bos if special.bos is not None else special.eos[0]

    def endings(self, before: str, max_words: int) -> list[Ending]:
        """Where the likeliest suggestion may end: its first word, its first two, …"""
        tokens, stem, pending = self._prompt(before)
        found = self._openings(tokens, stem, pending)
        openings = [opening for opening in found if not runs_together(before, utf8(opening.bytes))]
        if not openings or openings[0].bytes == "" or re.match(r"\s*[\n\r]", utf8(openings[0].bytes)):
            return []
        return self._grow(openings[0], before, max_words)

    def _prompt(self, before: str) -> tuple[list[int], int, str]:
        window = context_window(before, self._context_length)
        text: list[int] = self._tokenizer.encode(window, add_special_tokens=False).ids
        tokens = [self._start, *text] if self._start is not None else text or [self._fallback]
        wanted = len(bytes_of(pending_text(window)))
        stem, pending = len(tokens), ""
        while stem > 0 and len(pending) < wanted and len(tokens) - stem < _MOST_PENDING_TOKENS:
            own = self._table.bytes[tokens[stem - 1]]
            if own == "":
                break
            pending, stem = own + pending, stem - 1
        return tokens, stem, pending

    def _openings(self, tokens: list[int], stem: int, pending: str) -> list[_Opening]:
        table = self._table
        read = tokens[:stem] if pending == " " else tokens
        found: list[tuple[_Way, NDArray[np.int64], NDArray[np.float64]]] = []
        sides: list[_Way] = []
        way = _Way(tuple(tokens[:stem]), pending, 0.0)
        for row in self._reader.after(read, stem):
            found.append(self._covering(way, row))
            if len(way.path) == len(tokens):
                break
            own = tokens[len(way.path)]
            if len(read) > stem:
                sides += self._parts(way, row, own)
            way = _Way((*way.path, own), way.rest[len(table.bytes[own]) :], way.log + float(row.log[own]))
        total = sum(float(masses.sum()) for _, _, masses in found)
        for _ in range(_MOST_SIDE_WAYS):
            sides.sort(key=lambda side: -side.log)
            if not sides or math.exp(sides[0].log) < _LEAST_SIDE_WAY * total:
                break
            side = sides.pop(0)
            row = self._reader.after(side.path, len(side.path))[0]
            found.append(self._covering(side, row))
            total += float(found[-1][2].sum())
            sides += self._parts(side, row, -1)
        return self._summed(found, total)

    def _covering(self, way: _Way, row: Distribution) -> tuple[_Way, NDArray[np.int64], NDArray[np.float64]]:
        table = self._table
        every = np.arange(len(table.bytes)) if way.rest == "" else table.starting_with(way.rest)
        tokens = every if way.rest == "" else every[table.lengths[every] > len(way.rest)]
        return way, tokens, np.exp(way.log + row.log[tokens])

    def _parts(self, way: _Way, row: Distribution, but: int) -> list[_Way]:
        ids = ((length, self._table.ids.get(way.rest[:length])) for length in range(1, len(way.rest) + 1))
        return [
            _Way((*way.path, token), way.rest[length:], way.log + float(row.log[token]))
            for length, token in ids
            if token is not None and token != but
        ]

    def _summed(self, found: list[tuple[_Way, NDArray[np.int64], NDArray[np.float64]]], total: float) -> list[_Opening]:
        shares: dict[str, tuple[float, float, tuple[int, ...]]] = {}
        for way, tokens, masses in found:
            for index in np.flatnonzero(masses / total >= 1e-3):
                token, share = int(tokens[index]), float(masses[index]) / total
                key = self._table.bytes[token][len(way.rest) :]
                so, most, path = shares.get(key, (0.0, 0.0, ()))
                shares[key] = (so + share, max(most, share), (*way.path, token) if share > most else path)
        openings = [_Opening(key, share, path) for key, (share, _, path) in shares.items()]
        return sorted(openings, key=lambda opening: (-opening.probability, opening.bytes))

    def _grow(self, opening: _Opening, before: str, max_words: int) -> list[Ending]:
        path, spelled, log = list(opening.path), opening.bytes, math.log(opening.probability)
        pieces = [(utf8(spelled), opening.probability)]
        endings: list[Ending] = []
        for _ in range(_MOST_TOKENS):
            text = whole_text(spelled)
            if text is not None and SENTENCE_END.search(text) and words_of(text):
                endings.append(Ending(text, len(words_of(text)), math.exp(log), tuple(pieces)))
                break
            if "\n" in utf8(spelled) or "\r" in utf8(spelled) or (endings and math.exp(log) < _LEAST_WORTH_GROWING):
                break
            row = self._reader.after(path, len(path))[0]
            closing = 0.0 if text is None else _closing(text, row)
            inner = row.best(INSIDE, PARTIAL)
            is_split = text is not None and inner >= 0 and runs_together(before + text, utf8(self._table.bytes[inner]))
            closes = closing > 0 and (inner < 0 or is_split or closing >= math.exp(row.log[inner]))
            if closes and text is not None:
                endings.append(Ending(text, len(words_of(text)), math.exp(log) * closing, tuple(pieces)))
                if len(words_of(text)) >= max_words:
                    break
            kinds = (BORDER, END, *((INSIDE, PARTIAL) if text and is_unspaced(text[-1]) else ()))
            token = row.best(*kinds) if closes else row.best(INSIDE, PARTIAL, BORDER, END)
            if token < 0 or self._table.bytes[token] == "":
                break
            log += float(row.log[token])
            path.append(token)
            spelled += self._table.bytes[token]
            pieces.append((utf8(self._table.bytes[token]), math.exp(float(row.log[token]))))
        return endings


def _closing(text: str, row: Distribution) -> float:
    last = text[-1:]
    if is_unspaced(last):
        return 1 - row.mass(PARTIAL)
    return row.mass(BORDER, END) if is_word_character(last) else 0.0


def context_window(text: str, limit: int) -> str:
    """The end of `text`, at most `limit` long, from a sentence's beginning on; the cut moves in large steps."""
    if len(text) <= limit:
        return text
    step = max(1, limit // 3)
    start = -(-(len(text) - limit) // step) * step
    near = text[start : start + step]
    border = _SENTENCE_BORDER.search(near) or re.search(r"\s+", near)
    return text[start + border.end() if border else start :]


def pending_text(text: str) -> str:
    """The last word with the space in front of it, or spaces at the end."""
    found = re.search(r"\s+$", text) or re.search(r"[ \u00a0]?\S+$", text)
    return found[0] if found else ""
