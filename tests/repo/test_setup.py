"""The setup's parts: stamps that only success writes, a lock that children inherit, half-installed packages found."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import explain
import repair
from beforehand import check_space
from runner import Runner, SetupError
from stamps import Stamps, digest, exclusive, tree
from steps import Checkout, Step, python_steps


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "made.txt"
    path.write_text("result", encoding="utf-8")
    return path


def test_a_step_is_done_only_after_it_was_stamped(tmp_path: Path, made: Path) -> None:
    stamps = Stamps(tmp_path / "stamps", tmp_path)
    assert not stamps.is_done("step", "inputs")  # the result alone says nothing
    stamps.write("step", "inputs", [made])
    assert stamps.is_done("step", "inputs")
    assert not stamps.is_done("step", "other inputs")


@pytest.mark.parametrize("spoil", ["shorter", "touched", "gone"])
def test_a_result_that_changed_is_made_again(tmp_path: Path, made: Path, spoil: str) -> None:
    stamps = Stamps(tmp_path / "stamps", tmp_path)
    stamps.write("step", "inputs", [made])
    if spoil == "shorter":
        made.write_text("r", encoding="utf-8")
    elif spoil == "touched":
        os.utime(made, ns=(1, 1))
    else:
        made.unlink()
    assert not stamps.is_done("step", "inputs")


def test_a_step_that_was_begun_and_not_ended_is_not_done(tmp_path: Path, made: Path) -> None:
    stamps = Stamps(tmp_path / "stamps", tmp_path)
    stamps.write("step", "inputs", [made])
    stamps.begin("step")
    assert not stamps.is_done("step", "inputs")
    assert stamps.read("step") is not None


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"inputs": "inputs"}', '{"inputs": "inputs", "made": 3}'])
def test_a_damaged_stamp_is_no_stamp(tmp_path: Path, damage: str) -> None:
    stamps = Stamps(tmp_path, tmp_path)
    (tmp_path / "step.json").write_text(damage, encoding="utf-8")
    assert not stamps.is_done("step", "inputs")


def test_digest_sees_content_names_and_missing_files(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.write_text("1", encoding="utf-8")
    before = {digest([first], root=tmp_path), digest([first], texts=["x"], root=tmp_path), digest([first, second], root=tmp_path)}
    second.write_text("1", encoding="utf-8")
    both = digest([first, second], root=tmp_path)
    first.write_text("2", encoding="utf-8")
    after = digest([first], root=tmp_path)
    assert len({*before, both, after}) == 5


def test_tree_leaves_out_what_is_no_source(tmp_path: Path) -> None:
    for name in ("src/a.ts", "dist/b.js", "src/__pycache__/c.pyc", ".hidden/d", "src/.e.swp"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("", encoding="utf-8")
    assert tree(tmp_path, without=[tmp_path / "dist"]) == [tmp_path / "src" / "a.ts"]


HOLDER = """
import sys
from pathlib import Path
from stamps import exclusive
with exclusive(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.readline()
"""
PARENT = """
import subprocess, sys
from pathlib import Path
from stamps import exclusive
with exclusive(Path(sys.argv[1]), print) as descriptor:
    child = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.readline()"], stdin=0, pass_fds=[descriptor])
    print("held", flush=True)
    child.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a child's lock with its parent")
@pytest.mark.parametrize("program", [HOLDER, PARENT], ids=["held by a process", "held by the child of a killed process"])
def test_the_lock_keeps_others_out_until_its_last_holder_ends(tmp_path: Path, root: Path, program: str) -> None:
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root / "build")},
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        assert holder.stdout.readline() == "held\n"
        if program is PARENT:
            holder.kill()
            holder.wait()
        waited: list[str] = []

        def end_holder(note: str) -> None:
            waited.append(note)
            assert holder.stdin is not None
            holder.stdin.close()

        with exclusive(path, end_holder):
            assert len(waited) == 1
            assert f"process {holder.pid}" in waited[0]


def install(site_packages: Path, name: str) -> Path:
    """A package as pip leaves it: a module, METADATA, INSTALLER, RECORD."""
    metadata = site_packages / f"{name}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site_packages / f"{name}.py").write_text("x = 1\n", encoding="utf-8")
    (metadata / "METADATA").write_text("Name: x\n", encoding="utf-8")
    (metadata / "INSTALLER").write_text("pip\n", encoding="utf-8")
    record = f"{name}.py,sha256=abc,6\n{name}-1.0.dist-info/METADATA,sha256=abc,8\n{name}-1.0.dist-info/INSTALLER,,\n"
    (metadata / "RECORD").write_text(
        record + f"__pycache__/{name}.cpython-311.pyc,,\n{name}-1.0.dist-info/RECORD,,\n", encoding="utf-8"
    )
    return metadata


def test_half_installed_packages_lose_their_metadata(tmp_path: Path) -> None:
    site_packages = tmp_path / "lib" / "python3.11" / "site-packages"
    whole = install(site_packages, "whole")
    cut = install(site_packages, "cut")
    (site_packages / "cut.py").write_text("x", encoding="utf-8")
    absent = install(site_packages, "absent")
    (site_packages / "absent.py").unlink()
    unlisted = install(site_packages, "unlisted")
    (unlisted / "RECORD").unlink()
    (site_packages / "~orch").mkdir()
    removed = repair.remove_half_installed(tmp_path)
    assert sorted(removed) == ["absent-1.0.dist-info", "cut-1.0.dist-info", "unlisted-1.0.dist-info", "~orch"]
    assert whole.is_dir()
    assert not any(path.exists() for path in (cut, absent, unlisted, site_packages / "~orch"))


def test_packages_of_this_environment_are_whole() -> None:
    """The check is no false alarm on what pip really writes."""
    site_packages = (
        Path(os.__file__).parent if sys.prefix == sys.base_prefix else next(Path(sys.prefix).glob("[Ll]ib/**/site-packages"))
    )
    metadata = [path for path in site_packages.glob("*.dist-info") if (path / "INSTALLER").is_file()]
    assert len(metadata) > 10
    assert [path.name for path in metadata if not repair.is_whole(path)] == []


FAILS = "import sys; [print('line', n) for n in range(50)]; print('\\x1b[31mthe reason\\x1b[0m'); sys.exit(3)"


def test_an_unexplained_failure_shows_its_tail_and_its_log(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as raised:
        Runner(tmp_path, tmp_path / "logs", None).run("step", [sys.executable, "-c", FAILS])
    message = str(raised.value)
    assert "exit code 3. Read the lines above" in message
    assert "| the reason\n" in message
    assert "line 0" not in message
    assert "line 0\n" in (tmp_path / "logs" / "step.log").read_text(encoding="utf-8")


def test_an_explained_failure_shows_the_explanation_alone(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"\A\S+ failed with exit code 3\. Do this\.\nLog: logs.step\.log\Z"):
        Runner(tmp_path, tmp_path / "logs", None).run("step", [sys.executable, "-c", FAILS], explain=lambda output: "Do this.")


def test_a_program_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="could not be started"):
        Runner(tmp_path, tmp_path, None).run("step", [tmp_path / "nothing"])


def test_too_little_disk_is_said_before_the_work(tmp_path: Path) -> None:
    def step(kept: int, passing: int = 0) -> Step:
        return Step("big", "Big", lambda: "", list, lambda runner: "", tmp_path / "not" / "there" / "yet", kept, passing)

    check_space([step(1), step(1, 1)])
    # What one step needs only while it runs is there again for the next: 2 + 4 at the first, 2 + 3 + 1 at the second.
    with pytest.raises(SetupError, match=r"Not enough disk space: .* up to 6000000000\.0 GB .* are free\. Free some space"):
        check_space([step(2 * 10**18, 4 * 10**18), step(3 * 10**18, 10**18)])


PIP_OFFLINE = (
    "WARNING: Retrying after connection broken by 'NewConnectionError(...): Failed to establish a new connection'\n"
    "ERROR: Could not find a version that satisfies the requirement flask==3.1.3\n"
    "ERROR: No matching distribution found for flask==3.1.3"
)


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (PIP_OFFLINE, "could not be reached"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch==2.13.0", "has no torch==2.13.0 for Python"),
        ("The user requested (constraint) hatchling==1.33.0", "has no hatchling==1.33.0 for Python"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "arrived damaged"),
    ],
)
def test_pip_failures_say_what_to_do(tmp_path: Path, output: str, sentence: str) -> None:
    said = explain.pip_failure(output, tmp_path)
    assert said is not None
    assert sentence in said


def test_offline_messages_name_the_folder_to_fill(tmp_path: Path) -> None:
    pip = explain.pip_failure(PIP_OFFLINE, tmp_path / "wheels") or ""
    assert str(tmp_path / "wheels") in pip
    assert "pip download" in pip
    npm = explain.npm_failure("npm error code ENOTFOUND", tmp_path / "npm-cache") or ""
    assert str(tmp_path / "npm-cache") in npm
    assert "npm ci --cache" in npm


def test_an_unknown_failure_is_not_explained_away(tmp_path: Path) -> None:
    assert explain.pip_failure("error: metadata-generation-failed", tmp_path) is None
    assert explain.npm_failure("npm error code ELIFECYCLE", tmp_path) is None


def test_torch_comes_from_the_index_that_the_user_names(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    steps_before = python_steps(Checkout(root))["torch"].inputs()
    monkeypatch.setenv("TORCH_INDEX_URL", "https://example.org/cpu")
    assert python_steps(Checkout(root))["torch"].inputs() != steps_before


def test_the_entry_can_be_read_by_old_pythons(root: Path) -> None:
    """Else they print a SyntaxError instead of the sentence with the version that is needed."""
    source = (root / "build" / "bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 4))
    assert "f'" not in source
    assert 'f"' not in source
