"""Answers of the page's engine in `slm-export eval grammar`: their gate, margins by kind, and how both are sought."""

import json

import pytest
from click.testing import CliRunner

from slm_export.cli import main
from slm_export.errors import SourceError
from slm_export.eval.engine_answers import read_answers
from slm_export.eval.gates import Fit, Gates
from slm_export.eval.grammar import Texts


def finding(text, old, new, kind, gain, by="model"):
    """The finding that puts `new` in the place of `old`."""
    start = len(text[: text.index(old)].encode("utf-16-le")) // 2
    end = start + len(old.encode("utf-16-le")) // 2
    return {"from": start, "to": end, "replacements": [new], "kinds": [kind], "confidence": gain, "foundBy": by}


def answers(path, *sentences):
    facts = {"bundle": {"id": "tiny-grammar"}, "variant": "cpu-int8", "backend": "simd"}
    shown = {"model": "m", "rules": "r", "both": "b"}
    said = [{"text": text, "ms": 100, "findings": findings, "shown": shown} for text, findings in sentences]
    path.write_text(json.dumps({**facts, "sentences": said}), encoding="utf-8")
    return path


def test_edits_of_the_model_apply_at_utf_16_offsets_from_the_threshold_on(tmp_path):
    text = "😀 He go to scool in 1990."
    edits = [finding(text, "go", "goes", "grammar", 1.5), finding(text, "scool", "school", "spelling", 0.5)]
    read = read_answers(answers(tmp_path / "a.json", (text, [*edits, finding(text, "1990", "1991", "grammar", 9, "rules")])))
    (each,) = read.of([text])
    assert read.name == "tiny-grammar cpu-int8, browser engine (simd)"
    assert each.answer == "😀 He goes to school in 1990."
    assert each.text(1.0) == "😀 He goes to scool in 1990."
    assert each.text(2.0) == text
    strict = each.with_margins({"grammar": 1.0})
    assert strict.text(0.5) == "😀 He goes to school in 1990."
    assert strict.text(0.6) == text
    with pytest.raises(SourceError, match="not in the engine's file"):
        read.of(["Another one."])


def test_a_file_that_is_none_says_so(tmp_path):
    (tmp_path / "x.json").write_text('{"sentences": [{}]}', encoding="utf-8")
    with pytest.raises(SourceError, match="Run that program again"):
        read_answers(tmp_path / "x.json")


def sentences(count):
    """Wrong sentences that a spelling edit repairs and a comma spoils; correct ones to which only the comma happens."""
    wrong = [f"Number {n} is a scool for all of us here." for n in range(count)]
    right = [f"Number {n} is a good one for all of us here." for n in range(count)]
    made = [
        (text, [finding(text, "scool", "school", "spelling", 1.0), finding(text, " for", ", for", "punctuation", 2.0)])
        for text in wrong
    ]
    spoilt = [(text, [finding(text, " for", ", for", "punctuation", 2.0)] if n % 2 else []) for n, text in enumerate(right)]
    return wrong, right, made + spoilt


def test_margins_silence_the_kind_that_does_harm_and_keep_the_others(tmp_path):
    wrong, right, made = sentences(8)
    read = read_answers(answers(tmp_path / "a.json", *made))
    texts = Texts(tuple(wrong), tuple((text.replace("scool", "school"),) for text in wrong), raw=True)
    fit = Fit(texts, read.of(wrong), read.of(right), most_changed=0.0)
    gates = fit.best()
    assert fit.changed(Gates(1.0, {})) == 0.5
    assert fit.changed(gates) == 0
    assert [each.with_margins(gates.margins).text(gates.least_gain) for each in read.of(wrong)] == [
        own[0] for own in texts.references
    ]
    assert set(gates.margins) == {"punctuation"}


def test_the_command_seeks_gates_on_one_half_and_tells_how_the_other_does(tmp_path):
    wrong, right, made = sentences(8)
    folder = tmp_path / "tiny-grammar"
    folder.mkdir()
    files = {
        "src": wrong,
        "ref": [text.replace("scool", "school") for text in wrong],
        "clean": right,
    }
    for name, lines in files.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = ["eval", "grammar", str(folder), "--engine", str(answers(tmp_path / "a.json", *made)), "--json", "--raw"]
    command += [part for name in files for part in (f"--{name}", str(tmp_path / name))]
    done = CliRunner().invoke(main, [*command, "--fit", "0"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert said["fit"]["margins"] == {"punctuation": pytest.approx(said["fit"]["margins"]["punctuation"])}
    assert said["fit"]["other_half"] | {"source_gleu": 0} == {
        "source_gleu": 0,
        "gleu": pytest.approx(100),
        "correct_ones_changed": 0,
    }
    assert said["outputs"] == files["ref"]
    plain = json.loads(CliRunner().invoke(main, [*command, "--threshold", "1"]).stdout)
    assert plain["fit"] is None
    assert [row["name"] for row in plain["rows"][-3:]] == ["page: model", "page: rules", "page: both"]
    assert [row["clean_changed"] for row in plain["rows"][-3:]] == [1, 1, 1]
    assert plain["outputs"] != files["ref"]
    assert CliRunner().invoke(main, [*command[:3], *command[5:], "--fit", "0"]).exit_code == 1
