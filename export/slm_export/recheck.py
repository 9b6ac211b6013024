"""What can be checked of a bundle without its source: hashes, tokenizer, chat template, and what each variant's graph gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from slm_export import golden
from slm_export.integrity import wrong_files
from slm_export.kv_check import TOLERANCE, Stepping, kv_equality
from slm_export.manifest import Manifest, Variant
from slm_export.ort_decoder import OrtDecoder
from slm_export.ort_transformer import OrtEncoder, OrtSeq2Seq
from slm_export.progress import Reporter

REPORT_NAME = "report/report.json"
_MARGIN = 4  # over the error measured at export, where a bundle does not state the variant's own logits


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `subject` is a variant's name, or the bundle's id; `detail` says what was found."""

    name: str
    subject: str
    passed: bool
    detail: str


def check_bundle(bundle: Path, manifest: Manifest, reporter: Reporter) -> list[Check]:
    """Every check, in order. A bundle whose files are not those of its manifest is not looked at further."""
    reporter.say(f"Checking {manifest.id}: files")
    files = manifest.all_files()
    wrong = wrong_files(bundle, manifest)
    size_bytes = sum(entry.size_bytes for entry in files)
    found = f"{len(files)} files, {size_bytes / 1e6:.1f} MB, as the manifest lists them"
    checks = [Check("files", manifest.id, not wrong, "\n    ".join([*wrong, "Export the bundle again."]) if wrong else found)]
    if wrong:
        return checks
    checks.append(_attempt("texts", manifest.id, lambda: _texts(bundle, manifest)))
    for variant in manifest.variants:
        reporter.say(f"Checking {manifest.id}: {variant.name}")
        checks += _variant_checks(bundle, manifest, variant)
    return checks


def _attempt(name: str, subject: str, look: Callable[[], tuple[bool, str]]) -> Check:
    """A check that fails where `look` raises: whatever stops it here stops a browser too."""
    try:
        passed, detail = look()
    except Exception as error:  # ONNX Runtime and tokenizers raise bare Exceptions
        passed, detail = False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    return Check(name, subject, passed, detail)


def _texts(bundle: Path, manifest: Manifest) -> tuple[bool, str]:
    """Tokenizer and chat template against what the original gave at export."""
    path = bundle / REPORT_NAME
    if not any(entry.path == REPORT_NAME for entry in manifest.files):
        entries: dict[str, list[dict[str, object]]] = {"tokenizer": [], "chats": []}
    else:
        entries = json.loads(path.read_text(encoding="utf-8"))["golden"]
    wrong = golden.differences(bundle, manifest.prompts.chat_template, entries)
    if wrong:
        return False, "\n    ".join(wrong)
    texts, chats = len(entries["tokenizer"]), len(entries["chats"])
    if not texts:
        return True, "the tokenizer loads; nothing to compare it with is in the bundle"
    return True, f"{texts} texts split and {chats} conversations rendered as the original does"


def _variant_checks(bundle: Path, manifest: Manifest, variant: Variant) -> list[Check]:
    openers: dict[str, Callable[[], OrtDecoder | OrtSeq2Seq | OrtEncoder]] = {
        "decoder": lambda: OrtDecoder(bundle / variant.graph),
        "encoder-decoder": lambda: OrtSeq2Seq((bundle / variant.graph).parent),
        "encoder": lambda: OrtEncoder((bundle / variant.graph).parent),
    }
    try:
        runner = openers[manifest.architecture]()
    except Exception as error:  # ONNX Runtime raises bare Exceptions
        return [Check("graph", variant.name, False, f"cannot be loaded: {' '.join(str(error).split())[:300]}")]
    if isinstance(runner, OrtEncoder):
        return [_attempt("reference", variant.name, lambda: _encoder_reference(runner, manifest, variant))]
    tokens = [*manifest.reference.prompt_tokens, *manifest.reference.tokens]
    if isinstance(runner, OrtDecoder):
        reference = _attempt("reference", variant.name, lambda: _decoder_reference(runner, manifest, variant))
    else:
        reference = _attempt("reference", variant.name, lambda: _seq2seq_reference(runner, manifest, variant))
        tokens = [*_start(manifest), *manifest.reference.tokens, *tokens]  # an answer of any tokens, to the same text
    return [reference, _attempt("kv-cache", variant.name, lambda: _kv(runner, tokens))]


def _start(manifest: Manifest) -> tuple[int, ...]:
    return manifest.decoder.start if manifest.decoder else ()


def _kv(decoder: Stepping, tokens: Sequence[int]) -> tuple[bool, str]:
    kv = kv_equality(decoder, tokens)
    found = f"one go, pieces and token by token differ by {max(kv.pieces_error, kv.single_error):g} at most"
    return kv.holds, f"{found} ({kv.tolerance:g} allowed, {kv.tokens} tokens)"


def _decoder_reference(decoder: OrtDecoder, manifest: Manifest, variant: Variant) -> tuple[bool, str]:
    reference = manifest.reference
    decoder.reset()
    logits = decoder.step(reference.prompt_tokens)[-1]
    tokens = [int(logits.argmax())]
    for token in reference.tokens[:-1]:
        tokens.append(int(decoder.step([token])[-1].argmax()))
    found = [float(logits[entry.token]) for entry in reference.logits]
    return _compare(tokens[: len(reference.tokens)], found, manifest, variant, decoder.kv_dtype)


def _seq2seq_reference(runner: OrtSeq2Seq, manifest: Manifest, variant: Variant) -> tuple[bool, str]:
    reference, start = manifest.reference, _start(manifest)
    tokens = runner.greedy(reference.prompt_tokens, start, len(reference.tokens), manifest.special_tokens.eos)
    runner.reset()
    logits = runner.step(start)[-1]
    found = [float(logits[entry.token]) for entry in reference.logits]
    return _compare(tokens, found, manifest, variant, np.dtype(np.float32))


def _encoder_reference(runner: OrtEncoder, manifest: Manifest, variant: Variant) -> tuple[bool, str]:
    from slm_export.verify_encoder import output_of

    if manifest.encoder is None or manifest.reference.outputs is None:
        return False, "the manifest states no reference outputs. Export the bundle again."
    found = output_of(manifest.encoder, runner.run(manifest.reference.prompt_tokens)).ravel()
    error = float(np.abs(found - np.array(manifest.reference.outputs)).max())
    largest = max(1.0, *(abs(value) for value in manifest.reference.outputs))
    allowed = max(_MARGIN * variant.fidelity.max_reference_logit_error, TOLERANCE[np.dtype(np.float32)] * largest)
    return error <= allowed, f"its outputs are off by {error:.4g} ({allowed:.4g} allowed)"


def _compare(
    tokens: Sequence[int], logits: Sequence[float], manifest: Manifest, variant: Variant, dtype: np.dtype[np.generic]
) -> tuple[bool, str]:
    """The reference's tokens exactly, its logits within rounding of the variant's own, else within a margin of PyTorch's."""
    reference = manifest.reference
    allowed = TOLERANCE[dtype] * max([1.0, *(abs(entry.logit) for entry in reference.logits)])
    expected = variant.reference_logits
    if expected is None:
        expected = tuple(entry.logit for entry in reference.logits)
        allowed = max(allowed, _MARGIN * variant.fidelity.max_reference_logit_error)
    error = max((abs(a - b) for a, b in zip(logits, expected, strict=True)), default=0.0)
    if tuple(tokens) != reference.tokens:
        return False, f"answers {list(tokens)} where the reference is {list(reference.tokens)}"
    found = (
        f"{len(tokens)} tokens after {len(reference.prompt_tokens)} as stated, logits off by {error:.4g} ({allowed:.4g} allowed)"
    )
    return error <= allowed, found  # NaN: False
