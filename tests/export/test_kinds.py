"""Encoders and encoder-decoders go the same way as decoders: stages that resume, float variants, report, `verify`."""

import hashlib
import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from slm_export.against_source import compare_with_source
from slm_export.bundle import export_bundle
from slm_export.errors import ExportInterrupted, VerifyError
from slm_export.manifest import MANIFEST_NAME, load_manifest
from slm_export.progress import Reporter
from slm_export.recheck import check_bundle
from slm_export.sources import resolve

ONE_OF_EACH = ["tiny-bart", "tiny-bert", "tiny-distilbert", "tiny-minilm"]
STAGES = ["Loading", "Running the original", "Building the float32 graph", "Quantising cpu-int8", "Comparing cpu-int8"]


@pytest.fixture
def source_of(transformer_bundles, reporter):
    return lambda name: resolve(str(transformer_bundles / f"{name}-hf"), downloads=transformer_bundles, reporter=reporter)


class _Interrupting(Reporter):
    """Ctrl-C as soon as a stage begins (test_resume.py sends real signals)."""

    def __init__(self, at):
        super().__init__()
        self.at = at
        self.said = []

    def say(self, text):
        self.said.append(text)
        if self.at and self.at in text:
            self.at = None
            raise KeyboardInterrupt


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["tiny-t5", "tiny-minilm"])
def test_interrupted_in_every_stage_and_resumed(name, source_of, reporter, tmp_path):
    export_bundle(source_of(name), tmp_path / "whole", ["cpu-int8"], reporter)
    whole = contents(tmp_path / "whole")
    shutil.rmtree(tmp_path / "whole")
    for number, stage in enumerate(STAGES, start=1):
        interrupting = _Interrupting(f"[{number}/5] {stage}")
        with pytest.raises(ExportInterrupted):
            export_bundle(source_of(name), tmp_path / "whole", ["cpu-int8"], interrupting, resume=number > 1)
        assert sum("kept from the interrupted run" in said for said in interrupting.said) == max(number - 2, 0)
        assert [path.name for path in tmp_path.iterdir()] == ([".whole.part"] if number > 1 else [])
    export_bundle(source_of(name), tmp_path / "whole", ["cpu-int8"], reporter, resume=True)
    assert contents(tmp_path / "whole") == whole
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize("name", ["tiny-t5", *ONE_OF_EACH])
def test_the_float32_graph_is_the_original(name, transformer_bundles):
    variant = load_manifest(transformer_bundles / name).variant("f32")
    fidelity = variant.fidelity
    assert fidelity.top1_agreement == 1
    assert fidelity.greedy_prompts_equal == fidelity.greedy_prompts
    assert fidelity.perplexity_ratio == pytest.approx(1, abs=1e-5)
    assert fidelity.p99_kl < 1e-6
    assert fidelity.max_reference_logit_error < 1e-3
    assert variant.bits_per_weight >= 32


@pytest.mark.parametrize(("name", "of_each"), [("tiny-bart", ["reference", "kv-cache"]), ("tiny-minilm", ["reference"])])
def test_every_check_of_a_whole_bundle_passes(name, of_each, transformer_bundles, reporter):
    manifest = load_manifest(transformer_bundles / name)
    checks = check_bundle(transformer_bundles / name, manifest, reporter)
    assert all(check.passed for check in checks), checks
    each = [(variant, check) for variant in ("cpu-int8", "f32") for check in of_each]
    assert [(check.subject, check.name) for check in checks] == [(name, "files"), (name, "texts"), *each]


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_against_its_source_the_figures_are_those_of_the_export(name, source_of, transformer_bundles, reporter):
    bundle = transformer_bundles / name
    manifest = load_manifest(bundle)
    found = compare_with_source(bundle, manifest, source_of(name), None, reporter)
    assert all(check.passed for check in found.checks), found.checks
    stated, measured = manifest.variants[0].fidelity, found.fidelities["cpu-int8"]
    assert (measured.tokens_compared, measured.greedy_prompts_equal) == (stated.tokens_compared, stated.greedy_prompts_equal)
    for field in ("top1_agreement", "mean_kl", "p99_kl", "perplexity_ratio"):
        assert getattr(measured, field) == pytest.approx(getattr(stated, field), rel=1e-3, abs=1e-6)


def test_verify_with_reference_through_the_command_line(run_cli, transformer_bundles, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text(
        "This film was wonderful, every bit. This meal was awful and cold! What a lovely day it was.", encoding="utf-8"
    )
    arguments = ["--reference", transformer_bundles / "tiny-bert-hf", "--text", text, "--report", tmp_path / "report", "--json"]
    done = run_cli("verify", transformer_bundles / "tiny-bert", *arguments)
    assert done.returncode == 0, done.stderr
    variant = json.loads(done.stdout)["reference"]["variants"][0]
    assert variant["kv_cache"] is None
    assert variant["fidelity"]["greedy_prompts"] == 3
    report = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert [prompt["text"] for prompt in report["prompts"]][2] == "what a lovely day it was."
    assert len(report["variants"][0]["distances"]) == 3


@pytest.mark.parametrize("name", ["tiny-bart", "tiny-minilm"])
def test_another_model_is_not_the_source(name, transformer_bundles, reporter, tmp_path):
    other = Path(shutil.copytree(transformer_bundles / f"{name}-hf", tmp_path / "other"))
    torch.manual_seed(1)
    weights = {key: tensor + 0.1 * torch.randn_like(tensor) for key, tensor in load_file(other / "model.safetensors").items()}
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    bundle = transformer_bundles / name
    origin = resolve(str(other), downloads=tmp_path, reporter=reporter)
    found = compare_with_source(bundle, load_manifest(bundle), origin, None, reporter)
    assert "fidelity" in [check.name for check in found.checks if not check.passed]


def test_a_source_of_another_kind(source_of, transformer_bundles, reporter):
    bundle = transformer_bundles / "tiny-bert"
    with pytest.raises(VerifyError, match="of the kind encoder-decoder .* is not the source of this bundle"):
        compare_with_source(bundle, load_manifest(bundle), source_of("tiny-t5"), None, reporter)


@pytest.mark.parametrize(
    ("name", "message"), [("tiny-bart", "has no word in it"), ("tiny-minilm", "has fewer than two sentences")]
)
def test_a_text_that_is_too_short(name, message, source_of, transformer_bundles, reporter, tmp_path):
    (tmp_path / "text.txt").write_text(" \n", encoding="utf-8")
    bundle = transformer_bundles / name
    with pytest.raises(VerifyError, match=message):
        compare_with_source(bundle, load_manifest(bundle), source_of(name), tmp_path / "text.txt", reporter)


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_weights_that_compute_something_else(name, transformer_bundles, reporter, tmp_path):
    """Every other byte of the weights is another one, with digests to match: only running the graph can tell."""
    bundle = Path(shutil.copytree(transformer_bundles / name, tmp_path / name))
    path = bundle / "cpu-int8" / "weights.data"
    data = np.frombuffer(path.read_bytes(), np.uint8).copy()
    data[::2] ^= 0x40
    path.write_bytes(data.tobytes())
    manifest = json.loads((bundle / MANIFEST_NAME).read_text(encoding="utf-8"))
    for entry in manifest["variants"][0]["files"]:
        if entry["path"] == "cpu-int8/weights.data":
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (bundle / MANIFEST_NAME).write_text(json.dumps(manifest), encoding="utf-8")
    failed = {(check.subject, check.name) for check in check_bundle(bundle, load_manifest(bundle), reporter) if not check.passed}
    assert ("cpu-int8", "reference") in failed
    assert failed <= {("cpu-int8", "reference"), ("cpu-int8", "kv-cache")}


class _Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.headings, self.polylines = [], []
        self.in_heading = False

    def handle_starttag(self, tag, attributes):
        self.in_heading = tag == "h2"
        if tag == "polyline":
            self.polylines.append(len(dict(attributes)["points"].split()))

    def handle_data(self, data):
        if self.in_heading:
            self.headings.append(data)
            self.in_heading = False


@pytest.mark.parametrize(
    ("name", "headings"),
    [
        ("tiny-t5", ["KL along the text", "KL, sorted", "Greedy answers", "KV cache"]),
        ("tiny-bert", ["Distance, text by text", "KL, sorted", "Sentences that stray most"]),
        ("tiny-minilm", ["Distance, text by text", "KL, sorted", "Sentences that stray most"]),
    ],
)
def test_the_report_shows_what_its_kind_can_tell(name, headings, transformer_bundles):
    bundle = transformer_bundles / name
    manifest = load_manifest(bundle)
    assert {"report/report.json", "report/index.html"} <= {entry.path for entry in manifest.files}
    report = json.loads((bundle / "report" / "report.json").read_text(encoding="utf-8"))
    page = _Page()
    page.feed((bundle / "report" / "index.html").read_text(encoding="utf-8"))
    assert page.headings == ["Variants", *headings, "What the numbers mean", "Made with"]
    fidelity, variant = manifest.variants[0].fidelity, report["variants"][0]
    assert len(variant["kl"]) == fidelity.tokens_compared == report["text"]["tokens"]
    assert np.mean(variant["kl"]) == pytest.approx(fidelity.mean_kl, rel=1e-2, abs=1e-9)
    assert variant["greedy_divergence"].count(None) == fidelity.greedy_prompts_equal
    is_encoder = manifest.architecture == "encoder"
    assert len(variant["distances"]) == (len(report["prompts"]) if is_encoder else 0)
    assert (variant["kv_cache"] is None) == is_encoder
    assert len(report["golden"]["tokenizer"]) > 5
    if is_encoder:
        assert page.polylines[0] == len(report["prompts"])  # one point a text
