"""Synthetic errors: what each rule makes of a sentence, the mixture's shares, files in and out, the command."""

import json
from random import Random

import pytest
from click.testing import CliRunner

from slm_export.cli import main
from slm_export.corrupt import clauses, constructions, function_words, inflection, spelling, surface
from slm_export.corrupt.mixture import Corruptor, Settings
from slm_export.corrupt.pairs import Request, make_pairs, read_pairs, write_pairs
from slm_export.corrupt.sentence import Sentence
from slm_export.errors import SourceError

TEXTS = (
    "The committee has published three new reports about the weather in the northern districts.",
    "When the children came home, they told their mother what they had seen in the park.",
    "She doesn't know whether her advice was useful, but everyone listened to it carefully.",
    "A friend of mine bought an old house near the river because it was cheaper than a flat.",
    "However, he was walking to school every day, and he has never missed a lesson.",
)


def outcomes(rule, text, rounds=60):
    """All sentences that a rule makes of a text, at any place."""
    found = set()
    for seed in range(rounds):
        rng = Random(seed)
        for index in range(len(Sentence(text))):
            sentence = Sentence(text)
            edit = rule(sentence, index, rng)
            if edit is not None:
                sentence.apply(edit)
                found.add(sentence.text)
    return found


@pytest.mark.parametrize(
    ("rule", "text", "wrong"),
    [
        (function_words.determiner, "He bought an apple.", "He bought apple."),
        (function_words.determiner, "He bought an apple.", "He bought a apple."),
        (function_words.determiner, "He likes these books.", "He likes this books."),
        (function_words.preposition, "We met on Monday.", "We met in Monday."),
        (function_words.missing_word, "I want to go home.", "I want go home."),
        (function_words.needless_word, "She can sing well.", "She can to sing well."),
        (inflection.number, "There are three houses here.", "There are three house here."),
        (inflection.number, "I need information now.", "I need informations now."),
        (inflection.agreement, "She walks to work.", "She walk to work."),
        (inflection.agreement, "They are at home.", "They is at home."),
        (inflection.tense, "He has gone away.", "He has went away."),
        (inflection.tense, "I did see it.", "I did saw it."),
        (surface.confusion, "Their dog barked.", "There dog barked."),
        (surface.confusion, "You should have come.", "You should of come."),
        (surface.capitals, "We left on Monday.", "We left on monday."),
        (surface.punctuation, "However, it rained.", "However it rained."),
        (surface.punctuation, "We don't know.", "We dont know."),
        (surface.spaces, "Something went wrong.", "Some thing went wrong."),
        (surface.order, "He was always late.", "He always was late."),
        (constructions.comparison, "This way is easier.", "This way is more easier."),
        (constructions.comparison, "It is good enough.", "It is enough good."),
        (constructions.adverb, "She sings beautifully.", "She sings beautiful."),
        (constructions.adverb, "I feel bad about it.", "I feel badly about it."),
        (constructions.complement, "I want you to come.", "I want that you come."),
        (constructions.complement, "They suggest that we stay.", "They suggest us to stay."),
        (constructions.complement, "We enjoy reading.", "We enjoy to read."),
        (constructions.complement, "It made me laugh.", "It made me to laugh."),
        (constructions.complement, "They decided to go.", "They decided going."),
        (constructions.collocation, "It depends on the weather.", "It depends of the weather."),
        (constructions.collocation, "We discussed the plan.", "We discussed about the plan."),
        (constructions.collocation, "They listened to music.", "They listened music."),
        (constructions.case, "He and I went home.", "Me and him went home."),
        (constructions.case, "Tom and I went home.", "Tom and me went home."),
        (constructions.case, "It is for Tom and me.", "It is for Tom and I."),
        (constructions.uncountable, "They sell new furniture.", "They sell a new furniture."),
        (constructions.uncountable, "There was much traffic.", "There was many traffic."),
        (clauses.indirect_question, "She asked me where the station was.", "She asked me where was the station."),
        (clauses.indirect_question, "I know why he left.", "I know why did he leave."),
        (clauses.question, "Where do you live?", "Where you live?"),
        (clauses.question, "Did they see it?", "Did they saw it?"),
        (clauses.condition, "If I had known, I would have come.", "If I would have known, I would have come."),
        (clauses.condition, "If it rains, we will stay.", "If it will rain, we will stay."),
        (clauses.since, "I have lived here since May.", "I am living here since May."),
        (clauses.be_and_verb, "I agree with you.", "I am agree with you."),
        (clauses.there_is, "There are many.", "There is many."),
        (clauses.join, "He is a cook; he is very good.", "He is a cook he is very good."),
        (clauses.join, "When the rain stopped, we went out.", "When the rain stopped we went out."),
        (clauses.far_subject, "Neither of them is coming.", "Neither of them are coming."),
        (clauses.far_subject, "Everyone knows it.", "Everyone know it."),
    ],
)
def test_each_kind_makes_the_error_it_is_named_after(rule, text, wrong):
    assert wrong in outcomes(rule, text)


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (inflection.tense, "They walked home."),  # "They walk home." is right
        (inflection.number, "The dogs barked."),
        (function_words.preposition, "I want to go."),
        (spelling.slip, "Yesterday Inglethorp left."),
        (surface.capitals, "NASA"),
        (constructions.case, "We stopped and they led us in."),  # "him led us" nobody writes
        (constructions.complement, "We stopped talking."),  # "stopped to talk" is right too
        (clauses.indirect_question, "Where was the station?"),
        (clauses.condition, "If you want, ask."),
    ],
)
def test_what_would_be_right_as_well_or_is_a_name_is_hardly_ever_changed(rule, text):
    """Names never are; `seen` forms have a small share, so the first word of the second may change."""
    changed = outcomes(rule, text, rounds=30)
    kept = "Inglethorp" in text
    assert all("Inglethorp" in wrong for wrong in changed) if kept else len(changed) <= 2


def test_listed_misspellings_keep_capitals_and_leave_names():
    rule = spelling.listed({"receive": ("recieve",), "mary": ("marry",)})
    assert outcomes(rule, "Receive it, Mary.") == {"Recieve it, Mary."}


def corruptor(**settings):
    return Corruptor(Settings(**settings), {"weather": ("wether",)})


def test_pairs_are_the_same_for_the_same_seed_and_differ_for_another():
    made = [[corruptor().pair(text, Random(seed)) for text in TEXTS] for seed in (4, 4, 5)]
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_the_target_is_the_text_and_the_source_differs_exactly_where_kinds_are_named():
    rng = Random(0)
    pairs = [corruptor(open_end_share=0.0).pair(text, rng) for text in TEXTS * 60]
    assert {pair.target for pair in pairs} == set(TEXTS)
    assert all((pair.source != pair.target) == bool(pair.kinds) for pair in pairs)
    clean = sum(not pair.kinds for pair in pairs) / len(pairs)
    assert 0.22 < clean < 0.38  # 0.3 of 300: three standard deviations are 0.08
    assert len({kind for pair in pairs for kind in pair.kinds}) >= 12


def test_with_a_focus_each_sentence_has_a_place_for_it_and_each_wrong_one_such_an_error():
    rng = Random(0)
    texts = [*TEXTS * 20, "If I had known, I would have come."]
    pairs = [corruptor(focus=("condition", "spaces")).pair(text, rng) for text in texts]
    assert all("condition" in pair.kinds or "spaces" in pair.kinds for pair in pairs if pair and pair.kinds)
    pairs = [corruptor(focus=("condition",), clean_share=0.0).pair(text, rng) for text in texts]
    assert [pair is not None for pair in pairs] == [False] * 100 + [True]
    assert pairs[-1].kinds[0] == "condition"


def test_the_rate_decides_how_many_errors_there_are():
    def errors(rates):
        rng = Random(1)
        made = [corruptor(rates=rates, clean_share=0.0).pair(text, rng) for text in TEXTS * 10]
        return sum(len(pair.kinds) for pair in made) / sum(len(pair.target.split()) for pair in made)

    assert errors((0.01, 0.02)) < 0.1 < 0.2 < errors((0.3, 0.3))


def test_open_ends_lose_their_full_stop_on_both_sides():
    pair = corruptor(open_end_share=1.0, clean_share=1.0).pair(TEXTS[0], Random(0))
    assert pair.source == pair.target == TEXTS[0][:-1]


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_files_are_capped_filtered_by_length_and_mixed_with_given_pairs(tmp_path):
    long = write(tmp_path / "long.txt", *TEXTS)
    short = write(tmp_path / "short.tsv", "Go home now.\t17\tsomeone", "No.\t18\tother")
    given = write(tmp_path / "given.tsv", "He go.\tHe goes.\trule")
    request = Request([long, short], [given], words=(3, 45), cap=3, rounds=2)
    pairs = list(make_pairs(request, corruptor(open_end_share=0.0), seed=1))
    assert len(pairs) == 2 * (3 + 1) + 1
    assert ("He go.", "He goes.", ("given",)) in [(p.source, p.target, p.kinds) for p in pairs]
    assert {p.target for p in pairs} - set(TEXTS) == {"Go home now.", "He goes."}


def test_an_output_that_cannot_be_finished_does_not_appear(tmp_path):
    def broken():
        yield corruptor().pair(TEXTS[0], Random(0))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write_pairs(broken(), tmp_path / "out.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "reader", "message"),
    [
        ("m.tsv", "recieve receive", spelling.read_misspellings, r"line 1: expected wrong<TAB>right"),
        ("p.tsv", "a\tb\nonly one", read_pairs, r"line 2: expected wrong<TAB>right, found 'only one'"),
    ],
)
def test_lines_of_another_form_are_named(tmp_path, name, content, reader, message):
    with pytest.raises(SourceError, match=message):
        reader(write(tmp_path / name, content))


def test_the_command_writes_json_lines_and_counts_kinds(tmp_path):
    text = write(tmp_path / "text.txt", *TEXTS * 20)
    out = tmp_path / "pairs.jsonl"
    done = CliRunner().invoke(
        main, ["corrupt", "--text", str(text), "--out", str(out), "--seed", "3", "--clean", "0.25", "--json"]
    )
    assert done.exit_code == 0, done.output
    stated, lines = json.loads(done.stdout), [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert stated["pairs"] == len(lines) == 100
    assert stated["unchanged"] == sum(line["source"] == line["target"] for line in lines)
    assert sum(stated["kinds"].values()) == sum(len(line["kinds"]) for line in lines)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--rate", "0.5-0.1"], "is not LOW-HIGH"),
        (["--focus", "conditions"], "'conditions' is no kind of error. There are: spelling, determiner,"),
        (["--words", "50-60"], "No sentence has 50 to 60 words"),
        (["--misspellings", "TEXT"], "expected wrong<TAB>right"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, options, message):
    text = write(tmp_path / "text.txt", *TEXTS)
    options = [str(text) if option == "TEXT" else option for option in options]
    done = CliRunner().invoke(main, ["corrupt", "--text", str(text), "--out", str(tmp_path / "o.jsonl"), *options])
    assert done.exit_code != 0
    assert message in done.stderr
