"""Chat templates: the shared golden file, every stored form, and the user's choice."""

import json
import shutil

import make_golden
import pytest
from tiny_checkpoint import TEMPLATE, write_checkpoint
from transformers import AutoTokenizer

from slm_export import checkpoint
from slm_export.chat_templates import browser_note, known_templates, read_choice, stored_template
from slm_export.errors import SourceError
from slm_export.options import ExportOptions
from slm_export.sources import resolve


def test_the_golden_file_is_current():
    """Else run tests/fixtures/templates/make_golden.py. The browser's test reads it (tests/web/engine/templates.test.ts)."""
    assert json.loads((make_golden.HERE / "golden.json").read_text()) == make_golden.golden()
    assert len(make_golden.CONVERSATIONS) >= 20


@pytest.fixture(scope="module")
def folder_of_module(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture
def folder(folder_of_module, tmp_path):
    folder = shutil.copytree(folder_of_module, tmp_path / "source")
    (folder / "chat_template.jinja").unlink()
    return folder


def set_in_config(folder, template):
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"chat_template": template}))


def load(folder, tmp_path, reporter, **options):
    origin = resolve(str(folder), downloads=tmp_path, reporter=reporter, options=ExportOptions(**options))
    return checkpoint.load(origin, tmp_path / "work")


def as_file(folder):
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    set_in_config(folder, "another")


def as_several_files(folder):
    as_file(folder)
    (folder / "additional_chat_templates").mkdir()
    (folder / "additional_chat_templates" / "tool_use.jinja").write_text("tools")


@pytest.mark.parametrize(
    "store",
    [
        as_file,
        as_several_files,
        lambda folder: set_in_config(folder, TEMPLATE),
        lambda folder: set_in_config(folder, [{"name": "rag", "template": "x"}, {"name": "default", "template": TEMPLATE}]),
    ],
)
def test_every_stored_form_is_read_as_transformers_reads_it(folder, tmp_path, reporter, store):
    store(folder)
    of_transformers = AutoTokenizer.from_pretrained(folder).get_chat_template()
    loaded = load(folder, tmp_path, reporter)
    assert loaded.chat_template == of_transformers == TEMPLATE
    assert "chat_template" not in json.loads((loaded.folder / "tokenizer_config.json").read_text())


def test_a_processor_s_template_is_read(folder):
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    assert stored_template(folder) == TEMPLATE


def test_a_base_model_takes_the_template_that_is_asked_for(folder, tmp_path, reporter):
    assert load(folder, tmp_path, reporter).chat_template is None
    assert load(folder, tmp_path, reporter, chat_template="zephyr").chat_template == read_choice("zephyr")
    (tmp_path / "own.jinja").write_text("{{ messages[0].content }}")
    own = load(folder, tmp_path, reporter, chat_template=str(tmp_path / "own.jinja"), task="chat")
    assert own.chat_template == "{{ messages[0].content }}"


def test_chat_without_a_template_asks_for_one_and_names_the_known(folder, tmp_path, reporter):
    with pytest.raises(SourceError, match=r"no chat template.*--chat-template NAME or FILE; known are alpaca, chatml, .*zephyr"):
        load(folder, tmp_path, reporter, task="chat")


def test_completion_alone_leaves_the_template_out(folder, tmp_path, reporter):
    set_in_config(folder, TEMPLATE)
    assert load(folder, tmp_path, reporter, task="completion").chat_template is None


def test_a_choice_that_is_no_template_is_refused(tmp_path):
    with pytest.raises(SourceError, match="neither a known template nor a file. Known are alpaca"):
        read_choice("no-such-template")
    (tmp_path / "bad.jinja").write_text("{% for x %}")
    with pytest.raises(SourceError, match="is not a Jinja template"):
        read_choice(str(tmp_path / "bad.jinja"))


@pytest.mark.parametrize("name", known_templates())
def test_known_templates_tell_turns_apart(name):
    messages = [
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"},
        {"role": "user", "content": "3"},
    ]
    text = make_golden.render(read_choice(name), messages)["text"]
    assert text.index("first") < text.index("second") < text.index("3")


def test_templates_that_render_alike_in_the_browser_have_no_note():
    """All that make_golden.py renders: the browser's test shows that they do."""
    assert [path for path, template in make_golden.templates().items() if browser_note(template)] == []


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ true }}", "truth value"),
        ("{{ none }}", "truth value"),
        ("{% if x %}{{ messages is defined }}{% endif %}", "truth value"),
        ("{{ messages[0].role == 'user' }}", "truth value"),
        ("{% with a = 1 %}{{ a }}{% endwith %}", "the statement with"),
        ("{%- raw %}{{ x }}{% endraw %}", "the statement raw"),
        ("{% generation %}{% block a %}x{% endblock %}{% endgeneration %}", "the statement block"),
    ],
)
def test_what_the_browser_would_do_otherwise_is_said(template, what):
    """As @huggingface/jinja was seen to do: `true`, an empty text for none, and an error for these statements."""
    assert what in (browser_note(template) or "")
