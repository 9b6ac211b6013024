"""A finished bundle against its source in PyTorch: the measurements of an export again, on any text."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slm_export import golden, model_kind
from slm_export.errors import VerifyError
from slm_export.manifest import Fidelity, Manifest, Reference
from slm_export.memory import map_large_arrays
from slm_export.model_kind import ModelKind
from slm_export.original import PROSE_NAME, prose
from slm_export.progress import Reporter
from slm_export.recheck import Check
from slm_export.report import ReportInputs
from slm_export.sources import Origin
from slm_export.variant_recipes import RECIPES
from slm_export.verify import Measured, faults, fidelity_of


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was found. `fidelities` and `report.measured` by variant name."""

    checks: tuple[Check, ...]
    fidelities: Mapping[str, Fidelity]
    report: ReportInputs


def compare_with_source(bundle: Path, manifest: Manifest, origin: Origin, text: Path | None, reporter: Reporter) -> Comparison:
    """Measure every variant of `bundle` against `origin` on the file `text`, or on the built-in prose.

    Raises: VerifyError for a source of another kind or vocabulary, and for a text that cannot be used.
    """
    content, name = _text(text)
    map_large_arrays()
    with tempfile.TemporaryDirectory(prefix="slm-verify-") as folder:
        with reporter.step(f"Loading {origin.name} in PyTorch (float32)"):
            model_kind.load(origin, Path(folder) / "float32")
        kind = model_kind.open_kind(origin, Path(folder) / "float32")
        _require_same_model(kind, manifest, origin)
        with reporter.step(f"Running the original over {name}"):
            original = kind.run_original(Path(folder) / "original", reporter, text=content, text_name=name)
        recorded = golden.record(kind.tokenizer, kind.chat_template)
        checks = [_same_texts(bundle, manifest, recorded)]
        measured: dict[str, Measured] = {}
        for variant in manifest.variants:
            with reporter.step(f"Comparing {variant.name} with PyTorch"):
                measured[variant.name] = kind.measure((bundle / variant.graph).parent, original, reporter)
        reference = kind.any_reference(original)  # fidelity states the error at one prompt
        fidelities = {variant: fidelity_of(each, original, reference) for variant, each in measured.items()}
        for variant_name, each in measured.items():
            checks += _judge(kind, variant_name, fidelities[variant_name], each, reference)
        report = ReportInputs(original, measured, kind.tokenizer, kind.chat_template)
    return Comparison(tuple(checks), fidelities, report)


def _require_same_model(kind: ModelKind, manifest: Manifest, origin: Origin) -> None:
    facts = kind.facts
    if facts.architecture != manifest.architecture or facts.vocab_size != manifest.vocab_size:
        raise VerifyError(
            f"{origin.name} is of the kind {facts.architecture} with a vocabulary of {facts.vocab_size:,} tokens, "
            f"{manifest.id} of the kind {manifest.architecture} with {manifest.vocab_size:,}: "
            f"it is not the source of this bundle, which was {manifest.source.ref}."
        )


def _text(path: Path | None) -> tuple[str, str]:
    if path is None:
        return prose(), PROSE_NAME
    try:
        return path.read_text(encoding="utf-8"), path.name
    except (OSError, UnicodeDecodeError) as error:
        raise VerifyError(f"{path} cannot be read as UTF-8 text: {error}. Give a plain text file.") from error


def _same_texts(bundle: Path, manifest: Manifest, recorded: Mapping[str, object]) -> Check:
    wrong = golden.differences(bundle, manifest.prompts.chat_template, recorded)
    found = f"{len(golden.TEXTS)} texts split and every conversation rendered as the source does"
    return Check("texts = source", manifest.id, not wrong, "\n    ".join(wrong) or found)


def _judge(kind: ModelKind, name: str, fidelity: Fidelity, measured: Measured, reference: Reference) -> list[Check]:
    """The limits are those of the export; a variant that this version does not know has none."""
    found = (
        f"perplexity ratio {fidelity.perplexity_ratio:.4f}, top-1 {fidelity.top1_agreement:.2%}, mean KL {fidelity.mean_kl:.3g}, "
        f"99 % of KL below {fidelity.p99_kl:.3g}, "
    )
    found += f"largest distance {max(measured.distances):.3g}" if measured.distances else _greedy(measured)
    passed = True
    for recipe in kind.recipes([name] if name in RECIPES else []):
        passed = fidelity.perplexity_ratio <= recipe.max_perplexity_ratio
        passed = passed and fidelity.top1_agreement >= recipe.min_top1_agreement
        found += f" (at most {recipe.max_perplexity_ratio}, at least {recipe.min_top1_agreement:.0%})"
    wrong = faults(name, measured, fidelity, reference)
    what = "kv-cache on text" if measured.kv else "outputs"
    return [Check("fidelity", name, passed, found), Check(what, name, not wrong, "\n    ".join(wrong) or "equal")]


def _greedy(measured: Measured) -> str:
    return f"greedy parts at {', '.join(_divergence(position) for position in measured.divergences)}"


def _divergence(position: int | None) -> str:
    return "–" if position is None else str(position + 1)
