"""`slm-export verify`."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slm_export.cli_errors import JobFailed
from slm_export.errors import VerifyError
from slm_export.manifest import Manifest, load_manifest
from slm_export.options import ExportOptions
from slm_export.progress import Reporter

if TYPE_CHECKING:
    from slm_export.against_source import Comparison
    from slm_export.recheck import Check
    from slm_export.sources import Origin


@click.command(short_help="Prove that a bundle is whole and true.")
@click.argument("bundle", type=click.Path(file_okay=False, path_type=Path))
@click.option("--reference", metavar="SOURCE", help="Compare with this source in PyTorch too: anything that `model` takes.")
@click.option(
    "--text", type=click.Path(dir_okay=False, path_type=Path), help="UTF-8 text to compare on. Default: the built-in prose."
)
@click.option(
    "--report",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the comparison as a page and JSON into this folder.",
)
@click.option("--revision", help="Revision (branch, tag or commit) of a Hugging Face repository.")
@click.option("--adapter", type=click.Path(file_okay=False, path_type=Path), help="LoRA adapter that was merged into the model.")
@click.option("--chat-template", help="The chat template that the export was given: a known name or a file.")
@click.option("--allow-pickle", is_flag=True, help="Read pickle weights of SOURCE where there are no safetensors.")
@click.option("--downloads", type=click.Path(file_okay=False, path_type=Path), help="Where downloaded checkpoints are kept.")
@click.option("--files-only", is_flag=True, help="Only sizes and hashes: a second instead of a minute.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout and nothing else.")
def verify(
    bundle: Path,
    reference: str | None,
    text: Path | None,
    report: Path | None,
    revision: str | None,
    adapter: Path | None,
    chat_template: str | None,
    allow_pickle: bool,
    downloads: Path | None,
    files_only: bool,
    as_json: bool,
) -> None:
    """Prove that BUNDLE is whole and, with --reference, that it is still the model it was made from.

    Alone: every file against its hash, tokenizer and chat template against what the original gave at export, and each
    variant in ONNX Runtime: its graph loads, gives the manifest's reference tokens and logits, and answers the same with
    and without its KV cache. With --reference also top-1 agreement, KL, perplexity ratio and greedy answers against
    PyTorch. Exit code 1 with a list where something is wrong.

    \b
    slm-export verify .data/models/smollm2-135m-instruct
    slm-export verify my-bundle --reference owner/model --text letters.txt --report report
    """
    if reference is None and (text or report or revision):
        raise click.UsageError("--text, --report and --revision need --reference SOURCE.")
    if reference is not None and files_only:
        raise click.UsageError("--files-only and --reference exclude each other.")
    reporter = Reporter(quiet=as_json)
    manifest = load_manifest(bundle)
    checks = _checks(bundle, manifest, reporter, files_only=files_only)
    comparison = None
    if reference is not None and all(check.passed for check in checks):
        options = ExportOptions(revision, adapter, chat_template, None, allow_pickle)
        origin = _resolve(reference, downloads or bundle.resolve().parent.parent / "downloads", options, reporter)
        comparison = _compare(bundle, manifest, origin, text, reporter)
        checks += comparison.checks
        if report is not None:
            _write_report(report, manifest, comparison)
    result = _json(checks, comparison, manifest, bundle)
    failure = _failure(checks, bundle)
    if failure is not None and as_json:
        raise JobFailed(failure, result)
    _print(checks, result, manifest, as_json)
    if failure is not None:
        raise failure


def _checks(bundle: Path, manifest: Manifest, reporter: Reporter, *, files_only: bool) -> list[Check]:
    if files_only:
        from slm_export.integrity import check_files

        check_files(bundle, manifest)
        return []
    from slm_export.recheck import check_bundle

    return check_bundle(bundle, manifest, reporter)


def _failure(checks: Sequence[Check], bundle: Path) -> VerifyError | None:
    failures = [check for check in checks if not check.passed]
    if not failures:
        return None
    listed = "\n  ".join(f"{check.subject}: {check.name}: {check.detail}" for check in failures)
    return VerifyError(
        f"{bundle} failed {len(failures)} of {len(checks)} checks:\n  {listed}\n"
        "Do not use it: export the model again (slm-export model SOURCE --out BUNDLE)."
    )


def _resolve(reference: str, downloads: Path, options: ExportOptions, reporter: Reporter) -> Origin:
    from slm_export.sources import resolve

    return resolve(reference, downloads=downloads, reporter=reporter, options=options)


def _compare(bundle: Path, manifest: Manifest, origin: Origin, text: Path | None, reporter: Reporter) -> Comparison:
    from slm_export.against_source import compare_with_source  # PyTorch: seconds that a check of files must not wait for

    return compare_with_source(bundle, manifest, origin, text, reporter)


def _write_report(folder: Path, manifest: Manifest, comparison: Comparison) -> None:
    from slm_export.report import write_report

    variants = tuple(dataclasses.replace(v, fidelity=comparison.fidelities[v.name]) for v in manifest.variants)
    write_report(folder, dataclasses.replace(manifest, variants=variants), comparison.report)


def _json(checks: Sequence[Check], comparison: Comparison | None, manifest: Manifest, bundle: Path) -> dict[str, object]:
    return {
        "bundle": os.fspath(bundle),
        "id": manifest.id,
        "passed": all(check.passed for check in checks),
        "checks": [dataclasses.asdict(check) for check in checks],
        "reference": _reference_json(comparison),
    }


def _print(checks: Sequence[Check], result: dict[str, object], manifest: Manifest, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result, ensure_ascii=False))
        return
    for check in checks:
        click.echo(f"{'ok    ' if check.passed else 'FAILED'}  {check.subject:14}  {check.name:16}  {check.detail}")
    if not checks:
        click.echo(f"ok      {manifest.id}: {len(manifest.all_files())} files as the manifest lists them")


def _reference_json(comparison: Comparison | None) -> dict[str, object] | None:
    if comparison is None:
        return None
    original = comparison.report.original
    return {
        "text": original.text_name,
        "text_sha256": original.text_sha256,
        "variants": [
            {
                "name": name,
                "fidelity": dataclasses.asdict(fidelity),
                "greedy_divergence": list(comparison.report.measured[name].divergences),
                "kv_cache": None if (kv := comparison.report.measured[name].kv) is None else dataclasses.asdict(kv),
            }
            for name, fidelity in comparison.fidelities.items()
        ],
    }
