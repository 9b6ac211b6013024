"""The context that a bundle promises, and the rotary tables that it takes."""

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
