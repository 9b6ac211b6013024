"""`slm-export batch` as a user runs it: real processes, real kills, on this machine and through a local Ray of two workers."""

import csv
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from hub_server import COMMIT, serve

from slm_export.batch import Batch
from slm_export.batch_job import Ended, Job, Limits, Scouted, Task, refusal
from slm_export.batch_local import LocalEngine
from slm_export.batch_scout import answers
from slm_export.options import ExportOptions

PROGRAM = str(Path(sys.executable).with_name("slm-export"))
# Runs in every Python that has it on its path: when an export of MODEL stamps its stage STAGE for the first time, TARGET (the
# process itself, or the batch that started it) gets the signal, as from the kernel, a colleague or a terminal. Where that is the
# batch, the export stays there until it is stopped, or sees that it is alone: it could have ended before it hears of either.
SABOTAGE = """
import os, sys, time
model, stage, target, number, mark = os.environ.get("SABOTAGE", ",,,,").split(",")
def hook(event, arguments):
    stamp = f".{model}.part/.work/stages/{stage}.json.part"
    if event == "open" and str(arguments[0]).endswith(stamp) and not os.path.exists(mark):
        os.close(os.open(mark, os.O_CREAT | os.O_WRONLY))
        os.kill(os.getpid() if target == "self" else os.getppid(), int(number))
        while target == "batch":
            time.sleep(0.01)
if model and "slm_export.batch_worker" in " ".join(sys.orig_argv):
    sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def hooks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hooks")
    (folder / "sitecustomize.py").write_text(SABOTAGE)
    return folder


@pytest.fixture(scope="module")
def batch(hooks):
    """Run the command; `sabotage` is (model, stage, target, signal)."""

    def run(zoo, out, *options, sabotage=None):
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(hooks), os.environ.get("PYTHONPATH", "")])}
        environment.pop("RAY_ADDRESS", None)
        if sabotage:
            model, stage, target, number = sabotage
            environment["SABOTAGE"] = f"{model},{stage},{target},{int(number)},{out.parent / f'{model}-{stage}'}"
        command = [PROGRAM, "batch", zoo, "--out", out, "--jobs", "2", "--threads", "1", *options]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)

    return run


@pytest.fixture(scope="module")
def models(tiny_source, tmp_path_factory):
    """A folder of checkpoints, good and bad, with lists of them."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(tiny_source, folder / "good")
    shutil.copytree(tiny_source, folder / "broken")
    whole = (folder / "broken" / "model.safetensors").read_bytes()
    (folder / "broken" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    shutil.copytree(tiny_source, folder / "huge")
    write_sparse_weights(folder / "huge" / "model.safetensors", rows=500_000, columns=1_000)
    head = '[defaults]\nvariants = ["cpu-int8"]\n'
    good = '[[model]]\nsource = "good"\n[[model]]\nsource = "good"\nname = "victim"\n'
    bad = '[[model]]\nsource = "huge"\n[[model]]\nsource = "./broken"\n[[model]]\nsource = "gpt-4o-mini"\n'
    (folder / "zoo.toml").write_text(head + bad + good)
    (folder / "good.toml").write_text(head + good)
    return folder


def write_sparse_weights(file, rows, columns):
    """A safetensors file of one embedding that takes no room on the disk."""
    size_bytes = 2 * rows * columns
    header = json.dumps(
        {"model.embed_tokens.weight": {"dtype": "F16", "shape": [rows, columns], "data_offsets": [0, size_bytes]}}
    )
    with file.open("wb") as opened:
        opened.write(struct.pack("<Q", len(header)) + header.encode())
        opened.truncate(8 + len(header) + size_bytes)


@pytest.fixture(scope="module")
def first_run(batch, models, tmp_path_factory):
    """Five models: three that cannot work, and two that do, one of which is killed in the middle of its first attempt."""
    out = tmp_path_factory.mktemp("local") / "bundles"
    done = batch(models / "zoo.toml", out, "--memory-gb", "3", sabotage=("victim", "graph", "self", signal.SIGKILL))
    return out, done


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_failures_are_each_model_s_own_and_are_explained(first_run):
    out, done = first_run
    assert done.returncode == 1
    assert "Not exported, 3 of 5: huge, broken, gpt-4o-mini." in done.stderr
    found = {model["name"]: model for model in json.loads((out / "summary.json").read_text(encoding="utf-8"))["models"]}
    assert {name: model["state"] for name, model in found.items()} == {
        "huge": "refused", "broken": "failed", "gpt-4o-mini": "failed", "good": "exported", "victim": "exported",
    }  # fmt: skip
    assert "needs up to 5.0 GB of memory, and all exports together may take 3.0 GB" in found["huge"]["error"]
    assert "is cut short" in found["broken"]["error"]
    for name in ("huge", "broken", "gpt-4o-mini"):
        assert f"\n{name}: {found[name]['state']}. {found[name]['error']}" in done.stderr
    names = {path.name for path in out.iterdir()}
    assert names == {"good", "victim", "logs", "summary.json", "summary.csv"}


def test_a_killed_export_is_tried_again_and_goes_on_after_its_last_stage(first_run):
    out, done = first_run
    assert "victim: Its process died of signal 9 (SIGKILL)." in done.stderr
    assert "Trying again (attempt 2)" in done.stderr
    log = (out / "logs" / "victim.log").read_text(encoding="utf-8")
    assert log.count("# attempt ") == 2
    assert log.count("kept from the interrupted run") == 2
    assert contents(out / "victim") == contents(out / "good")


def test_the_summary_is_on_screen_and_in_two_files(first_run):
    out, done = first_run
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    manifest = json.loads((out / "good" / "manifest.json").read_text(encoding="utf-8"))
    (variant,) = next(model for model in summary["models"] if model["name"] == "good")["variants"]
    assert variant["size_bytes"] == sum(entry["size_bytes"] for entry in manifest["variants"][0]["files"])
    assert variant["perplexity_ratio"] == manifest["variants"][0]["fidelity"]["perplexity_ratio"]
    rows = list(csv.DictReader((out / "summary.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["model"] for row in rows] == [model["name"] for model in summary["models"]]
    assert {row["model"]: row["size_bytes"] for row in rows}["good"] == str(variant["size_bytes"])
    table = {line.split()[0]: line for line in done.stdout.splitlines()}
    size, bits, ratio = variant["size_bytes"] / 1e6, variant["bits_per_weight"], variant["perplexity_ratio"]
    assert table["good"].split()[1:5] == ["cpu-int8", f"{size:.1f}", f"{bits:.2f}", f"{ratio:.4f}"]
    assert table["victim"].endswith("exported (attempt 2)")


def test_interrupted_orphaned_and_started_again(first_run, batch, models):
    """Ctrl-C while one of three is made; then the batch itself dies of kill -9; the third start only does what is left."""
    out, _ = first_run
    zoo = models / "more.toml"
    zoo.write_text((models / "good.toml").read_text() + '[[model]]\nsource = "good"\nname = "late"\n')
    done = batch(zoo, out, sabotage=("late", "load", "batch", signal.SIGINT))
    assert done.returncode == 130
    assert "good: up to date" in done.stderr
    assert "Run the same command again to go on" in done.stderr
    states = [model["state"] for model in json.loads((out / "summary.json").read_text(encoding="utf-8"))["models"]]
    assert states == ["current", "current", "interrupted"]
    done = batch(zoo, out, sabotage=("late", "original", "batch", signal.SIGKILL))
    assert done.returncode == -signal.SIGKILL
    wait_for_the_orphan(out / "logs" / "late.log")
    assert not (out / "late").exists()
    done = batch(zoo, out, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert [model["state"] for model in found["models"]] == ["current", "current", "exported"]
    assert "kept from the interrupted run" in (out / "logs" / "late.log").read_text(encoding="utf-8")
    assert contents(out / "late") == contents(out / "good")
    assert not [path.name for path in out.iterdir() if path.name.startswith(".") and path.name != ".batch.lock"]


def wait_for_the_orphan(log):
    """An export ends by itself when its batch has died."""
    number = int(log.read_text(encoding="utf-8").rpartition("# process ")[2].split()[0])
    with suppress(psutil.NoSuchProcess):
        psutil.Process(number).wait(timeout=300)


def test_dry_run_says_what_would_happen_and_writes_nothing(batch, models, tmp_path):
    done = batch(models / "zoo.toml", tmp_path / "bundles", "--dry-run", "--json", "--memory-gb", "3")
    assert done.returncode == 1
    assert "Cannot be exported like this, 3 of 5: huge, broken, gpt-4o-mini." in done.stderr
    plans = {plan["name"]: plan for plan in json.loads(done.stdout)["models"]}
    assert [plans[name]["state"] for name in ("good", "huge", "broken")] == ["new", "new", "failed"]
    assert plans["good"]["peak_memory_bytes"] > 6e8
    assert plans["good"]["problem"] is None
    assert "5.0 GB" in plans["huge"]["problem"]
    assert list(tmp_path.iterdir()) == []


def test_folders_that_hold_something_else_are_refused_at_once(batch, models, tiny_bundle, tmp_path):
    (tmp_path / "bundles" / "good").mkdir(parents=True)
    (tmp_path / "bundles" / "good" / "notes").write_text("mine")
    done = batch(models / "good.toml", tmp_path / "bundles", "--dry-run", "--json")
    assert done.returncode == 1
    assert "is not a bundle" in json.loads(done.stdout)["models"][0]["problem"]
    done = batch(models / "good.toml", tiny_bundle)
    assert done.returncode == 1
    assert "is itself a bundle" in done.stderr


def test_a_second_batch_into_the_same_folder_is_locked_out(batch, models, tmp_path):
    hold = "import sys;from pathlib import Path;from slm_export.output_lock import output_lock\n"
    hold += "with output_lock(Path(sys.argv[1])): print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, tmp_path / "bundles" / "batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        done = batch(models / "good.toml", tmp_path / "bundles")
        child.kill()
    assert done.returncode == 1
    assert f"Another batch (process {child.pid} on" in done.stderr


def job(name, folder, source="source"):
    return Job(name, source, folder / name, folder / "downloads", folder / f"{name}.log", ("cpu-int8",), ExportOptions())


def test_a_repository_that_cannot_fit_is_not_fetched(models, tmp_path, monkeypatch):
    with serve() as hub:
        hub.add(models / "good")
        monkeypatch.setenv("HF_ENDPOINT", hub.url)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        one = job("tiny", tmp_path, "owner/tiny")
        (refused,) = answers("scout", [one], Limits(10), tmp_path)
        assert refused.download_bytes > len(hub.files["model.safetensors"])
        assert refusal(refused, Limits(10)) is not None
        assert not (tmp_path / "downloads").exists()
        (fetched,) = answers("scout", [one], Limits(None), tmp_path)
        assert (fetched.state, fetched.revision) == ("new", COMMIT)
        assert (tmp_path / "downloads" / "huggingface" / "owner--tiny" / "model.safetensors").is_file()


def test_exports_start_only_within_jobs_and_memory(tmp_path, monkeypatch):
    ended = []
    engine = LocalEngine(2, 10, 0, lambda task, end: ended.append(task.job.name))
    running = [Task(job("a", tmp_path), 6, 1)]
    monkeypatch.setattr(engine, "_running", {task.job.name: task for task in running})
    assert engine.has_room(Task(job("b", tmp_path), 4, 1))
    assert not engine.has_room(Task(job("b", tmp_path), 5, 1))
    running.append(Task(job("b", tmp_path), 1, 1))
    monkeypatch.setattr(engine, "_running", {task.job.name: task for task in running})
    assert not engine.has_room(Task(job("c", tmp_path), 1, 1))


class DyingAtOnce:
    """An engine that always has room, and whose first attempt ends before anybody looks."""

    largest_bytes: int | None = None
    retries = 1
    batch: Batch

    def has_room(self, task):
        return True

    def start(self, task):
        attempts = self.batch.models[task.job.name].attempts + 1
        self.batch.report(task, Ended("crashed" if attempts == 1 else "exported", 0.1, attempts, "Its process died."))

    def stop(self):
        """Nothing runs."""

    def close(self):
        """Nothing to give back."""

    def load(self):
        return ""


def test_a_crash_is_told_though_its_second_attempt_begins_at_once(models, tmp_path):
    told = []
    engine = DyingAtOnce()
    one = job("one", tmp_path, str(models / "good"))
    engine.batch = Batch([one], threads=1, force=False, watch=lambda found, load: told.append((found[0].state, found[0].error)))
    engine.batch.run(engine)
    assert ("ready", "Its process died.") in told
    assert told[-1][0] == "exported"


def test_what_never_fits_is_refused_with_the_numbers():
    found = Scouted("a", "new", peak_memory_bytes=8_000_000_000, peak_disk_bytes=3_000_000_000, free_disk_bytes=2_000_000_000)
    assert "up to 8.0 GB of memory, and all exports together may take 4.0 GB" in (refusal(found, Limits(4_000_000_000)) or "")
    assert "about 3.0 GB of disk while it runs, and 2.0 GB are free" in (refusal(found, Limits(8_000_000_000)) or "")
    assert "disk" in (refusal(found, Limits(None)) or "")
    assert refusal(Scouted("a", "new"), Limits(1)) is None


def test_jobs_pass_between_processes_unchanged(tmp_path):
    options = ExportOptions("main", tmp_path / "lora", "chatml", "chat", True)
    one = Job("a", "owner/name", tmp_path / "a", tmp_path / "d", tmp_path / "l", ("f32", "cpu-int8"), options)
    assert Job.from_json(one.to_json()) == one


@pytest.mark.slow
def test_ray_gives_the_same_bundles_and_retries_what_is_killed(first_run, batch, models, tmp_path):
    pytest.importorskip("ray")
    local, _ = first_run
    out = tmp_path / "bundles"
    done = batch(models / "good.toml", out, "--engine", "ray", sabotage=("victim", "graph", "self", signal.SIGKILL))
    assert done.returncode == 0, done.stderr
    log = (out / "logs" / "victim.log").read_text(encoding="utf-8")
    assert log.count("# attempt ") == 2
    assert log.count("kept from the interrupted run") == 2
    for name in ("good", "victim"):
        assert contents(out / name) == contents(local / name)
    assert {path.name for path in out.iterdir()} == {"good", "victim", "logs", "summary.json", "summary.csv"}


def test_without_ray_it_says_how_to_install_it(models, hooks, tmp_path):
    (tmp_path / "ray.py").write_text("raise ImportError('not here')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [PROGRAM, "batch", models / "good.toml", "--out", tmp_path / "out", "--engine", "ray"],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "pip install 'slm-playground[export,ray]'" in done.stderr


def test_a_node_that_does_not_see_the_folders_is_refused(tmp_path):
    pytest.importorskip("ray")
    from slm_export.batch_ray import _look_around, code_digest

    token = tmp_path / ".probe"
    assert "does not see" in (_look_around(str(token), [], code_digest()) or "")
    token.write_text(".probe")
    assert _look_around(str(token), [str(tmp_path)], code_digest()) is None
    assert "none" in (_look_around(str(token), [str(tmp_path / "none")], code_digest()) or "")
    assert "another version of slm-export" in (_look_around(str(token), [], "0") or "")
