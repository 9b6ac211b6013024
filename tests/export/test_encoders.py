"""Encoder-decoder and encoder models: small checkpoints of the true architectures through the real exporter, against PyTorch.

The browser runs the same bundles in tests/web/engine/transformers.browser.test.ts. What both find goes into docs/families.md
(tests/fixtures/families/family_table.py), so this file stands before test_families.py.
"""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformer_models import ROWS
from transformers import PreTrainedTokenizerFast

from slm_export import families, int8_graph
from slm_export.bundle import export_bundle
from slm_export.errors import ExportError, SourceError, VerifyError
from slm_export.integrity import check_files
from slm_export.manifest import load_manifest
from slm_export.optimum_graph import export_graphs
from slm_export.options import ExportOptions
from slm_export.ort_transformer import OrtEncoder, OrtSeq2Seq
from slm_export.pretrained import TASKS, load
from slm_export.quantize import BLOCK, Int8Blocks, int8_blocks
from slm_export.seq2seq_graph import engine_graphs
from slm_export.sources import resolve
from slm_export.verify_encoder import output_of
from slm_export.weight_file import ALIGNMENT_BYTES

MAX_CHECKPOINT_BYTES = 2_000_000
SEQ2SEQ = [row.name for row in ROWS if row.kind == "seq2seq"]
READERS = [row.name for row in ROWS if row.kind != "seq2seq"]


@pytest.fixture(scope="session")
def bundles(transformer_bundles):
    return transformer_bundles


@pytest.fixture
def origin_of(bundles, reporter):
    return lambda path: resolve(str(path), downloads=bundles, revision=None, reporter=reporter)


@pytest.fixture
def copy_of(bundles, tmp_path):
    """A checkpoint of one's own to spoil."""
    return lambda name: Path(shutil.copytree(bundles / f"{name}-hf", tmp_path / "source"))


def golden(bundles, name):
    return json.loads((bundles / name / "golden.json").read_text(encoding="utf-8"))["cases"]


def tokenizer_of(bundles, name):
    return PreTrainedTokenizerFast.from_pretrained(bundles / f"{name}-hf")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_is_exported_and_agrees_with_pytorch(row, bundles):
    folder, source = bundles / row.name, bundles / f"{row.name}-hf"
    manifest = load_manifest(folder)
    check_files(folder, manifest)
    assert sum(path.stat().st_size for path in source.rglob("*") if path.is_file()) <= MAX_CHECKPOINT_BYTES
    fidelity = manifest.variants[0].fidelity
    assert fidelity.top1_agreement >= 0.97
    assert fidelity.perplexity_ratio <= 1.01
    assert _answers_as_pytorch(row, bundles, manifest)


def _answers_as_pytorch(row, bundles, manifest):
    """Native ONNX Runtime gives what PyTorch gives over the dequantised weights."""
    folder, tokenizer = bundles / row.name / "cpu-int8", tokenizer_of(bundles, row.name)
    for case in golden(bundles, row.name):
        tokens = tokenizer(case["text"])["input_ids"]
        if row.kind == "seq2seq":
            expected = tuple(case["variant_tokens"])
            answer = OrtSeq2Seq(folder).greedy(tokens, manifest.decoder.start, len(expected), manifest.special_tokens.eos)
            same = answer == expected
        else:
            found = output_of(manifest.encoder, OrtEncoder(folder).run(tokens))
            same = _same_reading(row.kind, case, found, manifest.encoder.labels)
        if not same:
            return False
    return True


def _same_reading(kind, case, found, labels):
    if kind == "embed":
        return np.abs(found - case["variant_vector"]).max() < 1e-4
    if kind == "classify":
        chances = torch.softmax(torch.from_numpy(found), 0)
        return all(abs(float(chances[labels.index(entry["label"])]) - entry["score"]) < 1e-4 for entry in case["labels"])
    tags = {labels[index].removeprefix("B-").removeprefix("I-") for index in found[1:-1].argmax(axis=1)} - {"O"}
    return tags >= {entity["label"] for entity in case["entities"]}


@pytest.mark.parametrize("name", ["tiny-t5", "tiny-mt5", "tiny-bart"])
def test_the_engines_graphs_compute_what_pytorch_computes(name, bundles, origin_of, tmp_path):
    """Before quantisation: cutting out the embedding and adding cross-attention to the encoder changes nothing."""
    origin = origin_of(bundles / f"{name}-hf")
    source = load(origin, tmp_path / "float32")
    model = source.load_model()
    for part, graph in engine_graphs(model, export_graphs(model, TASKS[source.architecture], tmp_path)).items():
        onnx.save_model(graph, tmp_path / f"{part}.onnx")
    original = source.load_model()
    prompt, answer = source.tokenizer("the dog hears the sea.")["input_ids"], [0, 9, 44, 7, 21]
    with torch.inference_mode():
        expected = original(input_ids=torch.tensor([prompt]), decoder_input_ids=torch.tensor([answer])).logits[0].numpy()
    runner = OrtSeq2Seq(tmp_path)
    runner.encode(prompt)
    assert np.abs(runner.step(answer) - expected).max() < 1e-4
    runner.encode(prompt)
    single = np.concatenate([runner.step([token]) for token in answer])  # from an empty cache, token by token
    assert np.abs(single - expected).max() < 1e-4


@pytest.mark.parametrize("name", SEQ2SEQ)
def test_no_weight_is_stored_twice(name, bundles):
    """Three graphs, one file: a tied matrix is there once, and what two graphs share lies at one place."""
    folder = bundles / name / "cpu-int8"
    places: dict[tuple[str, int, int], list[str]] = {}
    for graph in sorted(folder.glob("*.onnx")):
        model = onnx.load(graph, load_external_data=False)
        onnx.checker.check_model(str(graph))
        for tensor in model.graph.initializer:
            where = {entry.key: entry.value for entry in tensor.external_data}
            if where:
                assert int(where["offset"]) % ALIGNMENT_BYTES == 0
                places.setdefault((where["location"], int(where["offset"]), int(where["length"])), []).append(graph.stem)
    contents = set()
    for location, offset, length in places:
        data = (folder / location).read_bytes()
        contents.add(data[offset : offset + length])
    assert len(contents) == len(places)
    shared = [users for users in places.values() if {"embedding", "decoder"} <= set(users)]
    assert bool(shared) == (name in ("tiny-t5", "tiny-bart"))  # the tied heads


def test_the_manifests_say_what_the_engine_needs(bundles):
    t5, bart = load_manifest(bundles / "tiny-t5"), load_manifest(bundles / "tiny-bart")
    assert t5.decoder is not None
    assert bart.decoder is not None
    assert t5.prompts.prefixes is not None
    assert (t5.decoder.start, bart.decoder.start) == ((0,), (2, 0))  # BART is made to begin with <s>
    assert bart.decoder.max_tokens == 126
    assert [entry.prefix for entry in t5.prompts.prefixes] == ["summarize: ", "translate English to German: "]
    minilm = load_manifest(bundles / "tiny-minilm").encoder
    assert minilm is not None
    assert (minilm.pooling, minilm.normalize, minilm.dimensions, minilm.max_tokens) == ("mean", True, 64, 48)
    tags = load_manifest(bundles / "tiny-distilbert")
    assert tags.encoder is not None
    assert tags.encoder.labels == ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")
    assert tags.kv is None
    assert len(tags.reference.outputs or ()) == 5 * len(tags.reference.prompt_tokens)


def test_export_and_verify_through_the_command_line(run_cli, bundles, tmp_path):
    out = tmp_path / "tiny-bart"
    done = run_cli("model", bundles / "tiny-bart-hf", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert [variant["name"] for variant in json.loads(done.stdout)["variants"]] == ["cpu-int8"]
    checked = run_cli("verify", out, "--json")
    assert checked.returncode == 0, checked.stderr
    assert [check["passed"] for check in json.loads(checked.stdout)["checks"]] == [True, True, True, True]
    same = [path.name for path in (out / "cpu-int8").iterdir() if path.suffix == ".onnx"]
    for name in same:  # the same input gives the same bytes
        assert (out / "cpu-int8" / name).read_bytes() == (bundles / "tiny-bart" / "cpu-int8" / name).read_bytes()


def test_a_wrong_export_is_not_installed(origin_of, bundles, tmp_path, reporter, monkeypatch):
    """The real path with a real fault: 8-bit values whose sign is lost in one block in two."""

    def faulty(weight, block=BLOCK):
        blocks = int8_blocks(weight, block)
        values = blocks.values.copy()
        values[:, ::2] = np.abs(values[:, ::2])
        return Int8Blocks(values, blocks.scales)

    monkeypatch.setattr(int8_graph, "int8_blocks", faulty)
    for name in ("tiny-t5", "tiny-bert", "tiny-minilm"):
        with pytest.raises(VerifyError, match=r"was\s+not installed"):
            export_bundle(origin_of(bundles / f"{name}-hf"), tmp_path / name, ["cpu-int8"], reporter)
    assert list(tmp_path.iterdir()) == []


def test_a_variant_that_there_is_not_yet_is_refused(origin_of, bundles, tmp_path, reporter):
    with pytest.raises(ExportError, match="exported as cpu-int8 or f32, not as webgpu-q4f16"):
        export_bundle(origin_of(bundles / "tiny-bert-hf"), tmp_path / "bundle", ["webgpu-q4f16"], reporter)
    assert list(tmp_path.iterdir()) == []


def test_options_of_chat_models_are_refused_not_ignored(origin_of, bundles, tmp_path, reporter):
    origin = dataclasses.replace(origin_of(bundles / "tiny-bert-hf"), options=ExportOptions(chat_template="chatml"))
    with pytest.raises(ExportError, match="is no decoder language model: .*--chat-template"):
        export_bundle(origin, tmp_path / "bundle", ["cpu-int8"], reporter)
    assert list(tmp_path.iterdir()) == []


def _without_tokenizer(source):
    (source / "tokenizer.json").unlink()


def _cut_short(source):
    weights = source / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])


def _spoil(change):
    def spoil(source):
        weights = load_file(source / "model.safetensors")
        change(weights)
        save_file(weights, source / "model.safetensors", metadata={"format": "pt"})

    return spoil


def _nan(weights):
    next(iter(weights.values()))[0] = float("nan")


def _drop(weights):
    del weights[next(name for name in weights if "layer" in name)]


def _write(name, content):
    return lambda source: (source / name).write_text(json.dumps(content), encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "damage", "message"),
    [
        ("tiny-t5", _without_tokenizer, "has no tokenizer.json"),
        ("tiny-bert", _cut_short, "cannot be loaded as a BertForSequenceClassification.*cut short"),
        ("tiny-t5", _spoil(_nan), "not finite"),
        ("tiny-distilbert", _spoil(_drop), "lacks 1 of the weights"),
        ("tiny-minilm", _write("1_Pooling/config.json", {"pooling_mode_lasttoken": True}), "pools by pooling_mode_lasttoken"),
        ("tiny-minilm", _write("modules.json", [{"type": "sentence_transformers.models.Dense"}]), "ends in Dense, which is not"),
        ("tiny-bert", _write("config.json", {"architectures": ["BertForMaskedLM"]}), "Unsupported architecture BertForMaskedLM"),
    ],
    ids=["no tokenizer", "cut short", "NaN", "weight missing", "pooling", "module", "architecture"],
)
def test_bad_checkpoints_say_what_is_wrong(name, damage, message, copy_of, origin_of, tmp_path, reporter):
    source = copy_of(name)
    damage(source)
    with pytest.raises(SourceError, match=message):
        export_bundle(origin_of(source), tmp_path / "bundle", ["cpu-int8"], reporter)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_what_an_unsupported_architecture_is_told_names_encoders_too():
    assert families.ENCODERS.keys() == TASKS.keys()
    with pytest.raises(SourceError, match=r"BertForTokenClassification.*nearest is BertForTokenClassification \(BERT"):
        families.require_supported({"architectures": ["XBertForTokenClassification"]})
