"""Errors of whole clauses: order and auxiliaries of questions, tenses of conditions and of `since`, `there is`, far subjects."""

from __future__ import annotations

from random import Random

from slm_export.corrupt.construction_tables import ASKING
from slm_export.corrupt.morphology import number_forms, parts_of_speech, verb_forms
from slm_export.corrupt.sentence import Edit, Sentence, Token, insert_before, pick, remove, replace

_ASK_WORDS = frozenset({"where", "what", "why", "how", "when", "who", "which", "whether", "if"})
_SUBJECTS = frozenset({"i", "you", "he", "she", "it", "we", "they", "this", "that", "there", "people", "everyone"})
_DETERMINERS = frozenset({"the", "a", "an", "my", "your", "his", "her", "its", "our", "their", "this", "that", "these", "those"})
_AUXILIARIES = frozenset(
    {"is", "are", "was", "were", "am", "can", "could", "will", "would", "should", "has", "have", "had", "must"}
)
_DO = {"VBD": "did", "VBZ": "does", "VB": "do"}
_INTRODUCING = frozenset(
    {"when", "after", "before", "if", "although", "because", "while", "as", "since", "once", "until", "though"}
)
_BE_OF = {"i": "am", "he": "is", "she": "is", "it": "is", "we": "are", "they": "are", "you": "are"}


def _subject_end(sentence: Sentence, start: int) -> int | None:
    """Where the short subject that begins at `start` ends: a pronoun, or a determiner, perhaps an adjective, and a noun."""
    if sentence.word(start) in _SUBJECTS:
        return start + 1
    if sentence.word(start) not in _DETERMINERS:
        return None
    for end in (start + 2, start + 3):
        follows = sentence.word(end)
        if number_forms(sentence.word(end - 1)) and (follows in _AUXILIARIES or parts_of_speech(follows) == {"VERB"}):
            return end
    return None


def _words(sentence: Sentence, start: int, end: int) -> list[str]:
    return [token.text for token in sentence.tokens[start:end]]


def _rewrite(sentence: Sentence, start: int, end: int, words: list[str]) -> Edit:
    """The edit that writes `words` over the tokens from `start` up to `end`, which do not begin the sentence."""
    first, *rest = words
    return Edit(start, end, (Token(first, sentence.tokens[start].gap), *(Token(word) for word in rest)))


def indirect_question(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`She asked me where was the station`, `I know why did he leave`."""
    if index == 0 or sentence.word(index) not in _ASK_WORDS - {"if", "whether"} or sentence.word(index - 1) not in ASKING:
        return None
    start = index + 1
    end = _subject_end(sentence, start)
    if end is None:
        return None
    subject, verb = _words(sentence, start, end), sentence.word(end)
    if verb in _AUXILIARIES:
        return _rewrite(sentence, start, end + 1, [sentence.tokens[end].text, *subject])
    forms = verb_forms(verb)
    tag = next((tag for tag in _DO if forms and forms[tag] == verb), None)
    return _rewrite(sentence, start, end + 1, [_DO[tag], *subject, forms["VB"]]) if forms and tag else None


def question(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`Where you live?`, `What he did say?`, `Do he like it?`, `Did you went?`: of a direct question."""
    word = sentence.word(index)
    if word not in ("do", "does", "did") or sentence.word(len(sentence) - 1) != "?":
        return None
    start = index + 1
    end = start + 1 if sentence.word(start) in _SUBJECTS else _subject_end(sentence, start)
    forms = verb_forms(sentence.word(end)) if end else None
    if end is None or forms is None or sentence.word(end) != forms["VB"]:
        return None
    draw = rng.random()
    if index > 0 and sentence.word(index - 1) in _ASK_WORDS and draw < 0.5:
        subject = _words(sentence, start, end)
        if draw < 0.25:
            return remove(sentence, index)
        return _rewrite(sentence, index, end, [*subject, sentence.tokens[index].text])
    if draw < 0.75:
        return replace(sentence, end, forms["VBD"] if word == "did" else forms["VBZ"])
    return replace(sentence, index, {"do": "does", "does": "do", "did": "do"}[word])


def condition(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`If I would have known`, `if it will rain`, `if I was` for `were`."""
    if sentence.word(index) not in ("if", "when", "unless"):
        return None
    end = _subject_end(sentence, index + 1)
    if end is None:
        return None
    verb, forms, after = sentence.word(end), verb_forms(sentence.word(end)), verb_forms(sentence.word(end + 1))
    is_if = sentence.word(index) == "if"
    if is_if and verb == "had" and after and sentence.word(end + 1) == after["VBN"]:
        return replace(sentence, end, "would have")
    if is_if and verb == "were" and sentence.word(end - 1) in ("i", "he", "she", "it"):
        return replace(sentence, end, pick(rng, ("would be", "will be")))
    has_will = any(sentence.word(at) in ("will", "'ll", "would") for at in range(end, len(sentence)))
    if forms and has_will and verb in (forms["VBZ"], forms["VB"], forms["VBD"]):
        return replace(sentence, end, f"{'would' if verb == forms['VBD'] != forms['VB'] else 'will'} {forms['VB']}")
    return None


def since(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`I am living here since 2015`, `I live here for ten years`: the present for the present perfect."""
    word, before = sentence.word(index), sentence.word(index - 1)
    later = [sentence.word(at) for at in range(index + 2, len(sentence))]
    if word not in ("have", "has") or not ("since" in later or ("for" in later and "years" in later)) or before not in _BE_OF:
        return None
    been = sentence.word(index + 1) == "been"
    forms = verb_forms(sentence.word(index + 1 + been))
    if been:
        is_going = forms is not None and sentence.word(index + 2) == forms["VBG"]
        return replace(sentence, index, _BE_OF[before], length=2) if is_going or rng.random() < 0.5 else None
    if forms is None or sentence.word(index + 1) != forms["VBN"]:
        return None
    present = forms["VBZ"] if word == "has" else forms["VB"]
    return replace(sentence, index, pick(rng, (present, f"{_BE_OF[before]} {forms['VBG']}")), length=2)


def be_and_verb(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`I am agree`, `he is likes`: a form of be before a full verb."""
    word, before, forms = sentence.word(index), sentence.word(index - 1), verb_forms(sentence.word(index))
    is_after = sentence.word(index - 2) in _AUXILIARIES | {"do", "does", "did"}
    if before not in _BE_OF or is_after or forms is None or word not in (forms["VB"], forms["VBZ"], forms["VBD"]):
        return None
    is_past = word == forms["VBD"] and word != forms["VB"]
    if is_past and forms["VBD"] == forms["VBN"]:
        return None
    return insert_before(sentence, index, ("were" if _BE_OF[before] == "are" else "was") if is_past else _BE_OF[before])


def there_is(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`There is many`, `it has a problem` for `there is a problem`."""
    word, after = sentence.word(index), sentence.word(index + 1)
    if word != "there" or after not in ("is", "are", "was", "were"):
        return None
    if rng.random() < 0.7:
        return replace(sentence, index + 1, {"is": "are", "are": "is", "was": "were", "were": "was"}[after])
    return replace(sentence, index + 1, pick(rng, ("have", "has")))


def join(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """Two clauses without what parts them: a comma or nothing for a semicolon, no comma after `When it rained,`."""
    token = sentence.tokens[index]
    if not 2 < index < len(sentence) - 3:
        return None
    if token.text == ";":
        return remove(sentence, index) if rng.random() < 0.6 else Edit(index, index + 1, (Token(",", token.gap),))
    is_first = "," not in [earlier.text for earlier in sentence.tokens[:index]]
    return remove(sentence, index) if token.text == "," and is_first and sentence.word(0) in _INTRODUCING else None


def far_subject(sentence: Sentence, index: int, rng: Random) -> Edit | None:
    """`Neither of them are`, `the list of items are`, `everyone have`: the verb after `of` and a plural, or a plural in sense."""
    word, before = sentence.word(index), sentence.word(index - 1)
    forms = number_forms(before)
    is_one = before in ("everyone", "everybody", "nobody", "everything", "nothing", "someone", "anyone", "each")
    is_far = forms is not None and before == forms[1] and "of" in [sentence.word(index - step) for step in (2, 3, 4)]
    is_far = is_far or (before in ("them", "us", "these", "those") and sentence.word(index - 2) == "of")
    if not is_one and not is_far:
        return None
    many = {"is": "are", "was": "were", "has": "have", "does": "do"}
    if word in many:
        return replace(sentence, index, many[word])
    verb = verb_forms(word)
    return replace(sentence, index, verb["VB"]) if verb and word == verb["VBZ"] and "NOUN" not in parts_of_speech(word) else None
