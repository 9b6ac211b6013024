"""The adapter that comes with this package: small, whole, for the default model, and honest about its data."""

from importlib.resources import files
from pathlib import Path

import pytest
from safetensors import safe_open

from slm_export.adapter import WEIGHTS_NAME, base_note, read_adapter, read_task
from slm_export.chat_templates import read_choice
from slm_export.recipes import DEFAULT_MODEL, GRAMMAR_MODEL, RECIPES

FOLDER = Path(str(files("slm_export") / "adapters" / GRAMMAR_MODEL))
MOST_BYTES = 20_000_000


def test_it_says_its_task_and_is_asked_without_a_system_message():
    assert read_adapter(FOLDER).name == GRAMMAR_MODEL
    task = read_task(FOLDER)
    assert task is not None
    assert (task.task, task.prefix) == ("grammar", "Fix: ")
    assert (FOLDER / "chat_template.jinja").read_text(encoding="utf-8") == read_choice("chatml")
    assert base_note(FOLDER, (DEFAULT_MODEL, "")) is None


def test_it_has_two_matrices_for_every_linear_layer_of_the_default_model():
    sizes = RECIPES[DEFAULT_MODEL].sizes
    with safe_open(FOLDER / WEIGHTS_NAME, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - it is no dict
    assert len(shapes) == 2 * 7 * sizes.layers
    gate = f"base_model.model.model.layers.{sizes.layers - 1}.mlp.gate_proj.lora_"
    rank = shapes[f"{gate}A.weight"][0]
    assert shapes[f"{gate}A.weight"] == (rank, sizes.hidden)
    assert shapes[f"{gate}B.weight"] == (sizes.intermediate, rank)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize(
    "source", ["Tatoeba", "WikiSplit", "codespell", "Harper", "MASC", "CC BY-SA", "CC BY 2.0 FR", "Apache-2.0"]
)
def test_its_card_names_where_its_data_comes_from(source):
    assert source in (FOLDER / "README.md").read_text(encoding="utf-8")
