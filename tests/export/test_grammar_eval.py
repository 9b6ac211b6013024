"""GLEU against values computed by hand, tokens, edits, the gate, and the evaluation of a tiny model."""

import json
import math
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from tiny_checkpoint import write_checkpoint

from slm_export.cli import main
from slm_export.errors import SourceError
from slm_export.eval import grammar
from slm_export.eval.correctors import BundleCorrector
from slm_export.eval.edits import Edit, Matches, apply_edits, compare, edits_between
from slm_export.eval.gleu import gleu
from slm_export.eval.grammar import Corrected, Texts, is_believed
from slm_export.eval.grammar_run import _bundle
from slm_export.eval.penn import tokenize
from slm_export.finetune.examples import Columns
from slm_export.finetune.run import Settings, finetune

JFLEG = Path(__file__).resolve().parents[3] / "shared" / "data" / "gec" / "jfleg-dev"


def words(text):
    return text.split()


def test_gleu_of_a_copy_and_of_the_reference():
    source = words("he go to a school")
    reference = words("he goes to the school")
    assert gleu([reference], [[reference]], [reference]) == pytest.approx(100)
    # The copy: of its 1-grams he, to, school count; go and a are the source's alone and are taken off: 3 − 2 = 1 of 5.
    # No 2-gram is in the reference: the corpus has an order without matches, and the score is 0.
    assert gleu([source], [[reference]], [source]) == 0.0


def test_gleu_by_hand():
    """Half repaired: `the cats sat on a mat quiet` for `the cats sat on the mat quietly` of `the cat sat on a mat quiet`."""
    source = words("the cat sat on a mat quiet")
    reference = words("the cats sat on the mat quietly")
    hypothesis = words("the cats sat on a mat quiet")
    # 1-grams: the cats sat on mat = 5 in common (the: once here); taken off: a, quiet (the source's alone) → 5 − 2 = 3 of 7
    # 2-grams: the-cats cats-sat sat-on = 3; taken off: on-a a-mat mat-quiet → 0 → the score would be 0
    assert gleu([source], [[reference]], [hypothesis]) == 0.0
    better = words("the cats sat on the mat quiet")
    # 1-grams: the the cats sat on mat = 6; off: quiet → 5/7. 2-grams: the-cats cats-sat sat-on on-the the-mat = 5;
    # off: mat-quiet → 4/6. 3-grams: 4 in common, the source's alone that stand here: none → 4/5. 4-grams: 3/4.
    expected = 100 * math.exp((math.log(5 / 7) + math.log(4 / 6) + math.log(4 / 5) + math.log(3 / 4)) / 4)
    assert gleu([source], [[reference]], [better]) == pytest.approx(expected)
    # Shorter than the reference: the brevity penalty exp(1 − 7/6) times precisions of 1.
    short = reference[:6]
    assert gleu([source], [[reference]], [short]) == pytest.approx(100 * math.exp(1 - 7 / 6))


def test_gleu_draws_references_and_counts_over_the_corpus():
    one, two = words("a b c d e"), words("a b c d f")
    score = gleu([one], [[one, two]], [one])
    # Against `one` it scores 100, against `two` 0 (its only other 4-gram is the source's alone): the share of the draws.
    assert score == pytest.approx(sum(Random(101 * number).random() < 0.5 for number in range(500)) / 5)
    with pytest.raises(ValueError, match="same number"):
        gleu([one], [[one], [two]], [one])


@pytest.mark.skipif(not JFLEG.is_dir(), reason="JFLEG's development set is not in the repository (CC BY-NC-SA)")
def test_the_source_of_jfleg_scores_what_its_authors_publish():
    sources = [line.split() for line in (JFLEG / "dev.src").read_text(encoding="utf-8").splitlines()]
    columns = [(JFLEG / f"dev.ref{n}").read_text(encoding="utf-8").splitlines() for n in range(4)]
    references = [[line.split() for line in own] for own in zip(*columns, strict=True)]
    assert round(gleu(sources, references, sources), 2) == 38.21


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I don't know, John's dog isn't here.", "I do n't know , John 's dog is n't here ."),
        ('He said, "They\'re late..."', 'He said , " They \'re late ... "'),
        ("It costs 1,000 dollars (or 5:30).", "It costs 1,000 dollars ( or 5:30 ) ."),
        ("the teachers' room", "the teachers ' room"),
        ("U.S. law e.g. this", "U.S. law e.g. this"),
    ],
)
def test_natural_text_becomes_penn_tokens(text, tokens):
    assert " ".join(tokenize(text)) == tokens


@pytest.mark.parametrize(
    ("source", "target", "edits"),
    [
        ("He go home.", "He goes home.", [Edit(1, 2, (" goes",))]),
        ("I want go home.", "I want to go home.", [Edit(2, 2, (" to",))]),
        ("It is is good .", "It is good.", [Edit(2, 3, ()), Edit(4, 5, (".",))]),
        ("same", "same", []),
    ],
)
def test_edits_lead_from_one_text_to_the_other(source, target, edits):
    found = edits_between(source, target)
    assert apply_edits(source, found) == target
    if source != "It is is good .":  # which of the two is the surplus one is the aligner's choice
        assert found == edits


def test_matches_choose_the_reference_that_agrees_most():
    made = edits_between("a b c d", "a x c y")
    near, far = edits_between("a b c d", "a x c d"), edits_between("a b c d", "q b c d")
    assert compare(made, [far, near]) == Matches(1, 1, 0)
    assert Matches(1, 1, 2).precision == 0.5
    assert Matches(1, 1, 2).recall == pytest.approx(1 / 3)
    assert Matches(1, 1, 2).f_half == pytest.approx(1.25 * 0.5 / 3 / (0.125 + 1 / 3))
    assert Matches(0, 0, 0).f_half == 1


def test_only_edits_from_the_threshold_on_are_shown():
    edits = tuple(edits_between("he go to school", "He goes to a school"))
    each = Corrected("he go to school", "", edits, tuple([1.0, 3.0][: len(edits)]))
    assert each.text(float("-inf")) == "He goes to a school"
    assert each.text(2.0) == "he go to a school"
    assert each.text(9.0) == "he go to school"


@pytest.mark.parametrize(
    ("sentence", "answer", "believed"),
    [
        ("This are a sentence.", "This is a sentence.", True),
        ("Tell me who wrote this book about the sea.", "Herman Melville.", False),
        ("What is the capital of the old kingdom?", "The capital city was far up in its northern hills.", False),
        ("Hi", "Hi.", True),
    ],
)
def test_answers_that_are_another_text_are_not_believed(sentence, answer, believed):
    assert is_believed(sentence, answer) is believed


class Scripted:
    """A corrector with fixed answers, whose score is minus the number of words that are not in `likely`."""

    name = "scripted"

    def __init__(self, answers, likely):
        self.seconds, self._answers, self._likely = [], answers, likely

    def answers(self, sentences):
        return [self._answers[sentence] for sentence in sentences]

    def scores(self, pairs):
        return [-float(sum(word not in self._likely for word in answer.split())) for _, answer in pairs]


def test_the_gain_of_an_edit_is_the_answer_against_the_answer_without_it():
    model = Scripted({"he go to school": "He goes to school", "fine": "fine"}, likely={"He", "goes", "to", "school"})
    found, clean = grammar.correct(model, ["he go to school", "fine"])
    assert found.edits == (Edit(0, 2, ("He", " goes")),)  # neighbours are one edit
    assert found.gains == (2.0,)
    assert (clean.edits, clean.gains) == ((), ())
    apart = Scripted({"a b c": "x b z"}, likely={"x", "b", "c"})
    (each,) = grammar.correct(apart, ["a b c"])
    assert each.gains == (1.0, -1.0)


def test_the_row_counts_what_was_changed(tmp_path):
    texts = Texts(("he go", "fine"), (("he goes",), ("fine",)), raw=False)
    row = grammar.row("x", ["he goes", "fine"], texts, [("a b c d", "a b c e"), ("e f", "e f")], [0.2, 0.4, 0.3])
    assert (row.changed, row.clean_changed, row.median_seconds) == (0.5, 0.5, 0.3)
    assert row.clean_edits_per_500_words == pytest.approx(500 / 6)
    assert (row.precision, row.recall) == (1, 1)


def write(path, *lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def adapter(tmp_path_factory):
    """A tiny model that has learnt to drop doubled letters' words: any adapter with a task will do."""
    from slm_export.progress import Reporter

    folder = tmp_path_factory.mktemp("grammar")
    base = write_checkpoint(folder / "tiny")
    lines = [json.dumps({"source": word, "target": word}) for word in ("ab", "ba", "cab", "abc") * 10]
    data = write(folder / "pairs.jsonl", *lines)
    chosen = Settings(str(base), data, folder / "tiny-grammar", folder, columns=Columns(prefix="Fix: "), task="grammar")
    changes = {"chat_template": "chatml", "precision": "fp32", "steps": 12, "lr": 0.02, "batch_tokens": 300}
    finetune(Settings(**{f: getattr(chosen, f) for f in chosen.__dataclass_fields__} | changes), Reporter(quiet=True))
    return folder


def test_the_bundle_answers_as_pytorch_does_and_its_drafts_change_nothing(adapter, tmp_path):
    runner = CliRunner()
    bundle = tmp_path / "tiny-grammar"
    run = [
        "model",
        str(adapter / "tiny"),
        "--adapter",
        str(adapter / "tiny-grammar"),
        "--variants",
        "cpu-int8",
        "--out",
        str(bundle),
    ]
    made = runner.invoke(main, run)
    assert made.exit_code == 0, made.output
    model = _bundle(bundle, "cpu-int8")
    assert isinstance(model, BundleCorrector)
    for sentence in ("abc", "cab ab", "aa bb cc"):
        encoded = model.asker.encode(sentence, sentence)
        limit = int(len(encoded.answer) * 1.3) + 10
        plain = list(model.decoder.greedy(encoded.prompt, limit))
        cut = plain[: plain.index(encoded.answer[-1])] if encoded.answer[-1] in plain else plain
        assert model.answers([sentence]) == [model.asker.text(cut)]
        assert model.scores([(sentence, sentence)])[0] < 0
    source = write(tmp_path / "s.txt", "abc", "cab")
    reference = write(tmp_path / "r.txt", "abc", "ab")
    files = ["--src", str(source), "--ref", str(reference), "--clean", str(source), "--out", str(tmp_path / "report")]
    done = runner.invoke(main, ["eval", "grammar", str(bundle), *files])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("| system | GLEU |")
    stored = json.loads((tmp_path / "report" / "results.json").read_text())
    assert stored["rows"][0]["name"] == "source"
    assert (tmp_path / "report" / "curve.svg").read_text().startswith("<svg")
    torch_files = [*files[:6], "--base", str(adapter / "tiny"), "--json"]
    again = runner.invoke(main, ["eval", "grammar", str(adapter / "tiny-grammar"), *torch_files])
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout)["answers"] == stored["answers"]


def test_what_is_no_model_and_files_of_unequal_length_are_refused(tmp_path, adapter):
    source, short = write(tmp_path / "s.txt", "a", "b"), write(tmp_path / "r.txt", "a")
    with pytest.raises(SourceError, match=r"as many lines each: s\.txt 2, r\.txt 1"):
        grammar.read_texts(source, [short], raw=False, limit=None)
    done = CliRunner().invoke(main, ["eval", "grammar", str(tmp_path), "--src", str(source)])
    assert done.exit_code == 1
    assert "is neither a bundle" in done.stderr
    done = CliRunner().invoke(main, ["eval", "grammar", str(adapter / "tiny-grammar"), "--src", str(source)])
    assert "name its base model with --base" in done.stderr
