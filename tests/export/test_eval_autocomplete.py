"""`slm-export eval autocomplete`: its parts by tables, and the whole on the tiny bundle."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from slm_export.cli import main
from slm_export.eval.completion import Completer, Ending, context_window, pending_text
from slm_export.eval.letters import partial_word, runs_together, words_of
from slm_export.eval.scores import Calibration, chosen, curve, fit, interval, score, simulate, times_saved
from slm_export.eval.silence import Rules
from slm_export.eval.trials import (
    LETTERS,
    Outcome,
    Trial,
    documents,
    is_right,
    read_documents,
    read_sentences,
    sample_places,
    try_places,
)
from slm_export.eval.word_ngram import WordNgram
from slm_export.manifest import load_manifest

RULES = Path(__file__).parents[1] / "bench" / "silence.mjs"
SENTENCES = Path(__file__).parents[1] / "fixtures" / "prose" / "sentences.txt"


class Knows:
    """Suggests what comes next in a text, one word too many from some place on."""

    def __init__(self, text: str, probability: float = 0.9) -> None:
        self.text, self.probability = text, probability

    def endings(self, before: str, max_words: int) -> list[Ending]:
        words = self.text[len(before) :].split(" ")[:max_words]
        return [Ending(" ".join(words[: n + 1]), n + 1, self.probability ** (n + 1)) for n in range(len(words)) if words[0]]


@pytest.mark.parametrize(
    ("suggested", "following", "right"),
    [
        ("went", "went home", True),
        ("went", "wentworth", False),
        ("went home", "went home.", True),
        ("went", "went-about", False),
        ("went", "went - so", True),
        ("ent", "ent", True),
        ("went home.", "went home. Then", True),
        ("home", "went home", False),
        ("don", "don't", False),
    ],
)
def test_a_suggestion_is_right_where_the_text_goes_on_with_it_and_the_word_ends(suggested, following, right):
    assert is_right(suggested, following) is right


@pytest.mark.parametrize(
    ("before", "typed"),
    [("the wo", "wo"), ("the ", ""), ("don'", "don'"), ("(ab", "ab"), ("x-y", "x-y"), ("今日は", ""), ("a.b", "b")],
)
def test_the_word_being_typed(before, typed):
    assert partial_word(before) == typed


@pytest.mark.parametrize(
    ("text", "following", "expected"),
    [
        ("friends and", "The", True),
        ("und", "Überall", True),
        ("I like mac", "OS", True),
        ("macOS or mac", "OS", False),
        ("my i", "Phone", False),
        ("Java", "Script", False),
        ("friends and", "then", False),
        ("friends and ", "The", False),
        ("“and", "The", True),
        ("don’t", "The", False),
        ("", "The", False),
    ],
)
def test_two_words_that_run_together(text, following, expected):
    assert runs_together(text, following) is expected


def test_words_and_pending_text():
    assert words_of("It's a well-known 散歩, and/or 2 more.") == ["It's", "a", "well-known", "散", "歩", "and/or", "2", "more"]
    assert [pending_text(text) for text in ("a bc", "a ", "a.\n\n", "abc", "")] == [" bc", " ", "\n\n", "abc", ""]


def test_the_context_begins_at_a_sentence_and_stays_while_the_text_grows():
    text = " ".join(f"This is sentence number {index}." for index in range(200))
    cuts = {context_window(text[:length], 900)[:30] for length in range(3000, 3250)}
    assert len(cuts) <= 2
    assert all(cut.startswith("This is sentence") for cut in cuts)
    assert all(600 - 40 <= len(context_window(text[:length], 900)) <= 900 for length in range(1000, 4000, 7))


def trial(probability: float, right: bool, letters: int = 0) -> Trial:
    return Trial(letters, (Outcome(1, probability, right, 4), Outcome(2, probability / 2, False, 9)), 1.0)


def test_scores_count_the_longest_likely_run_of_words():
    trials = [trial(0.9, True), trial(0.8, False), trial(0.3, True), Trial(0, (), 1.0)]
    high, low = score(trials, 0.5, Calibration()), score(trials, 0.4, Calibration())
    assert (high.shown, high.coverage, high.precision, high.wrong_show_rate) == (2, 0.5, 0.5, 0.25)
    assert (low.precision, low.first_word, low.words_shown, low.exact_match) == (0, 0.5, 2, (0.5, 0, None))


def test_what_a_rule_silences_is_not_shown_and_what_goes_in_circles_is_shown_shorter():
    one, two = Ending("very", 1, 0.9), Ending("very very", 2, 0.8, silence="passed-over")
    assert [e.text for e in chosen([one, two], 0.5, Calibration(), 0)] == ["very"]
    assert chosen([one, Ending("very much", 2, 0.7, silence="would-misspell")], 0.5, Calibration(), 0) == []
    assert chosen([one], 0.95, Calibration(), 0) == []


def test_the_interval_counts_documents_not_places():
    trials = [trial(0.9, right) for right in [True] * 30 + [False] * 10]
    alike = interval(trials, [i // 10 for i in range(40)], 0.5, Calibration(), seed=0)
    apart = interval(trials, list(range(40)), 0.5, Calibration(), seed=0)
    assert alike is not None
    assert apart is not None
    assert alike[0] < apart[0] < 0.75 < apart[1] < alike[1]
    assert interval(trials, [0] * 40, 0.5, Calibration(), seed=0) is None


def test_calibration_is_what_was_measured_ascending_and_the_same_as_the_browsers():
    trials = [trial(0.1 + 0.8 * i / 400, i % 4 == 0 or i > 300, letters) for i in range(400) for letters in (0, 1)]
    fitted = fit(trials)
    assert len(fitted.by_letters) == 2
    values = [fitted.confidence(p / 50, 0) for p in range(51)]
    assert values == sorted(values)
    assert fitted.confidence(0.85, 0) > 0.9 > 0.4 > fitted.confidence(0.4, 1)
    table = Calibration([[[0.2, 0.1], [0.6, 0.5]]])
    cases = [(0.0, 0.0), (0.1, 0.05), (0.2, 0.1), (0.4, 0.3), (0.6, 0.5), (0.8, 0.75), (1.0, 1.0)]
    assert [round(table.confidence(p, 3), 6) for p, _ in cases] == [c for _, c in cases]  # complete-parts.test.ts has the same


def test_curve_ranks_places_by_probability():
    points = curve([trial(1 - i / 100, i < 20) for i in range(40)])
    assert points[10] == (0.5, 1.0)
    assert points[-1] == (1.0, 0.5)


def test_the_typist_takes_what_is_right_and_types_on_where_it_is_wrong():
    text = "We went home and slept."
    saved = simulate(Knows(text), text, 0.5, Calibration(), start=3, stop=len(text))
    assert (saved.wrong, saved.accepted, saved.saved) == (0, 2, len(text) - 3 - 2 - 1)  # a space is typed in between
    lost = simulate(Knows(text.replace("e", "x")), text, 0.5, Calibration(), start=3, stop=len(text))
    assert lost.saved < saved.saved
    assert lost.wrong > 0


def test_what_the_typist_takes_at_the_end_of_the_sample_is_right_and_counts():
    """A bug: the text was cut there, so that what went on behind it was wrong."""
    text = "We went home and slept."
    saving = simulate(Knows(text), text, 0.5, Calibration(), start=3, stop=5)
    assert (saving.wrong, saving.accepted, saving.characters) == (0, 1, len("went home and"))


def test_times_saved_are_of_shares_and_their_interval_is_of_documents():
    ours, theirs = [[[100, 30], [100, 50]], [[200, 80]]], [[[100, 10], [100, 30]], [[200, 40]]]
    found = times_saved(ours, theirs, seed=0)
    assert found is not None
    times, (low, high) = found
    assert times == pytest.approx(160 / 80)
    assert low < times < high
    assert times_saved(ours, [[[100, 0], [100, 0]], [[200, 0]]], seed=0) is None


def test_the_word_ngram_says_what_followed_most_often():
    model = WordNgram(["We went home early.", "We went home late.", "We walked on."])
    assert [ending.text for ending in model.endings("Then we ", 2)] == ["went", "went home"]
    assert model.endings("We wal", 1)[0].text == "ked"
    assert model.endings("We q", 1) == []


def test_every_text_of_a_folder_is_a_document_with_its_paragraphs(tmp_path):
    for name, text in {
        "b.txt": "Second. " * 60,
        "a.txt": "First.\n\nGoes on. " * 40,
        "short.txt": "Hi.",
        "a.md": "x" * 900,
    }.items():
        (tmp_path / name).write_text(text)
    first, second = read_documents(tmp_path)
    assert first.startswith("First.\n\nGoes on.")
    assert second.startswith("Second.")


def test_the_rules_of_silence_are_the_pages_own(tiny_bundle):
    """Asked in Node.js; tests/web/engine/complete-parts.test.ts has the rules themselves."""
    rules = Rules(RULES, tiny_bundle, load_manifest(tiny_bundle).vocab_size)

    def reasons(before: str, *texts: str) -> list[str]:
        return [e.silence for e in rules.judged(before, [Ending(t, 1, 0.9, pieces=((t, 0.9),)) for t in texts])]

    assert reasons("I would like to thank you for the ", "help", "the", "time and time and time and") == [
        "",
        "repeats-before",
        "passed-over",
    ]
    assert reasons("It costs 12", "3 dollars") == ["in-number"]
    assert reasons("Write to me@exa", "mple") == ["in-address"]
    assert reasons("We went ", "") == ["empty"]
    assert rules.judged("We went ", []) == []
    doubted = Ending("zxt", 1, 0.4, pieces=(("z", 0.9), ("xt", 0.1)))
    assert [e.silence for e in rules.judged("We went to the gre", [doubted])] == ["would-misspell"]
    rules.close()


def test_places_are_the_same_for_the_same_seed_and_lie_within_words():
    texts = documents(read_sentences(SENTENCES))
    places = sample_places(texts, 40, seed=3)
    assert places == sample_places(texts, 40, seed=3) != sample_places(texts, 40, seed=4)
    assert {place.letters for place in places} == set(LETTERS)
    for place in places:
        text = texts[place.document]
        assert text[place.offset - place.letters - 1].isspace()
        assert text[place.offset].isalpha()


def test_tokens_of_a_place_are_computed_once(tiny_bundle):
    """What a place shares with the one before is not computed again, and that changes nothing."""
    manifest = load_manifest(tiny_bundle)
    [text, *_] = documents(read_sentences(SENTENCES))
    completer = Completer(tiny_bundle, manifest, "cpu-int8", context_length=600)
    along = [completer.endings(text[:at], 2) for at in range(700, 760)]
    fresh = [Completer(tiny_bundle, manifest, "cpu-int8", context_length=600).endings(text[:at], 2) for at in (700, 731, 759)]
    for mine, alone in zip((along[0], along[31], along[59]), fresh, strict=True):
        assert [ending.text for ending in mine] == [ending.text for ending in alone]
        assert [ending.probability for ending in mine] == pytest.approx([ending.probability for ending in alone], rel=1e-3)


def test_the_program_measures_both_and_fits_a_calibration(tiny_bundle, tmp_path):
    out, fitted, measured = tmp_path / "out", tmp_path / "calibrations.json", tmp_path / "measured.json"
    command = ["eval", "autocomplete", str(tiny_bundle), "--text", str(SENTENCES), "--baseline-text", str(SENTENCES)]
    run = CliRunner().invoke(main, [*command, "--places", "12", "--typist", "80", "--out", str(out), "--fit", str(fitted)])
    assert run.exit_code == 0, run.output
    assert "word 3-gram" in run.output
    result = json.loads((out / "results.json").read_text())
    [row] = result["texts"]
    assert set(row["predictors"]) == {"model", "word 3-gram"}
    by_letters = row["predictors"]["model"]["by_letters"]
    assert len(by_letters) == len(LETTERS)
    printed = [line.split() for line in run.output.splitlines()]
    for each in by_letters:  # one text only: it is all texts
        for at in each["scores"]:
            values = (at["coverage"], *at["exact_match"], at["precision"], at["wrong_show_rate"])
            shares = ["-" if value is None else f"{value:.1%}" for value in values]
            assert [str(at["threshold"]), "model", str(each["letters"]), str(at["places"]), *shares] in printed
    assert "Netherfield" not in (out / "results.json").read_text()  # texts are somebody's
    assert (out / "sentences.svg").read_text().startswith("<svg")
    entry = json.loads(fitted.read_text())["tiny-llama"]
    assert len(entry["by_letters"]) == len(LETTERS)
    assert "eval autocomplete BUNDLE --text sentences.txt" in entry["measured"]
    scored = ["eval", "autocomplete", str(tiny_bundle), "--again", str(out), "--calibration", str(fitted), "--json"]
    again = CliRunner().invoke(main, [*scored, "--trade-off", str(measured)])
    assert again.exit_code == 0, again.output
    anew = CliRunner().invoke(main, [*command, "--places", "12", "--typist", "0", "--calibration", str(fitted), "--json"])
    assert json.loads(again.output)["calibration"] == entry["by_letters"] == json.loads(anew.output)["calibration"]
    found = [json.loads(each.output)["texts"][0]["predictors"]["model"] for each in (again, anew)]
    assert found[0]["trials"] == found[1]["trials"]
    assert found[0]["by_letters"] == found[1]["by_letters"]
    shares = [each["coverage"] for each in json.loads(measured.read_text())["tiny-llama"]["by_threshold"]]
    assert shares == sorted(shares, reverse=True)


def test_parts_of_a_text_share_no_document(tiny_bundle, tmp_path):
    command = ["eval", "autocomplete", str(tiny_bundle), "--text", str(SENTENCES), "--places", "20", "--typist", "0"]
    for part in ("1", "2"):
        run = CliRunner().invoke(main, [*command, "--part", f"{part}/2", "--out", str(tmp_path / part), "--silence", str(RULES)])
        assert run.exit_code == 0, run.output
        assert "Rules of silence: applied" in run.output
    one, two = (json.loads((tmp_path / part / "places.json").read_text())[0]["documents"].values() for part in ("1", "2"))
    assert one
    assert two
    assert not set(one) & set(two)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "Give --text, or --again"),
        (["--text", str(SENTENCES), "--part", "3/2"], "3/2 is no part like 1/2"),
        (["--again", str(SENTENCES.parent)], "has no measurement to score again"),
        (["--text", str(SENTENCES), "--silence", str(SENTENCES), "--places", "10"], "ended with status"),
    ],
)
def test_wrong_options_are_refused(tiny_bundle, options, said):
    run = CliRunner().invoke(main, ["eval", "autocomplete", str(tiny_bundle), *options])
    assert run.exit_code != 0
    assert said in " ".join(run.output.split())


def test_a_model_that_does_not_continue_text_is_refused():
    bundle = Path(__file__).parents[1] / ".fixtures" / "transformers" / "tiny-minilm"
    run = CliRunner().invoke(main, ["eval", "autocomplete", str(bundle), "--text", str(SENTENCES)])
    assert run.exit_code == 1
    assert "does not continue text" in run.output


def test_places_and_trials_go_together(tiny_bundle):
    texts = documents(read_sentences(SENTENCES))
    places = sample_places(texts, 10, seed=1, letters=(0, 2))
    trials = try_places(WordNgram(read_sentences(SENTENCES)), texts, places)
    assert [trial.letters for trial in trials] == [place.letters for place in places]
    assert sum(t.outcomes[0].right for t in trials if t.outcomes) > len(trials) / 3  # it learnt this very text
