"""Wrong forms of nouns and verbs: number, agreement, tense, and forms after other words.

As elsewhere, a change that could be right in the one sentence that the model sees is left out or rare: `They walk` for `They
walked` teaches nothing but to change tenses.
"""

from __future__ import annotations

from random import Random

from slm_export.corrupt.morphology import number_forms, parts_of_speech, verb_forms
from slm_export.corrupt.sentence import Edit, Sentence, pick, replace
from slm_export.corrupt.tables import FALSE_PLURALS, LIKE_VERBS, UNCOUNTABLE

_OF_ONE = frozenset({"a", "an", "one", "this", "that", "each", "every", "another", "either", "neither"})
_OF_MANY = frozenset({"many", "several", "these", "those", "few", "both", "various", "other", "two", "three", "four", "five"})
_OF_MANY |= frozenset({"six", "seven", "eight", "nine", "ten", "hundred", "all", "most", "some", "different", "numerous"})
_FIXED = frozenset({"the", "my", "your", "his", "her", "its", "our", "their", "no", "whose"})
_SINGULAR = frozenset({"he", "she", "it", "this", "that", "everyone", "someone", "everybody", "nobody", "one", "who", "which"})
_PLURAL = frozenset({"they", "we", "you", "i", "these", "those", "people"})
_MODALS = frozenset({"can", "could", "will", "would", "should", "must", "may", "might", "did", "does", "do", "didn't", "don't"})
_MODALS |= frozenset({"doesn't", "can't", "won't", "couldn't", "wouldn't", "shouldn't", "cannot", "to", "let's"})
_PERFECT = frozenset({"have", "has", "had", "haven't", "hasn't", "i've", "we've", "they've", "you've", "been", "be"})
_BE = frozenset({"is", "are", "was", "were", "am", "i'm", "he's", "she's", "it's", "we're", "they're", "being", "be", "been"})
_PAST_SIGNS = frozenset({"yesterday", "ago", "last", "once", "when", "was", "were", "had", "did"})

_AGREEMENT: dict[str, tuple[str, ...]] = {
    "is": ("are", "are", "be", "am"),
    "are": ("is", "is", "is", "be"),
    "was": ("were", "were", "is"),
    "were": ("was", "was", "was", "are"),
    "am": ("is", "are"),
    "has": ("have", "have", "having"),
    "have": ("has", "has", "having"),
    "does": ("do",),
    "doesn't": ("don't", "don't", "doesnt"),
    "don't": ("doesn't", "dont"),
    "isn't": ("aren't", "isnt"),
    "aren't": ("isn't", "arent"),
    "wasn't": ("weren't",),
    "weren't": ("wasn't",),
    "hasn't": ("haven't",),
    "haven't": ("hasn't",),
    "i'm": ("i am", "im", "I"),
    "been": ("be", "being"),
    "being": ("been", "be"),
    "be": ("been", "is", "being", "are"),
}


def number(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A noun of the wrong number, or a plural that does not exist."""
    token, word = sentence.tokens[index], sentence.word(index)
    if not token.is_word or (token.text[0].isupper() and index > 0):
        return None
    if word in FALSE_PLURALS:
        return replace(sentence, index, word + "s") if rng.random() < 0.7 else None
    forms = number_forms(word)
    if forms is None or word in UNCOUNTABLE or sentence.word(index + 1) in ("'", "’"):
        return None
    cue = _cue(sentence, index)
    if word == forms[0]:
        return replace(sentence, index, _plural(forms, rng)) if cue in _OF_ONE and not _is_modifier(sentence, index) else None
    is_seen = cue in _OF_MANY or cue.isdigit() or sentence.word(index + 1) in ("are", "were", "have")
    is_bare = cue not in _FIXED and parts_of_speech(word) == {"NOUN"}
    if is_seen or (is_bare and rng.random() < 0.6) or rng.random() < 0.1:
        return replace(sentence, index, forms[0])
    return None


def _plural(forms: tuple[str, str], rng: Random) -> str:
    """The plural; of an irregular noun sometimes one made by the rule: childs, childrens."""
    singular, plural = forms
    if plural != singular + "s" and not plural.endswith("es") and rng.random() < 0.3:
        return pick(rng, (singular + "s", plural + "s"))
    return plural


def _cue(sentence: Sentence, index: int) -> str:
    """The determiner of a noun, over up to two adjectives; '' where it has none."""
    for at in range(index - 1, max(index - 4, -1), -1):
        word = sentence.word(at)
        if word in _OF_ONE | _OF_MANY | _FIXED or word.isdigit():
            return word
        if not parts_of_speech(word) & {"ADJ", "NOUN"}:
            return ""
    return ""


def _is_modifier(sentence: Sentence, index: int) -> bool:
    """True of the `data` in `a data model`: its number says nothing."""
    return "NOUN" in parts_of_speech(sentence.word(index + 1))


def agreement(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A verb that does not agree with its subject."""
    word, before = sentence.word(index), sentence.word(index - 1)
    if word in _AGREEMENT:
        return replace(sentence, index, pick(rng, _AGREEMENT[word]))
    forms = verb_forms(word)
    if forms is None or index == 0:
        return None
    if word == forms["VBZ"] and ("NOUN" not in parts_of_speech(word) or before in _SINGULAR):
        return replace(sentence, index, forms["VB"])
    if word == forms["VB"] and before in _PLURAL and word != forms["VBD"]:
        return replace(sentence, index, forms["VBZ"])
    return None


def tense(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A verb in a form that its neighbours rule out: `has went`, `to going`, `did saw`, `yesterday I go`."""
    word, before = sentence.word(index), sentence.word(index - 1)
    forms = verb_forms(word)
    if forms is None or sentence.tokens[index].text[0].isupper():
        return None
    if before in _MODALS and word == forms["VB"]:
        return replace(sentence, index, pick(rng, (forms["VBG"], forms["VBD"], forms["VBZ"], forms["VBD"])))
    if before in _PERFECT and word == forms["VBN"]:
        return replace(sentence, index, pick(rng, (forms["VBD"], forms["VB"], forms["VB"], forms["VBG"])))
    if word == forms["VBG"] and "NOUN" not in parts_of_speech(word) - {"VERB"}:
        return replace(sentence, index, pick(rng, (forms["VB"], forms["VB"], forms["VBN"]))) if before in _BE else None
    if word == forms["VBG"]:
        return replace(sentence, index, pick(rng, (forms["VB"], "to " + forms["VB"]))) if rng.random() < 0.6 else None
    if word == forms["VBD"]:
        return _past(sentence, index, rng)
    return None


def _past(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """A simple past; also an adjective such as `interested`, whose ending is left off."""
    forms, before = verb_forms(sentence.word(index)), sentence.word(index - 1)
    assert forms is not None
    regular = forms["VB"] + ("d" if forms["VB"].endswith("e") else "ed")
    if regular != forms["VBD"] and not forms["VBD"].endswith("ed") and forms["VB"] != forms["VBD"] and rng.random() < 0.2:
        return replace(sentence, index, regular)
    is_plain = before in _SINGULAR | _PLURAL or "NOUN" in parts_of_speech(before)
    is_seen = before in _SINGULAR or any(sentence.word(at) in _PAST_SIGNS for at in range(len(sentence)))
    if not is_plain:
        return replace(sentence, index, forms["VB"]) if before in _BE else None
    if forms["VBN"] != forms["VBD"] and rng.random() < 0.3:
        return replace(sentence, index, forms["VBN"])
    if is_seen or rng.random() < 0.1:
        return replace(sentence, index, forms["VB"] if rng.random() < 0.8 else forms["VBG"])
    return None


def verb_choice(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """Another verb of like meaning in the same form: `do a mistake`."""
    forms = verb_forms(sentence.word(index))
    other = LIKE_VERBS.get(forms["VB"]) if forms else None
    instead = verb_forms(other) if other else None
    if forms is None or instead is None:
        return None
    tag = next(tag for tag, form in forms.items() if form == sentence.word(index))
    return replace(sentence, index, instead.get(tag, instead["VB"]))
