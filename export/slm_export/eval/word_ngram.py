"""The baseline: a word 3-gram model with interpolated shorter ones (Jelinek and Mercer 1980), learnt from other text."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from slm_export.eval.completion import Ending
from slm_export.eval.letters import partial_word

_WEIGHTS = (0.6, 0.3, 0.1)  # of 3-gram, 2-gram, 1-gram
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_START = "<s>"
_LONGEST_PREFIX = 4
_FREQUENT = 200  # words of a prefix that are looked at


class WordNgram:
    """Suggests the likeliest next words after the last two."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self._one: Counter[str] = Counter()
        self._two: dict[str, Counter[str]] = defaultdict(Counter)
        self._three: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for sentence in sentences:
            words = _WORD.findall(sentence)
            history = [_START, _START, *(word.lower() for word in words)]
            for index, word in enumerate(words):
                self._one[word] += 1
                self._two[history[index + 1]][word] += 1
                self._three[history[index], history[index + 1]][word] += 1
        self._total = sum(self._one.values())
        self._by_prefix: dict[str, list[str]] = defaultdict(list)
        for word, _ in self._one.most_common():
            for length in range(min(_LONGEST_PREFIX, len(word)) + 1):
                if len(self._by_prefix[word[:length]]) < _FREQUENT:
                    self._by_prefix[word[:length]].append(word)

    def endings(self, before: str, max_words: int) -> list[Ending]:
        """As `Completer.endings`."""
        typed = partial_word(before)
        sentence = re.split(r"[.!?][\"')]*\s+|\n", before[: len(before) - len(typed)])[-1]
        history = [_START, _START, *(word.lower() for word in _WORD.findall(sentence))]
        endings: list[Ending] = []
        text, probability = "", 1.0
        for count in range(1, max_words + 1):
            word, share = self._best(history[-2], history[-1], typed if count == 1 else "")
            if word == "":
                break
            text += (" " if count > 1 else "") + (word[len(typed) :] if count == 1 else word)
            probability *= share
            endings.append(Ending(text, count, probability))
            history.append(word.lower())
        return endings

    def _best(self, first: str, second: str, typed: str) -> tuple[str, float]:
        """The likeliest word that goes on with the letters typed, and its share of all that do."""
        three, two = self._three.get((first, second), Counter()), self._two.get(second, Counter())
        frequent = self._by_prefix.get(typed[:_LONGEST_PREFIX], [])
        words = {word for word in (*three, *two, *frequent) if word.startswith(typed) and len(word) > len(typed)}
        sums = three.total() or 1, two.total() or 1, self._total or 1
        scores = {
            word: sum(
                weight * counts[word] / total
                for weight, counts, total in zip(_WEIGHTS, (three, two, self._one), sums, strict=True)
            )
            for word in words
        }
        if not scores:
            return "", 0.0
        best = max(scores, key=lambda word: (scores[word], word))
        return best, scores[best] / sum(scores.values()) if typed else scores[best]
