"""A finished bundle against its source in PyTorch: the measurements of an export again, on any text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slm_export import checkpoint as checkpoints
from slm_export import golden
from slm_export.errors import VerifyError
from slm_export.manifest import Fidelity, Manifest, Reference
from slm_export.memory import map_large_arrays
from slm_export.original import PROSE_NAME, Original, prose, run_original
from slm_export.progress import Reporter
from slm_export.recheck import Check
from slm_export.report import ReportInputs
from slm_export.sources import Origin
from slm_export.variants import RECIPES
from slm_export.verify import Measured, fidelity_of, measure_variant


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. `fidelities` and `report.measured` by variant name."""

    checks: tuple[Check, ...]
    fidelities: Mapping[str, Fidelity]
    report: ReportInputs


def compare_with_source(bundle: Path, manifest: Manifest, origin: Origin, text: Path | None, reporter: Reporter) -> Comparison:
    """Measure every variant of `bundle` against `origin` on the file `text`, or on the built-in prose.

    Raises: VerifyError for a source that is no decoder or has another vocabulary, and for a text that cannot be used.
    """
    if manifest.architecture != "decoder":
        raise VerifyError(
            f"{manifest.id} is an {manifest.architecture} model: --reference compares decoder language models only so far. "
            "Its figures were measured at export and stand in its manifest; leave --reference out to check the bundle itself."
        )
    content, name = _text(text)
    map_large_arrays()
    with tempfile.TemporaryDirectory(prefix="slm-verify-") as folder:
        with reporter.step(f"Loading {origin.name} in PyTorch (float32)"):
            checkpoint = checkpoints.load(origin, Path(folder) / "float32")
        if int(checkpoint.config.vocab_size) != manifest.vocab_size:
            raise VerifyError(
                f"{origin.name} has a vocabulary of {checkpoint.config.vocab_size:,} tokens, {manifest.id} one of "
                f"{manifest.vocab_size:,}: it is not the source of this bundle, which was {manifest.source.ref}."
            )
        with reporter.step(f"Running the original over {name}"):
            original = run_original(checkpoint, Path(folder) / "original", reporter, text=content, text_name=name)
        if not any(True for _ in original.windows()):
            raise VerifyError(f"{name} has fewer than two tokens. Give a longer text.")
        recorded = golden.record(checkpoint.tokenizer, checkpoint.chat_template)
        checks = [_same_texts(bundle, manifest, recorded)]
        measured: dict[str, Measured] = {}
        for variant in manifest.variants:
            with reporter.step(f"Comparing {variant.name} with PyTorch"):
                measured[variant.name] = measure_variant(bundle / variant.graph, original, reporter)
        fidelities = {variant: fidelity_of(each, original, _any_reference(original)) for variant, each in measured.items()}
        checks += [check for variant in measured for check in _judge(variant, fidelities[variant], measured[variant])]
        report = ReportInputs(original, measured, checkpoint.tokenizer, checkpoint.chat_template)
    return Comparison(tuple(checks), fidelities, report)


def _text(path: Path | None) -> tuple[str, str]:
    if path is None:
        return prose(), PROSE_NAME
    try:
        return path.read_text(encoding="utf-8"), path.name
    except (OSError, UnicodeDecodeError) as error:
        raise VerifyError(f"{path} cannot be read as UTF-8 text: {error}. Give a plain text file.") from error


def _any_reference(original: Original) -> Reference:
    """Fidelity states the error at one prompt: here the first one."""
    prompt = original.prompts[0]
    return Reference(prompt.tokens, prompt.answer, prompt.logits)


def _same_texts(bundle: Path, manifest: Manifest, recorded: Mapping[str, object]) -> Check:
    wrong = golden.differences(bundle, manifest.prompts.chat_template, recorded)
    found = f"{len(golden.TEXTS)} texts split and every conversation rendered as the source does"
    return Check("texts = source", manifest.id, not wrong, "\n    ".join(wrong) or found)


def _judge(name: str, fidelity: Fidelity, measured: Measured) -> list[Check]:
    """The limits are those of the export (variants.py); a variant that this version does not know has none."""
    parts = [_divergence(position) for position in measured.divergences]
    found = (
        f"perplexity ratio {fidelity.perplexity_ratio:.4f}, top-1 {fidelity.top1_agreement:.2%}, mean KL {fidelity.mean_kl:.3g}, "
        f"99 % of KL below {fidelity.p99_kl:.3g}, greedy parts at {', '.join(parts)}"
    )
    passed = True
    recipe = RECIPES.get(name)
    if recipe:
        passed = fidelity.perplexity_ratio <= recipe.max_perplexity_ratio
        passed = passed and fidelity.top1_agreement >= recipe.min_top1_agreement
        found += f" (at most {recipe.max_perplexity_ratio}, at least {recipe.min_top1_agreement:.0%})"
    fault = measured.kv.fault(name)
    return [Check("fidelity", name, passed, found), Check("kv-cache on text", name, fault is None, fault or "equal")]


def _divergence(position: int | None) -> str:
    return "–" if position is None else str(position + 1)
