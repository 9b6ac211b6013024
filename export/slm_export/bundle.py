"""Checkpoint → verified bundle folder: convert, compare, describe, and only then rename into place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from slm_export import export_stages, model_kind
from slm_export.card import model_card
from slm_export.chat_templates import browser_note, no_template_note
from slm_export.describe import Outcome, describe, write_texts
from slm_export.errors import ExportInterrupted, VerifyError
from slm_export.export_inputs import INPUTS_NAME, export_inputs
from slm_export.export_stages import WORK
from slm_export.integrity import check_files
from slm_export.kind_choice import is_decoder, variants_for
from slm_export.manifest import MANIFEST_NAME, Manifest, load_manifest, to_json
from slm_export.memory import leave_out_libraries, map_large_arrays
from slm_export.model_kind import ModelKind
from slm_export.output_lock import output_lock
from slm_export.preflight import require_own_folder
from slm_export.progress import Reporter
from slm_export.report import REPORT_FOLDER, write_report
from slm_export.sources import Origin
from slm_export.stages import Stage, Stages, finished_stages
from slm_export.variant_recipes import RECIPES, Recipe


def export_bundle(origin: Origin, out: Path, variants: Sequence[str], reporter: Reporter, *, resume: bool = False) -> Manifest:
    """Export `origin` to the folder `out`, which appears only when every variant has passed its thresholds.

    With `resume`, the finished stages of an interrupted export of the same inputs are kept.

    Raises: SlmError of any kind (another export that writes to `out` is one), ExportInterrupted for Ctrl-C; `out` is then as it
    was before.
    """
    require_own_folder(out)
    map_large_arrays()
    leave_out_libraries()
    with output_lock(out):
        return _export(origin, out, variants, reporter, resume=resume)


def _export(origin: Origin, out: Path, variants: Sequence[str], reporter: Reporter, *, resume: bool) -> Manifest:
    part = out.with_name(f".{out.name}.part")
    inputs = export_inputs(origin, variants)
    try:
        _prepare(part, inputs, reporter, resume=resume)
        manifest = _fill(origin, part, variants, inputs, reporter)
        (part / INPUTS_NAME).write_text(json.dumps({"inputs": inputs}) + "\n", encoding="utf-8")
        shutil.rmtree(part / WORK)
        _install(part, out)
    except KeyboardInterrupt as error:
        raise _interrupted(part) from error
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    reporter.say(f"Bundle ready: {out}")
    return manifest


def _prepare(part: Path, inputs: str, reporter: Reporter, *, resume: bool) -> None:
    """An empty part folder, or that of the interrupted export of the same inputs."""
    recorded = part / WORK / "inputs"
    is_same = recorded.is_file() and recorded.read_text(encoding="utf-8") == inputs
    if resume and is_same:
        return
    if is_same and finished_stages(part):
        reporter.say("An interrupted export of the same model is started afresh (--resume would continue it)")
    elif resume:
        what = "was of other inputs (model, variants, exporter version)" if part.exists() else "is not there"
        reporter.say(f"Nothing to resume: the interrupted export {what}. Starting afresh")
    if part.exists():
        shutil.rmtree(part)
    recorded.parent.mkdir(parents=True)
    recorded.write_text(inputs, encoding="utf-8")


def _interrupted(part: Path) -> ExportInterrupted:
    count = finished_stages(part)
    if count == 0:
        shutil.rmtree(part, ignore_errors=True)
        return ExportInterrupted("Interrupted before anything was finished; nothing is left behind. Run the command again.")
    size_bytes = sum(path.stat().st_size for path in part.rglob("*") if path.is_file())
    return ExportInterrupted(
        f"Interrupted; {count} finished stage{'s' if count > 1 else ''} ({size_bytes / 1e6:.0f} MB) kept in {part}. "
        "Run the same command with --resume to continue there, without it to start afresh, or remove that folder."
    )


def _fill(origin: Origin, part: Path, variants: Sequence[str], inputs: str, reporter: Reporter) -> Manifest:
    names = variants_for(origin, variants)
    source = part / WORK / "float32"
    load = Stage(
        "load",
        f"Loading {origin.name} in PyTorch (float32)",
        (WORK / "float32",),
        lambda: model_kind.load(origin, source),
    )
    stages = Stages(part, inputs, reporter, total=1 + export_stages.count([RECIPES[name] for name in names]))
    stages.run([load])
    kind = model_kind.open_kind(origin, source)
    if is_decoder(origin) and kind.chat_template is None and origin.options.task is None:
        reporter.say(no_template_note(origin.name))
    if kind.chat_template and (note := browser_note(kind.chat_template)):
        reporter.say(note)
    recipes = kind.recipes(names)
    stages.run(export_stages.stages(kind, part, recipes, reporter))
    outcome = export_stages.outcome(kind, part, recipes)
    _judge(recipes, outcome, reporter)
    return _finish(origin, kind, part, recipes, outcome)


def _finish(origin: Origin, kind: ModelKind, part: Path, recipes: Sequence[Recipe], outcome: Outcome) -> Manifest:
    write_texts(origin, kind.folder, part)
    manifest = describe(origin, kind.facts, part, recipes, outcome)
    (part / "README.md").write_text(model_card(manifest), encoding="utf-8")
    write_report(part / REPORT_FOLDER, manifest, export_stages.report_inputs(kind, part, recipes))
    manifest = describe(origin, kind.facts, part, recipes, outcome)  # now with the digests of card and report
    (part / MANIFEST_NAME).write_text(to_json(manifest), encoding="utf-8")
    check_files(part, load_manifest(part))
    return manifest


def _judge(recipes: Sequence[Recipe], outcome: Outcome, reporter: Reporter) -> None:
    failures = list(outcome.faults)
    for recipe in recipes:
        fidelity = outcome.fidelities[recipe.name]
        reporter.say(
            f"  {recipe.name}: perplexity ratio {fidelity.perplexity_ratio:.4f}, top-1 {fidelity.top1_agreement:.2%}, "
            f"mean KL {fidelity.mean_kl:.4f}, greedy equal {fidelity.greedy_prompts_equal}/{fidelity.greedy_prompts}"
        )
        if fidelity.perplexity_ratio > recipe.max_perplexity_ratio or fidelity.top1_agreement < recipe.min_top1_agreement:
            failures.append(
                f"{recipe.name}: perplexity ratio {fidelity.perplexity_ratio:.4f} (at most {recipe.max_perplexity_ratio}), "
                f"top-1 agreement {fidelity.top1_agreement:.2%} (at least {recipe.min_top1_agreement:.0%})"
            )
    if failures:
        raise VerifyError("The export differs too much from the original and was not installed:\n  " + "\n  ".join(failures))


def _install(part: Path, out: Path) -> None:
    """Two renames; what was there before goes away only after the new one stands."""
    old = out.with_name(f".{out.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    try:
        if out.exists():
            out.replace(old)
        part.replace(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.replace(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
