"""Wrong letters: misspellings from a list, and what fingers on a keyboard and ears make of a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from slm_export.corrupt.sentence import Edit, Rule, Sentence, pick, replace
from slm_export.errors import SourceError

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_VOWELS = "aeiou"
_SHORTEST_TYPO = 4
# Spellings that sound alike: what stands in the word → what people write.
_SOUNDS = (
    *(("ie", "ei"), ("ei", "ie"), ("ant", "ent"), ("ent", "ant"), ("able", "ible"), ("ible", "able"), ("ance", "ence")),
    *(("ence", "ance"), ("ph", "f"), ("tion", "sion"), ("sion", "tion"), ("ck", "k"), ("kn", "n"), ("wr", "r"), ("wh", "w")),
    *(("ary", "ery"), ("ery", "ary"), ("ely", "ly"), ("ful", "full"), ("ea", "ee"), ("ee", "ea"), ("ai", "ei"), ("ough", "ogh")),
    *(("ou", "o"), ("sc", "s"), ("ce", "se"), ("se", "ce"), ("qu", "kw"), ("ys", "is"), ("ur", "er"), ("or", "er"), ("er", "or")),
    *(("gu", "g"), ("mn", "m"), ("dge", "ge"), ("ght", "th"), ("tch", "ch"), ("ious", "ous"), ("ll", "l"), ("ss", "s")),
    *(("mm", "m"), ("nn", "n"), ("pp", "p"), ("tt", "t"), ("cc", "c"), ("rr", "r"), ("ff", "f"), ("iou", "io"), ("z", "s")),
)


def read_misspellings(path: Path) -> dict[str, tuple[str, ...]]:
    """Right word → its misspellings, from lines of `wrong<TAB>right`, or `wrong<TAB>right|right` for several.

    Raises: SourceError for a file that cannot be read or a line of another form, with its number.
    """
    found: defaultdict[str, list[str]] = defaultdict(list)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"--misspellings {path} cannot be read: {error}. Give a UTF-8 text file.") from error
    for number, line in enumerate(lines, 1):
        wrong, tab, right = line.partition("\t")
        if not line.strip():
            continue
        if not tab or not wrong.strip() or not right.strip() or "\t" in right:
            raise SourceError(f"{path}, line {number}: expected wrong<TAB>right (or right|right), found {line[:60]!r}.")
        for word in right.split("|"):
            if word.strip() and " " not in wrong:
                found[word.strip()].append(wrong.strip())
    return {right: tuple(wrongs) for right, wrongs in found.items()}


def listed(misspellings: Mapping[str, Sequence[str]]) -> Rule:
    """The rule that takes a misspelling from the list."""

    def rule(sentence: Sentence, index: int, rng: Random) -> Edit | None:
        token = sentence.tokens[index]
        wrongs = misspellings.get(token.lower)
        if not wrongs or not _is_common_word(sentence, index) or token.text.isupper():
            return None
        return replace(sentence, index, pick(rng, wrongs))

    return rule


def slip(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A slip of the fingers or of the ear."""
    word = sentence.tokens[index].lower
    if len(word) < _SHORTEST_TYPO or not word.isascii() or not word.isalpha() or not _is_common_word(sentence, index):
        return None
    make = rng.choices((_sound, _double, _drop, _swap, _neighbour, _vowel), (30, 20, 20, 12, 8, 10))[0]
    wrong = make(word, rng)
    return replace(sentence, index, wrong) if wrong not in (None, word) and wrong else None


def _is_common_word(sentence: Sentence, index: int) -> bool:
    """False for what may be a name: nobody could repair one."""
    token = sentence.tokens[index]
    return token.is_word and (token.text[0].islower() or index == 0)


def _sound(word: str, rng: Random) -> str | None:
    options = [(old, new) for old, new in _SOUNDS if old in word]
    if not options:
        return _drop(word, rng)
    old, new = options[rng.randrange(len(options))]
    return word.replace(old, new, 1)


def _double(word: str, rng: Random) -> str:
    """One letter twice, or a double one once."""
    twins = [at for at in range(len(word) - 1) if word[at] == word[at + 1]]
    if twins and rng.random() < 0.7:
        at = twins[rng.randrange(len(twins))]
        return word[:at] + word[at + 1 :]
    at = rng.randrange(1, len(word))
    return word[:at] + word[at] + word[at:]


def _drop(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _swap(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _neighbour(word: str, rng: Random) -> str | None:
    """A key beside the right one, instead of it or as well."""
    at = rng.randrange(len(word))
    row = next((row for row in _ROWS if word[at] in row), "")
    place = row.find(word[at])
    keys = row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
    if not keys:
        return None
    return word[:at] + keys[rng.randrange(len(keys))] + word[at + (rng.random() < 0.7) :]


def _vowel(word: str, rng: Random) -> str | None:
    places = [at for at in range(1, len(word)) if word[at] in _VOWELS]
    if not places:
        return None
    at = places[rng.randrange(len(places))]
    return word[:at] + _VOWELS[rng.randrange(len(_VOWELS))] + word[at + 1 :]
