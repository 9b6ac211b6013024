"""The list of a batch: what zoo.toml may say, and that an error names file, entry and key."""

from pathlib import Path

import pytest

from slm_export.errors import ExportError
from slm_export.recipes import DEFAULT_MODEL
from slm_export.variant_recipes import DEFAULT_VARIANTS, RECIPES
from slm_export.zoo import read_zoo


@pytest.fixture
def read(tmp_path):
    def read(text):
        file = tmp_path / "zoo.toml"
        file.write_text(text, encoding="utf-8")
        return read_zoo(file, tuple(RECIPES), DEFAULT_VARIANTS)

    return read


def test_paths_are_relative_to_the_file_and_defaults_fill_in(read, tmp_path):
    (tmp_path / "mine" / "sub").mkdir(parents=True)
    (tmp_path / "chat.jinja").write_text("{{ messages }}")
    models = read(
        """
        [defaults]
        variants = ["cpu-int8"]
        task = "chat"
        [[model]]
        source = "mine/sub"
        adapter = "../lora"
        chat_template = "chat.jinja"
        [[model]]
        source = "Owner/Some-Model_1.5B"
        revision = "v2"
        task = "completion"
        variants = ["f32", "webgpu-q8f16"]
        allow_pickle = true
        chat_template = "chatml"
        [[model]]
        source = "./weights/Tiny.Q4_1.gguf"
        name = "tiny"
        [[model]]
        source = "smollm2-135m-instruct"
        """
    )
    assert [model.name for model in models] == ["sub", "some-model_1.5b", "tiny", DEFAULT_MODEL]
    local, hub, gguf, known = models
    assert local.source == str(tmp_path / "mine" / "sub")
    assert local.options.adapter == tmp_path / ".." / "lora"
    assert local.options.chat_template == str(tmp_path / "chat.jinja")
    assert (local.variants, local.options.task, local.options.allow_pickle) == (("cpu-int8",), "chat", False)
    assert hub.source == "Owner/Some-Model_1.5B"
    assert (hub.options.revision, hub.options.task, hub.options.allow_pickle) == ("v2", "completion", True)
    assert (hub.variants, hub.options.chat_template) == (("f32", "webgpu-q8f16"), "chatml")
    assert Path(gguf.source) == tmp_path / "weights" / "Tiny.Q4_1.gguf"
    assert known.source == DEFAULT_MODEL


def test_without_defaults_every_default_variant_is_made(read):
    assert read('[[model]]\nsource = "a/b"')[0].variants == DEFAULT_VARIANTS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"zoo.toml: the file: lists no model"),
        ("model = []", r"lists no model"),
        ("[[model]\n", r"zoo.toml: the file: is not TOML .*line 1"),
        ("[model]\nsource = 'a/b'", r"write \[\[model\]\] before each"),
        ("[[models]]\nsource = 'a/b'", r"unknown key 'models'\. Did you mean model\?"),
        ("[[model]]\nsource = 'a/b'\nvariant = []", r"\[\[model\]\] 1 \(a/b\): unknown key 'variant'\. Did you mean variants\?"),
        ("[defaults]\nsource = 'a/b'\n[[model]]\nsource = 'a/b'", r"\[defaults\]: unknown key 'source'"),
        ("[[model]]\nname = 'a'", r"\[\[model\]\] 1 \(a\): `source` is missing"),
        ("[[model]]\nsource = 'a/b'\n[[model]]\nsource = 3", r"\[\[model\]\] 2: `source` must be a text"),
        ("[[model]]\nsource = ''", r"`source` must be a text that is not empty"),
        ("[[model]]\nsource = 'a/b'\nvariants = 'f32'", r"`variants` must be a list"),
        ("[[model]]\nsource = 'a/b'\nvariants = []", r"`variants` must be a list .* not empty"),
        ("[[model]]\nsource = 'a/b'\nvariants = ['cpu-int4']", r"`variants`: 'cpu-int4' is unknown\. Did you mean cpu-int8\?"),
        ("[[model]]\nsource = 'a/b'\nvariants = ['f32', 'f32']", r"names 'f32' twice"),
        ("[defaults]\nvariants = ['q4']\n[[model]]\nsource = 'a/b'", r"\[defaults\]: `variants`: 'q4' is unknown"),
        ("[[model]]\nsource = 'a/b'\ntask = 'song'", r"unknown task 'song'\. There are chat, completion"),
        ("[[model]]\nsource = 'a/b'\nallow_pickle = 'yes'", r"`allow_pickle` must be true or false"),
        ("[[model]]\nsource = 'a/b'\nname = '../b'", r"`name` is '\.\./b', which is not a plain folder's name"),
        ("[[model]]\nsource = 'a/b'\nname = '/b'", r"not a plain folder's name"),
        ("[[model]]\nsource = 'a/b'\nname = '.b'", r"not a plain folder's name"),
        ("[[model]]\nsource = 'a/b'\nname = 'b.'", r"not a plain folder's name"),
        ("[[model]]\nsource = 'a/b'\nname = 'Logs'", r"keeps for itself"),
        ("[[model]]\nsource = '..'", r"no folder's name can be made of the source"),
        ("[[model]]\nsource = 'a/b'\n[[model]]\nsource = 'c/B'", r"\[\[model\]\] 2 \(c/B\): its folder would be 'b', as"),
        ("[[model]]\nsource = 'a/b'\nname = 'X'\n[[model]]\nsource = 'c/x'", r"as that of \[\[model\]\] 1"),
    ],
)  # fmt: skip
def test_what_it_does_not_know_is_an_error_that_names_the_place(read, text, message):
    with pytest.raises(ExportError, match=message) as caught:
        read(text)
    assert "correct the file" in str(caught.value)


def test_a_file_that_is_not_text_is_an_error(tmp_path):
    file = tmp_path / "zoo.toml"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ExportError, match="cannot be read"):
        read_zoo(file, tuple(RECIPES), DEFAULT_VARIANTS)
