"""What a decoder bundle says of its model: the context and the rotary tables that it takes, how to sample.

And texts of a checkpoint that say nothing that can be used.
"""

import json

import pytest
from tiny_checkpoint import write_checkpoint

from slm_export import checkpoint
from slm_export.decoder_kind import DecoderKind
from slm_export.errors import SourceError
from slm_export.families import MAX_CONTEXT_TOKENS
from slm_export.graph import open_float_graph
from slm_export.sources import resolve


def load(folder, stated_tokens, reporter):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"max_position_embeddings": stated_tokens}))
    origin = resolve(str(folder), downloads=folder.parent, reporter=reporter)
    checkpoint.load(origin, folder.parent / "work")
    return DecoderKind(origin, folder.parent / "work")


@pytest.mark.parametrize(("stated_tokens", "tokens"), [(300, 300), (131_072, MAX_CONTEXT_TOKENS)])
def test_rotary_tables_are_as_long_as_the_promised_context(stated_tokens, tokens, tmp_path, reporter):
    """Tables for 131,072 positions were 33 MB of Llama 3.2 1B's download."""
    kind = load(write_checkpoint(tmp_path / "tiny"), stated_tokens, reporter)
    kind.build_graph(tmp_path / "graph")
    graph = open_float_graph(tmp_path / "graph", head_dim=16)
    assert kind.facts.context_length == tokens
    assert graph.array("cos_cache").shape == graph.array("sin_cache").shape == (tokens, 8)


@pytest.mark.parametrize("stated_tokens", [0, -5, "many"])
def test_a_context_that_is_none_is_refused(stated_tokens, tmp_path, reporter):
    with pytest.raises(SourceError, match="states no context length"):
        load(write_checkpoint(tmp_path / "tiny"), stated_tokens, reporter)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.8, "top_k": 20, "repetition_penalty": 1.05}, (0.6, 0.8, 20, 1.05)),
        ({"do_sample": True, "temperature": 0.6}, (0.6, 1.0, 50, 1.0)),  # transformers' own top_k
        ({"temperature": 0.6, "top_k": 20}, (0.7, 0.9, 0, 1.0)),  # it does not sample, so they are not in use
    ],
)
def test_sampling_is_as_the_checkpoint_says(stated, expected, tmp_path, reporter):
    """generation_config.json was not looked at, and one with a temperature but no sampling ended in a traceback."""
    folder = write_checkpoint(tmp_path / "tiny")
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [2, 0]} | stated))
    facts = load(folder, 256, reporter).facts
    found = facts.generation
    assert (found.temperature, found.top_p, found.top_k, found.repetition_penalty) == expected
    assert facts.special_tokens.eos == (0, 2)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", b"{}", r"tokenizer\.json of the checkpoint cannot be read"),
        ("config.json", b'{"model_type": ["llama"], "architectures": ["LlamaForCausalLM"]}', "cannot be read"),
        ("chat_template.jinja", b"{{ \xff", "cannot render a conversation of one question"),
    ],
)
def test_broken_texts_are_plain_errors(name, content, message, tmp_path, reporter):
    folder = write_checkpoint(tmp_path / "tiny")
    (folder / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        checkpoint.load(resolve(str(folder), downloads=tmp_path, reporter=reporter), tmp_path / "work")
