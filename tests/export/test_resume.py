"""A real export, interrupted by a signal in each of its stages and resumed: the same bundle as without interruptions."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from slm_export.export_inputs import export_inputs
from slm_export.progress import Reporter
from slm_export.sources import resolve
from slm_export.stages import Stage, Stages, finished_stages


@pytest.fixture(scope="module")
def export(tiny_source, sabotage):
    """Starts `slm-export model`; it gets `signal_number` in the stage `at`, when that begins to write its stamp."""

    def run(out, *options, at=None, signal_number=signal.SIGINT):
        program = Path(sys.executable).with_name("slm-export")
        command = [program, "model", tiny_source, "--out", out, "--variants", "cpu-int8", *options]
        environment = sabotage("open", f"/stages/{at}.json.part", signal_number) if at else None
        # A shell that runs the tests in the background makes its children ignore Ctrl-C.
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, env=environment,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        return done.returncode, done.stderr

    return run


@pytest.fixture(scope="module")
def uninterrupted(export, tmp_path_factory):
    out = tmp_path_factory.mktemp("uninterrupted") / "bundle"
    code, said = export(out)
    assert code == 0, said
    return contents(out)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_interrupted_in_every_stage_and_resumed(export, uninterrupted, tmp_path):
    out, part = tmp_path / "bundle", tmp_path / ".bundle.part"
    code, said = export(out, at="load")
    assert code == 130
    assert "Interrupted before anything was finished; nothing is left behind" in said
    assert list(tmp_path.iterdir()) == []
    kept = 0
    for number, (stage, signal_number) in enumerate(
        [
            ("original", signal.SIGINT),
            ("graph", signal.SIGTERM),
            ("quantise-cpu-int8", signal.SIGINT),
            ("compare-cpu-int8", signal.SIGTERM),
        ],
        start=2,
    ):
        code, said = export(out, *(["--resume"] if number > 2 else []), at=stage, signal_number=signal_number)
        assert code == 128 + signal_number, said
        assert "Traceback" not in said
        assert "Run the same command with --resume to continue there" in said
        assert said.count("kept from the interrupted run") == kept
        assert finished_stages(part) == number - 1, said
        assert [path.name for path in tmp_path.iterdir()] == [part.name]
        kept = number - 1
    code, said = export(out, "--resume")
    assert code == 0, said
    assert said.count("kept from the interrupted run") == 4
    assert contents(out) == uninterrupted
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


@pytest.fixture
def part(tmp_path):
    return tmp_path / "part"


def stage_writing(part, name="a", content="whole"):
    def work():
        (part / name).mkdir(parents=True)
        (part / name / "file").write_text(content)

    return Stage(name, f"Making {name}", (Path(name),), work)


def stages(part, inputs="inputs"):
    return Stages(part, inputs, Reporter(quiet=True), total=1)


def test_a_finished_stage_is_not_done_again(part):
    stages(part).run([stage_writing(part)])
    stages(part).run([stage_writing(part, content="other")])
    assert (part / "a" / "file").read_text() == "whole"


@pytest.mark.parametrize(
    "damage",
    [
        lambda part: (part / "a" / "file").write_text("wrong"),
        lambda part: (part / "a" / "file").write_text("cut"),
        lambda part: (part / "a" / "file").unlink(),
        lambda part: (part / "a" / "stray").write_text("not of this stage"),
        lambda part: (part / ".work" / "stages" / "a.json").write_text("{"),
        lambda part: (part / ".work" / "stages" / "a.json").write_text(json.dumps({"inputs": "inputs", "files": {}})),
        lambda part: (part / ".work" / "stages" / "a.json").unlink(),
    ],
    ids=["changed", "cut short", "missing", "stray file", "half a stamp", "stamp of nothing", "no stamp"],
)
def test_a_stage_that_is_not_whole_is_done_again(part, damage):
    stages(part).run([stage_writing(part)])
    damage(part)
    stages(part).run([stage_writing(part, content="again")])
    assert [path.name for path in (part / "a").iterdir()] == ["file"]
    assert (part / "a" / "file").read_text() == "again"


def test_other_inputs_do_every_stage_again(part):
    stages(part).run([stage_writing(part)])
    stages(part, "other inputs").run([stage_writing(part, content="other")])
    assert (part / "a" / "file").read_text() == "other"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_stage_that_fails_leaves_nothing(part, error):
    def work():
        (part / "b").mkdir(parents=True)
        (part / "b" / "half").write_text("ha")
        raise error

    with pytest.raises(error):
        stages(part).run([stage_writing(part), Stage("b", "Making b", (Path("b"),), work)])
    assert not (part / "b").exists()
    assert finished_stages(part) == 1


def test_an_interrupted_export_of_other_inputs_is_not_resumed(export, tiny_source, tmp_path):
    """A configuration that has changed since, with the same weights."""
    source = Path(shutil.copytree(tiny_source, tmp_path / "source"))
    before = export_inputs(resolve(str(source), downloads=tmp_path, reporter=Reporter(quiet=True)), ["cpu-int8"])
    config = json.loads((source / "config.json").read_text(encoding="utf-8"))
    (source / "config.json").write_text(json.dumps({**config, "rope_theta": 50000.0}), encoding="utf-8")
    assert export_inputs(resolve(str(source), downloads=tmp_path, reporter=Reporter(quiet=True)), ["cpu-int8"]) != before
    part = tmp_path / ".bundle.part"
    (part / ".work" / "stages").mkdir(parents=True)
    (part / ".work" / "inputs").write_text(before)
    (part / ".work" / "stages" / "load.json").write_text(json.dumps({"inputs": before, "files": {}}))
    (part / "stray").write_text("of the other export")
    code, said = export(tmp_path / "bundle", "--resume")
    assert code == 0, said
    assert "Nothing to resume: the interrupted export was of other inputs" in said
    assert not (tmp_path / "bundle" / "stray").exists()
