"""The command itself: help, start-up, completion, errors as JSON, exit codes, what signals do. All as real processes."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_checkpoint import write_checkpoint

from slm_export.variant_recipes import RECIPES

PROGRAM = str(Path(sys.executable).with_name("slm-export"))
HEAVY = ("torch", "transformers", "onnxruntime", "onnxruntime_genai", "onnx", "optimum", "numpy", "huggingface_hub")
WATCH = f"""
import sys
sys.argv[0] = 'slm-export'
from slm_export.__main__ import main
try:
    main()
finally:
    print('loaded:', *(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)
"""


def watched(*arguments):
    """Run the command and name the heavy libraries that it has loaded in its last line of stderr."""
    done = subprocess.run([sys.executable, "-c", WATCH, *arguments], capture_output=True, text=True, timeout=300, check=False)
    return done, done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 0),
        (["--help"], 0),
        (["model", "--help"], 0),
        (["--version"], 0),
        (["list"], 0),
        (["completion", "bash"], 0),
        (["modle"], 2),
        (["model", "x", "--out", "y", "--variants", "webgpu-q4"], 2),
        (["model", "gpt-4o-mini"], 1),
        (["model", "no such model", "--out", "y"], 1),
        (["model", "x", "--out", "y", "--chat-template", "chatlm"], 1),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else None,
)
def test_what_needs_no_library_loads_none(arguments, code):
    done, loaded = watched(*arguments)
    assert done.returncode == code, done.stderr
    assert loaded == "loaded:"


def test_without_a_command_it_explains_itself(run_cli):
    done = run_cli()
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("A bundle is a folder", "Exit codes:", "130", "slm-export verify", "completion"):
        assert word in done.stdout
    assert "Did you mean 'model'?" in run_cli("modle").stderr


def test_the_list_says_when_to_use_each_variant(run_cli):
    listed = run_cli("list").stdout
    for recipe in RECIPES.values():
        line = next(line for line in listed.splitlines() if line.split()[:1] == [recipe.name])
        assert line.split()[1:3] == [recipe.device, str(recipe.layer_bits)]
        assert recipe.use in line


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        (["model", "x", "--out", "y", "--json", "--variants", "webgpu-q4"], 2, "UsageError"),
        (["model", "--json"], 2, "UsageError"),
        (["model", "gpt-4o-mini", "--json"], 1, "SourceError"),
        (["verify", "nowhere", "--json"], 1, "ManifestError"),
    ],
)
def test_with_json_an_error_is_on_stdout_too(run_cli, arguments, code, kind):
    done = run_cli(*arguments)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["kind"]) == (code, kind)
    assert error["message"] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_verification_is_one_json_object_with_its_checks(run_cli, tiny_bundle, tmp_path):
    bundle = Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))
    manifest = json.loads((bundle / "manifest.json").read_text(encoding="utf-8"))
    manifest["variants"] = [variant for variant in manifest["variants"] if variant["name"] == "cpu-int8"]
    manifest["reference"]["tokens"][0] = (manifest["reference"]["tokens"][0] + 1) % 1024
    (bundle / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = run_cli("verify", bundle, "--json")
    result = json.loads(done.stdout)
    assert done.returncode == 1
    assert result["passed"] is False
    assert not all(check["passed"] for check in result["checks"])
    assert result["error"]["kind"] == "VerifyError"
    assert "Do not use it" in done.stderr


@pytest.fixture
def interrupted(sabotage, tmp_path):
    """Run an export that gets `number` when the audit event `event` first names `part`."""

    def run(event, part, number):
        source = write_checkpoint(tmp_path / "source")
        command = [PROGRAM, "model", source, "--out", tmp_path / "out" / "bundle", "--variants", "cpu-int8", "--json"]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            env=sabotage(event, part, number),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
        )

    return run


@pytest.mark.parametrize(
    ("event", "part", "number"),
    [
        ("import", "slm_export.cli", signal.SIGINT),
        ("import", "slm_export.cli_plan", signal.SIGTERM),
        ("import", "torch._C", signal.SIGINT),
    ],
)
def test_a_signal_before_the_export_begins_is_one_line(interrupted, tmp_path, event, part, number):
    done = interrupted(event, part, number)
    assert done.returncode == 128 + number, done.stderr
    assert [line[:11] for line in done.stderr.split("\n") if line] == ["Interrupted"]
    assert not (tmp_path / "out").exists()
    assert json.loads(done.stdout)["error"]["kind"] == "Interrupted"


def complete(words, shell="bash"):
    """What the program answers to the shell's completion; `words` is the line, the last word what is being typed."""
    environment = {"_SLM_EXPORT_COMPLETE": f"{shell}_complete", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":
        environment["COMP_CWORD"] = words[-1]
    done = subprocess.run([PROGRAM], env={**os.environ, **environment}, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["slm-export", "comp"], ["completion"]),
        (["slm-export", "model", "smol"], ["smollm2-135m-instruct", "smollm2-135m-grammar"]),
        (["slm-export", "model", "x", "--variants", "cpu-int8,webgpu-q4"], ["cpu-int8,webgpu-q4f16", "cpu-int8,webgpu-q4f32"]),
        (["slm-export", "model", "x", "--chat-template", "chatm"], ["chatml"]),
        (["slm-export", "model", "x", "--task", "ch"], ["chat"]),
        (["slm-export", "completion", "z"], ["zsh"]),
    ],
)
def test_values_are_completed(words, offered):
    assert [line.partition(",")[2] for line in complete(words).splitlines()] == offered


def test_sources_and_templates_are_completed_to_files_and_folders(tmp_path):
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("model.gguf", "mine.jinja", "notes.pdf"):
        (tmp_path / "models" / name).touch()
    typed = f"{tmp_path}/models/m"
    assert [line.partition(",")[2] for line in complete(["slm-export", "model", typed]).splitlines()] == [
        f"{tmp_path}/models/mine/", f"{tmp_path}/models/model.gguf",
    ]  # fmt: skip
    assert f"{tmp_path}/models/mine.jinja" in complete(["slm-export", "model", "x", "--chat-template", typed])


# What a shell does on the tab key, without one to press it in.
TABS = {
    "bash": """
eval "$("$1" completion bash)"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
complete -p slm-export >&2; _slm_export_completion slm-export; printf '%s\\n' "${COMPREPLY[@]}"
""",
    "zsh": """
compdef() { print -u2 -- "$@" }; compadd() { print -- "compadd $@" }; _describe() { print -l -- "${(@P)3}" }
eval "$("$1" completion zsh)"; shift; words=("$@"); CURRENT=$#; _slm_export_completion
""",
    "fish": '"$argv[1]" completion fish | source; complete -C "$argv[2..-1]"',
}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_completes_in_its_shell(shell, tmp_path):
    if shutil.which(shell) is None:
        script = subprocess.run([PROGRAM, "completion", shell], capture_output=True, text=True, check=True).stdout
        assert f"_SLM_EXPORT_COMPLETE={shell}_complete" in script
        assert shell != "fish" or 'string split --max 1 ","' in script
        assert "webgpu-q8f16" in complete(["slm-export", "model", "x", "--variants", "webgpu-q8"], shell)
        return
    line = ["slm-export", "model", "x", "--variants", "cpu-int8,webgpu-q8"]
    arguments = [PROGRAM, *line] if shell != "fish" else [PROGRAM, " ".join(line)]
    path = os.pathsep.join([str(Path(PROGRAM).parent), os.environ["PATH"]])
    done = subprocess.run(
        [shell, "-c", TABS[shell], *(["tab"] if shell != "fish" else []), *arguments],
        capture_output=True, text=True, check=False, env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
    )  # fmt: skip
    assert "cpu-int8,webgpu-q8f16" in done.stdout, done.stderr
