"""What a batch leaves beside its bundles: one table, on screen and as summary.json and summary.csv."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from slm_export.batch import Progress
from slm_export.json_fields import ManifestError
from slm_export.manifest import load_manifest

FORMAT = 1
LAST_LINES = 8
_COLUMNS = (
    "model",
    "variant",
    "size_bytes",
    "bits_per_weight",
    "perplexity_ratio",
    "top1_agreement",
    "seconds",
    "state",
    "error",
)


def summary(models: Sequence[Progress], *, engine: str, seconds: float) -> dict[str, Any]:
    """Everything as JSON values; sizes in bytes, times in seconds of wall clock. Variants are read from the bundles."""
    return {
        "format": FORMAT,
        "engine": engine,
        "seconds": round(seconds, 1),
        "models": [_model(model) for model in models],
    }


def _model(model: Progress) -> dict[str, Any]:
    return {
        "name": model.job.name,
        "source": model.job.source,
        "bundle": str(model.job.bundle),
        "state": model.state,
        "seconds": round(model.seconds, 1),
        "attempts": model.attempts,
        "error": model.error,
        "log": str(model.job.log),
        "variants": _variants(model.job.bundle) if model.state in ("exported", "current") else [],
    }


def _variants(bundle: Path) -> list[dict[str, Any]]:
    try:
        manifest = load_manifest(bundle)
    except (OSError, ManifestError):  # someone has removed it meanwhile
        return []
    return [
        {
            "name": variant.name,
            "size_bytes": sum(entry.size_bytes for entry in variant.files),
            "bits_per_weight": variant.bits_per_weight,
            "perplexity_ratio": variant.fidelity.perplexity_ratio,
            "top1_agreement": variant.fidelity.top1_agreement,
        }
        for variant in manifest.variants
    ]


def write_summary(found: dict[str, Any], folder: Path) -> None:
    """summary.json and summary.csv, each written beside and renamed."""
    rows = io.StringIO(newline="")
    writer = csv.DictWriter(rows, _COLUMNS, lineterminator="\n", extrasaction="ignore", restval="")
    writer.writeheader()
    for model in found["models"]:
        shared = {"model": model["name"], "seconds": model["seconds"], "state": model["state"], "error": model["error"] or ""}
        for variant in model["variants"] or [{"name": ""}]:
            writer.writerow({**variant, **shared, "variant": variant["name"]})
    texts = {"summary.json": json.dumps(found, indent=1, ensure_ascii=False) + "\n", "summary.csv": rows.getvalue()}
    for name, text in texts.items():
        unfinished = folder / f".{name}.part"
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(folder / name)


def print_summary(found: dict[str, Any], console: Console) -> None:
    """The table, one line a variant."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("model", no_wrap=True)
    table.add_column("variant", no_wrap=True)
    for name in ("MB", "bits/weight", "ppl ratio", "top-1", "seconds"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    for model in found["models"]:
        ran = model["attempts"] > 0
        last = (f"{model['seconds']:.0f}" if ran else "", _state(model))
        if not model["variants"]:
            table.add_row(model["name"], "", "", "", "", "", *last)
        for index, variant in enumerate(model["variants"]):
            table.add_row(
                "" if index else model["name"],
                variant["name"],
                f"{variant['size_bytes'] / 1e6:.1f}",
                f"{variant['bits_per_weight']:.2f}",
                f"{variant['perplexity_ratio']:.4f}",
                f"{variant['top1_agreement']:.2%}",
                *(("", "") if index else last),
            )
    console.print(table)


def _state(model: dict[str, Any]) -> str:
    tries = model["attempts"]
    return f"{model['state']} (attempt {tries})" if tries > 1 else str(model["state"])


def print_failures(models: Sequence[Progress], say: Any) -> None:
    """Why each one that failed did, and the end of its log where that says more."""
    for model in models:
        if model.error is None or model.state not in ("failed", "refused", "interrupted"):
            continue
        say(f"\n{model.job.name}: {model.state}. {model.error}")
        if model.state == "failed" and model.attempts:
            for line in last_lines(model.job.log, model.error):
                say(f"    {line}")
            say(f"    (whole log: {model.job.log})")


def last_lines(log: Path, error: str) -> list[str]:
    """The last lines of a log but for the error itself, which has been said."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    said = {f"Error: {error}".splitlines()[0], *error.splitlines()}
    return [line for line in lines if line.strip() and line not in said and not line.startswith("# process")][-LAST_LINES:]
