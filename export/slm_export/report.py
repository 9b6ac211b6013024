"""The report in a bundle: `report/report.json` for programs, `report/index.html` for people (one file, no script).

It holds what verification measured at export, how, and with which library versions; no date, so that the same export
gives the same bytes.
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from slm_export import golden
from slm_export.manifest import Manifest, Variant
from slm_export.original import WINDOW_TOKENS, Original
from slm_export.plots import Plot, along_text, sorted_curve
from slm_export.verify import Measured

REPORT_FOLDER = "report"
FORMAT = 1
_LIBRARIES = ("torch", "transformers", "onnxruntime", "onnxruntime-genai", "optimum-onnx", "onnx", "tokenizers", "numpy")


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """What the report shows beyond the manifest. `measured` by variant name; `tokenizer` is the original's (transformers)."""

    original: Original
    measured: Mapping[str, Measured]
    tokenizer: Any
    chat_template: str | None


def write_report(folder: Path, manifest: Manifest, inputs: ReportInputs) -> None:
    """Write report.json and index.html into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data = report_data(manifest, inputs)
    (folder / "report.json").write_text(json.dumps(data, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    (folder / "index.html").write_text(report_page(data), encoding="utf-8")


def report_data(manifest: Manifest, inputs: ReportInputs) -> dict[str, Any]:
    """The contents of report.json."""
    original = inputs.original
    any_measured = next(iter(inputs.measured.values()))
    prompts = [
        {
            "text": inputs.tokenizer.decode(list(prompt.tokens)),
            "tokens": len(prompt.tokens),
            "answer": inputs.tokenizer.decode(list(prompt.answer)),
            "answer_tokens": len(prompt.answer),
        }
        for prompt in original.prompts
    ]
    return {
        "format": FORMAT,
        "model": {key: getattr(manifest, key) for key in ("id", "name", "family", "architecture", "parameters")},
        "source": asdict(manifest.source),
        "text": {
            "name": original.text_name,
            "sha256": original.text_sha256,
            "tokens": len(any_measured.kl),
            "window_tokens": min(WINDOW_TOKENS, original.window_tokens),
        },
        "original": {"perplexity": _digits(math.exp(any_measured.nll_original / any_measured.predicted))},
        "prompts": prompts,
        "variants": [_variant(variant, inputs.measured[variant.name]) for variant in manifest.variants],
        "golden": golden.record(inputs.tokenizer, inputs.chat_template),
        "environment": {
            "python": platform.python_version(),
            "slm-playground": version("slm-playground"),
            **{name: version(name) for name in _LIBRARIES},
        },
    }


def _variant(variant: Variant, measured: Measured) -> dict[str, Any]:
    return {
        "name": variant.name,
        "device": variant.device,
        "size_bytes": sum(entry.size_bytes for entry in variant.files),
        "bits_per_weight": variant.bits_per_weight,
        **asdict(variant.fidelity),
        "perplexity": _digits(math.exp(measured.nll_variant / measured.predicted)),
        "greedy_divergence": list(measured.divergences),
        "kv_cache": asdict(measured.kv),
        "kl": [float(f"{value:.3g}") for value in measured.kl],
    }


def report_page(data: Mapping[str, Any]) -> str:
    """The HTML page of a report.json."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    series = {variant["name"]: variant["kl"] for variant in data["variants"]}
    plots: list[Plot] = [along_text(series), sorted_curve(series)]
    style = Markup(_package_text("report.css"))
    return environment.from_string(_package_text("report.html.jinja")).render(report=data, plots=plots, style=style)


def _package_text(name: str) -> str:
    return (files("slm_export") / "data" / name).read_text(encoding="utf-8")


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
