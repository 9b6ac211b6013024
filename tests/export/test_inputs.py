"""What an export depends on: a bundle, or a stage of an interrupted export, is kept only while all of it is unchanged.

And what is asked of it that cannot be done.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_checkpoint import write_checkpoint

from slm_export.bundle import _install
from slm_export.errors import ExportError, SourceError
from slm_export.export_inputs import export_inputs
from slm_export.options import ExportOptions
from slm_export.preflight import check_request
from slm_export.sources import resolve
from slm_export.survey import survey


@pytest.fixture
def base(tmp_path):
    return write_checkpoint(tmp_path / "tiny")


def test_an_adapter_counts_with_its_configuration(base, tmp_path, reporter):
    """Its alpha scales the same weights: a bundle of alpha 8 was taken for one of alpha 16."""
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    save_file({"x.lora_A.weight": torch.zeros(1)}, adapter / "adapter_model.safetensors")
    digests = []
    for alpha in (8, 16, 8):
        config = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "lora_alpha": alpha}
        (adapter / "adapter_config.json").write_text(json.dumps(config))
        origin = resolve(str(base), downloads=tmp_path, reporter=reporter, options=ExportOptions(adapter=adapter))
        digests.append(export_inputs(origin, ["cpu-int8"]))
    assert digests[0] == digests[2] != digests[1]


def test_the_files_of_sentence_transformers_count(base, tmp_path, reporter):
    digests = []
    for pooling in ("pooling_mode_cls_token", "pooling_mode_mean_tokens"):
        (base / "1_Pooling").mkdir(exist_ok=True)
        (base / "1_Pooling" / "config.json").write_text(json.dumps({pooling: True}))
        digests.append(export_inputs(resolve(str(base), downloads=tmp_path, reporter=reporter), ["cpu-int8"]))
    assert digests[0] != digests[1]


@pytest.mark.parametrize("out", [".", "..", "../inner", "/"])
def test_the_current_folder_is_not_replaced(out, tmp_path, monkeypatch):
    """`--out .` ended in a traceback; renaming it would leave the shell in a folder that is gone."""
    (tmp_path / "inner").mkdir()
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(ExportError, match="is the folder that this command runs in, or one above it"):
        check_request(Path(out), ExportOptions())
    check_request(Path("bundle"), ExportOptions())


def test_a_revision_of_what_has_none_is_not_ignored(base, tmp_path, reporter):
    for source in (str(base), "smollm2-135m-instruct"):
        with pytest.raises(SourceError, match="--revision v1 is of a Hugging Face repository, and .* is none"):
            resolve(source, downloads=tmp_path, reporter=reporter, options=ExportOptions(revision="v1"))
        with pytest.raises(SourceError, match="--revision v1 is of a Hugging Face repository, and .* is none"):
            survey(source, tmp_path, ExportOptions(revision="v1"))


def test_a_bundle_that_cannot_be_put_in_its_place_leaves_the_old_one(tmp_path):
    """Between the two renames the old bundle lay under a hidden name, and stayed there."""
    old = tmp_path / "bundle"
    old.mkdir()
    (old / "manifest.json").write_text("{}")
    with pytest.raises(FileNotFoundError):
        _install(tmp_path / "gone", old)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (old / "manifest.json").read_text() == "{}"
