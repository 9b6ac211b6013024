"""Every decoder family: small checkpoints of the true architectures through the real exporter, against PyTorch.

The browser runs the same bundles in tests/web/engine/families.browser.test.ts; both leave what they found in
tests/.fixtures/families/results, from which docs/families.md is made (tests/fixtures/families/family_table.py).
"""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from family_rows import ROWS
from family_table import RESULTS, TABLE, Result, render, write_result
from family_tokenizers import KINDS
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

from slm_export import builders, checkpoint, families, pretrained
from slm_export.errors import SourceError
from slm_export.integrity import check_files
from slm_export.manifest import load_manifest
from slm_export.ort_decoder import OrtDecoder
from slm_export.sources import resolve

from .conftest import FIXTURES

FOLDER = FIXTURES / "families"
MAX_CHECKPOINT_BYTES = 2_000_000
WINDOWED = ["mistral-7b", "ministral-8b", "gemma-2", "gemma-3", "phi-3-mini", "zephyr"]
LONG_ROPE = ["phi-3.5-mini", "phi-4-mini"]


@pytest.fixture(scope="session")
def bundles(family_bundles):
    return family_bundles


def golden(folder, row):
    return json.loads((folder / row / "golden.json").read_text())


def original(folder, row, **changes):
    """The row's PyTorch model, float32; Cerule's as the Gemma that it is."""
    source = folder / "hf" / row
    raw = json.loads((source / "config.json").read_text())
    part = families.LANGUAGE_MODELS.get(raw["model_type"])
    kind = part.model_type if part else raw["model_type"]
    config = AutoConfig.for_model(**raw | {"model_type": kind} | changes)
    return AutoModelForCausalLM.from_pretrained(source, config=config, dtype=torch.float32, attn_implementation="eager").eval()


@torch.inference_mode()
def greedy(model, prompt, count):
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(int(model(torch.tensor([tokens]), use_cache=False).logits[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_family_is_exported_and_answers_as_pytorch(bundles, row):
    bundle = bundles / row.name
    manifest = load_manifest(bundle)
    check_files(bundle, manifest)
    source = bundles / "hf" / row.name
    assert sum(path.stat().st_size for path in source.glob("*.safetensors")) <= MAX_CHECKPOINT_BYTES
    decoder = OrtDecoder(bundle / "cpu-int8" / "model.onnx")
    cases = golden(bundles, row.name)["cases"]
    for case in cases:
        expected = case["variant_tokens"]["cpu-int8"]
        assert decoder.greedy(case["prompt_tokens"], len(expected)) == tuple(expected)
    # Answers that hang on their prompt: a model that always says the same would pass with any attention.
    assert max(len(set(case["tokens"])) for case in cases) >= 4
    assert len({tuple(case["tokens"]) for case in cases}) == len(cases)
    # The GPU graph in float16 is another set of operators: it loads, and is the same model.
    fidelity = {variant.name: variant.fidelity for variant in manifest.variants}
    assert fidelity["webgpu-q8f16"].top1_agreement >= 0.97
    raw = json.loads((source / "config.json").read_text())
    title = KINDS[row.tokenizer].title
    write_result(
        Result(
            row=row.title,
            name=row.name,
            architecture=raw["architectures"][0],
            tokenizer=title,
            parameters=manifest.parameters,
            path="fused graph",
            exported=True,
            verified=fidelity["cpu-int8"].top1_agreement >= 0.97,
            note=row.note,
        )
    )


@pytest.mark.parametrize("row", ["llama-2", "mistral-7b", "gemma-2", "mpt", "gpt2", "smollm3", "phi-4-mini"])
def test_a_prompt_in_pieces_gives_the_logits_of_the_whole(bundles, row):
    prompt = golden(bundles, row)["cases"][2]["prompt_tokens"]
    decoder = OrtDecoder(bundles / row / "cpu-int8" / "model.onnx")
    whole = decoder.step(prompt)[-1].copy()
    decoder.reset()
    decoder.step(prompt[:7])
    decoder.step(prompt[7:90])
    for token in prompt[90:]:
        pieces = decoder.step([token])[-1]
    assert np.abs(whole - pieces).max() < 1e-3


@pytest.mark.parametrize("row", WINDOWED)
def test_the_long_prompt_is_longer_than_the_window(bundles, row):
    """Without its window the PyTorch model says something else: the tokens above would tell."""
    case = golden(bundles, row)["cases"][2]
    config = json.loads((bundles / "hf" / row / "config.json").read_text())
    assert len(case["prompt_tokens"]) > config["sliding_window"]
    endless = original(bundles, row, sliding_window=4096)
    assert greedy(endless, case["prompt_tokens"], len(case["tokens"])) != case["tokens"]


@pytest.mark.parametrize("row", LONG_ROPE)
def test_long_rope_serves_its_original_context_and_says_so(bundles, row):
    """Up to there token for token; beyond it PyTorch turns every position anew, which a filled cache cannot follow."""
    config = json.loads((bundles / "hf" / row / "config.json").read_text())
    limit = config["original_max_position_embeddings"]
    assert load_manifest(bundles / row).context_length == limit < config["max_position_embeddings"]
    text = [token for case in golden(bundles, row)["cases"] for token in case["prompt_tokens"]]
    prompt = (text * 3)[: limit + 1]
    model = original(bundles, row)
    with torch.inference_mode():
        within = model(torch.tensor([prompt[:limit]])).logits[0, -1]
        beyond = model(torch.tensor([prompt])).logits[0, limit - 1]
    decoder = OrtDecoder(bundles / row / "cpu-int8" / "model.onnx")
    logits = torch.from_numpy(decoder.step(prompt[:limit])[-1])
    assert (logits - within).abs().max() < 0.25 * (beyond - within).abs().max()
    with pytest.raises(Exception, match="total_sequence_length"):
        decoder.step(prompt[limit:])


def test_layers_without_positions_have_none(bundles):
    graph = onnx.load(bundles / "smollm3" / "cpu-int8" / "model.onnx", load_external_data=False).graph
    attention = [node for node in graph.node if node.op_type == "GroupQueryAttention"]
    rotary = [next(attribute.i for attribute in node.attribute if attribute.name == "do_rotary") for node in attention]
    assert rotary == [1, 0]


def test_a_language_model_inside_another_model_is_the_same_as_alone(bundles):
    """Gemma 3 of 4B and more: one level down in config and weights. Its golden tokens are those of the text model alone."""
    raw = json.loads((bundles / "hf" / "gemma-3-4b" / "config.json").read_text())
    assert raw["architectures"] == ["Gemma3ForConditionalGeneration"]
    manifest = load_manifest(bundles / "gemma-3-4b")
    assert (manifest.family, manifest.parameters) == ("gemma3_text", load_manifest(bundles / "gemma-3").parameters)


def test_newer_names_of_its_weights_are_known_too(bundles, tmp_path, reporter):
    folder = Path(shutil.copytree(bundles / "hf" / "gemma-3-4b", tmp_path / "newer"))
    old = load_file(folder / "model.safetensors")
    new = {re.sub(r"^language_model\.model\.", "model.language_model.", name): tensor for name, tensor in old.items()}
    save_file(new, folder / "model.safetensors", metadata={"format": "pt"})
    origin = resolve(str(folder), downloads=tmp_path, revision=None, reporter=reporter)
    checkpoint.load(origin, tmp_path / "work")
    read = load_file(tmp_path / "work" / "model.safetensors")
    for name, tensor in read.items():
        assert torch.equal(tensor, old[f"language_model.{name}"])


def test_of_cerule_only_the_language_model_is_exported(bundles):
    raw = json.loads((bundles / "hf" / "cerule" / "config.json").read_text())
    assert raw["model_type"] == "cerule-gemma"
    manifest = load_manifest(bundles / "cerule")
    assert manifest.family == "gemma"
    assert manifest.parameters == sum(parameter.numel() for parameter in original(bundles, "cerule").parameters())


def test_every_architecture_has_a_builder_and_a_row():
    assert families.DECODERS.keys() == builders.BUILDERS.keys()
    assert families.ENCODERS.keys() == pretrained.TASKS.keys()
    known = {AutoConfig.for_model(row.model_type).model_type for row in ROWS}
    assert len(known) == len(families.DECODERS)


def test_an_unsupported_architecture_is_named_with_the_nearest():
    with pytest.raises(
        SourceError, match=r"Unsupported architecture LlamaForCausalLMV2\. Supported are .*nearest is LlamaForCausalLM"
    ):
        families.require_supported({"architectures": ["LlamaForCausalLMV2"]})
    with pytest.raises(SourceError, match="without an `architectures` entry"):
        families.require_supported({"model_type": "llama"})


@pytest.mark.parametrize(
    ("source", "maker"),
    [
        ("gpt-4o-mini", "OpenAI"),
        ("openai/gpt-4o-mini", "OpenAI"),
        ("gpt-3.5-turbo", "OpenAI"),
        ("o3-mini", "OpenAI"),
        ("gemini-nano", "Google"),
        ("Gemini-Nano-2", "Google"),
        ("claude-3-haiku-20240307", "Anthropic"),
        ("anthropic/claude-3-haiku", "Anthropic"),
    ],
)
def test_a_closed_model_is_explained_with_open_ones_of_its_kind(source, maker):
    with pytest.raises(SourceError, match=rf"{maker} does not publish its weights.*SmolLM3-3B \(3 B\)"):
        families.refuse_closed(source)


@pytest.mark.parametrize("source", ["gpt2", "openai-community/gpt2", "openai/gpt-oss-20b", "someone/claude-like-7b", "gemma-2b"])
def test_an_open_model_is_not_taken_for_a_closed_one(source):
    families.refuse_closed(source)


def test_the_command_line_explains_a_closed_model(run_cli, tmp_path):
    done = run_cli("model", "gpt-4o-mini", "--out", tmp_path / "bundle")
    assert done.returncode == 1
    assert "GPT-4o mini cannot be exported" in done.stderr
    assert list(tmp_path.iterdir()) == []


ENCODERS = {
    "tiny-t5": ("T5", "translation, summarising, grammar: text in, text out"),
    "tiny-flan-t5": ("Flan-T5", "gated feed-forward layers, untied head"),
    "tiny-mt5": ("mT5", "gated feed-forward layers, untied head"),
    "tiny-bart": ("BART", "translation, summarising, grammar: text in, text out"),
    "tiny-bert": ("BERT", "classes of a text (sentiment)"),
    "tiny-distilbert": ("DistilBERT", "named entities"),
    "tiny-minilm": ("MiniLM", "sentence vectors"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_has_its_row(transformer_bundles, name):
    """What these models answer is compared in their own tests; here, that they came through whole."""
    manifest = load_manifest(transformer_bundles / name)
    check_files(transformer_bundles / name, manifest)
    architecture = json.loads((transformer_bundles / f"{name}-hf" / "config.json").read_text())["architectures"][0]
    assert architecture in families.ENCODERS
    tokenizer = json.loads((transformer_bundles / name / "tokenizer.json").read_text())["model"]["type"]
    title, note = ENCODERS[name]
    write_result(
        Result(
            row=title,
            name=name,
            architecture=architecture,
            tokenizer=tokenizer,
            parameters=manifest.parameters,
            path="optimum",
            exported=True,
            verified=manifest.variants[0].fidelity.top1_agreement >= 0.97,
            note=note,
        )
    )


def test_the_table_is_what_the_tests_found(bundles, transformer_bundles):
    """After the rows above. `python tests/fixtures/families/family_table.py` writes it anew."""
    assert {path.stem for path in RESULTS.glob("*.json")} == {row.name for row in ROWS} | ENCODERS.keys()
    assert TABLE.read_text(encoding="utf-8") == render(TABLE.read_text(encoding="utf-8"))
