"""`slm-export verify`: what it proves without the source, what it measures with it, and the faults that it must find."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from slm_export import golden
from slm_export.against_source import compare_with_source
from slm_export.errors import VerifyError
from slm_export.kv_check import kv_equality
from slm_export.manifest import MANIFEST_NAME, load_manifest
from slm_export.ort_decoder import OrtDecoder
from slm_export.recheck import check_bundle
from slm_export.sources import resolve


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    return Path(shutil.copytree(tiny_bundle, tmp_path / "bundle"))


def spoil(bundle, name, change):
    """Change a file and state its new size and digest in the manifest: hashes alone cannot tell."""
    path = bundle / name
    path.write_bytes(change(path.read_bytes()))
    text = (bundle / MANIFEST_NAME).read_text(encoding="utf-8")
    data = json.loads(text)
    for entry in [*data["files"], *(entry for variant in data["variants"] for entry in variant["files"])]:
        if entry["path"] == name:
            entry.update(size_bytes=path.stat().st_size, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    (bundle / MANIFEST_NAME).write_text(json.dumps(data), encoding="utf-8")


def failures(bundle, reporter):
    checks = check_bundle(bundle, load_manifest(bundle), reporter)
    return {(check.subject, check.name): check.detail for check in checks if not check.passed}


def test_a_whole_bundle_passes_every_check(tiny_bundle, run_cli):
    done = run_cli("verify", tiny_bundle, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["passed"]
    assert result["reference"] is None
    names = [(check["subject"], check["name"]) for check in result["checks"]]
    variants = [variant.name for variant in load_manifest(tiny_bundle).variants]
    assert names == [
        ("tiny-llama", "files"),
        ("tiny-llama", "texts"),
        *((variant, check) for variant in variants for check in ("reference", "kv-cache")),
    ]


def test_the_reference_reaches_prefill_kernels_and_every_variant_states_its_own_logits(tiny_bundle):
    manifest = load_manifest(tiny_bundle)
    assert len(manifest.reference.prompt_tokens) >= 64
    assert len(manifest.reference.tokens) >= 4
    for variant in manifest.variants:
        assert variant.reference_logits is not None
        assert len(variant.reference_logits) == len(manifest.reference.logits)
        errors = [abs(own - entry.logit) for own, entry in zip(variant.reference_logits, manifest.reference.logits, strict=True)]
        assert max(errors) == pytest.approx(variant.fidelity.max_reference_logit_error, abs=1e-3)


def test_weights_that_compute_something_else(bundle, reporter):
    spoil(bundle, "cpu-int8/model.onnx.data", lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2))
    found = failures(bundle, reporter)
    assert list(found) == [("cpu-int8", "reference")]
    assert "where the reference is" in found["cpu-int8", "reference"]


def test_a_graph_that_does_not_load(bundle, reporter):
    spoil(bundle, "webgpu-q4f32/model.onnx", lambda data: data[: len(data) // 2])
    found = failures(bundle, reporter)
    assert list(found) == [("webgpu-q4f32", "graph")]
    assert "cannot be loaded" in found["webgpu-q4f32", "graph"]


def test_a_tokenizer_that_splits_otherwise(bundle, reporter):
    def without_first_merges(data):
        tokenizer = json.loads(data)
        del tokenizer["model"]["merges"][:5]
        return json.dumps(tokenizer).encode()

    spoil(bundle, "tokenizer.json", without_first_merges)
    found = failures(bundle, reporter)
    assert list(found) == [("tiny-llama", "texts")]
    assert "where the original has" in found["tiny-llama", "texts"]


def test_a_template_that_renders_otherwise(bundle, reporter):
    spoil(bundle, "chat_template.jinja", lambda data: data.replace(b"<|im_start|>assistant", b"<|im_start|>Assistant"))
    found = failures(bundle, reporter)
    assert list(found) == [("tiny-llama", "texts")]
    assert "renders" in found["tiny-llama", "texts"]


def test_logits_beyond_rounding(bundle, reporter):
    """The right tokens are not enough: the manifest's numbers must come out too."""
    data = json.loads((bundle / MANIFEST_NAME).read_text(encoding="utf-8"))
    next(v for v in data["variants"] if v["name"] == "cpu-int8")["reference_logits"][0] += 0.5
    (bundle / MANIFEST_NAME).write_text(json.dumps(data), encoding="utf-8")
    found = failures(bundle, reporter)
    assert list(found) == [("cpu-int8", "reference")]
    assert "(0.0" in found["cpu-int8", "reference"]


class _Forgetful(OrtDecoder):
    """A cache whose first layer is lost between runs."""

    def step(self, tokens, **options):
        logits = super().step(tokens, **options)
        first = self.past_names[0]
        self.cache[first] = self.cache[first] * 0
        return logits


def test_a_cache_that_forgets_is_found(tiny_bundle):
    tokens = load_manifest(tiny_bundle).reference.prompt_tokens
    graph = tiny_bundle / "cpu-int8" / "model.onnx"
    assert kv_equality(OrtDecoder(graph), tokens).holds
    found = kv_equality(_Forgetful(graph), tokens)
    assert not found.holds
    assert min(found.pieces_error, found.single_error) > found.tolerance
    assert "the KV cache is not used rightly" in (found.fault("cpu-int8") or "")


@pytest.fixture
def source(tiny_source, reporter):
    return resolve(str(tiny_source), downloads=tiny_source, revision=None, reporter=reporter)


def test_against_its_source_the_figures_are_those_of_the_export(tiny_bundle, tiny_source, run_cli, tmp_path):
    done = run_cli("verify", tiny_bundle, "--reference", tiny_source, "--report", tmp_path / "report", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    manifest = load_manifest(tiny_bundle)
    for found in result["reference"]["variants"]:
        stated = manifest.variant(found["name"]).fidelity
        assert found["fidelity"]["tokens_compared"] == stated.tokens_compared
        for name in ("top1_agreement", "mean_kl", "p99_kl", "perplexity_ratio"):
            assert found["fidelity"][name] == pytest.approx(getattr(stated, name), rel=1e-3, abs=1e-6)
        assert found["greedy_divergence"].count(None) == stated.greedy_prompts_equal
    assert {"index.html", "report.json"} == {path.name for path in (tmp_path / "report").iterdir()}


def test_another_model_is_not_the_source(tiny_bundle, tiny_source, tmp_path, run_cli):
    other = Path(shutil.copytree(tiny_source, tmp_path / "other"))
    torch.manual_seed(1)
    weights = {name: tensor + 0.05 * torch.randn_like(tensor) for name, tensor in load_file(other / "model.safetensors").items()}
    save_file(weights, other / "model.safetensors", metadata={"format": "pt"})
    text = tmp_path / "text.txt"
    text.write_text("Alice was beginning to get very tired of sitting by her sister on the bank. " * 8, encoding="utf-8")
    done = run_cli("verify", tiny_bundle, "--reference", other, "--text", text)
    assert done.returncode == 1
    assert "cpu-int8: fidelity: perplexity ratio" in done.stderr


def test_a_source_with_another_vocabulary(tiny_bundle, source, reporter, tmp_path, bundle):
    data = json.loads((bundle / MANIFEST_NAME).read_text(encoding="utf-8"))
    data["vocab_size"] = 1000
    (bundle / MANIFEST_NAME).write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(VerifyError, match="it is not the source of this bundle"):
        compare_with_source(bundle, load_manifest(bundle), source, None, reporter)


@pytest.mark.parametrize(("content", "message"), [(b"\xff\xfe", "cannot be read as UTF-8 text"), (b"", "fewer than two tokens")])
def test_texts_that_cannot_be_used(tiny_bundle, source, reporter, tmp_path, content, message):
    (tmp_path / "text.txt").write_bytes(content)
    with pytest.raises(VerifyError, match=message):
        compare_with_source(tiny_bundle, load_manifest(tiny_bundle), source, tmp_path / "text.txt", reporter)


@pytest.mark.parametrize("arguments", [["--text", "x.txt"], ["--report", "x"], ["--files-only", "--reference", "x"]])
def test_options_that_do_not_go_together(run_cli, tiny_bundle, arguments):
    done = run_cli("verify", tiny_bundle, *arguments)
    assert done.returncode == 2


TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    "{{ m.role }}: {% generation %}{{ m.content | trim }}{% endgeneration %}\n{% endfor %}"
)


def test_templates_render_as_transformers_does(tiny_source):
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast.from_pretrained(tiny_source)
    recorded = golden.record(tokenizer, TEMPLATE)
    names = golden.special_tokens(json.loads((tiny_source / "tokenizer_config.json").read_text(encoding="utf-8")))
    assert [golden.render(TEMPLATE, chat["messages"], names) for chat in recorded["chats"]] == [
        chat["text"] for chat in recorded["chats"]
    ]
    assert [chat["text"] is None for chat in recorded["chats"]] == [False, True, False]


def test_a_template_with_the_date_gives_the_same_text_every_day(tiny_source):
    template = "{{ strftime_now('%d %b %Y') }}{{ messages[0].content }}"
    assert golden.render(template, golden.CHATS[0], {}) == "26 Jul 2024Hi"
