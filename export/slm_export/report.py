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
from slm_export.plots import Plot, along_text, sorted_curve, text_by_text
from slm_export.verify import Measured

REPORT_FOLDER = "report"
FORMAT = 1
STRAYS = 8
_COSINE = "1 - cosine similarity to the original's vector"
_CHANCE = "largest difference of a label's probability"
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
    is_decoder = manifest.architecture == "decoder"  # whose prompts are made of special tokens
    prompts = [
        {
            "text": inputs.tokenizer.decode(list(prompt.tokens), skip_special_tokens=not is_decoder),
            "tokens": len(prompt.tokens),
            "answer": inputs.tokenizer.decode(list(prompt.answer), skip_special_tokens=not is_decoder),
            "answer_tokens": len(prompt.answer),
        }
        for prompt in original.prompts
    ]
    return {
        "format": FORMAT,
        "model": {key: getattr(manifest, key) for key in ("id", "name", "family", "architecture", "parameters")},
        "source": asdict(manifest.source),
        "is_embedding": bool(manifest.encoder and manifest.encoder.task == "embeddings"),
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
        "kv_cache": asdict(measured.kv) if measured.kv else None,
        "kl": [float(f"{value:.3g}") for value in measured.kl],
        "distances": [float(f"{value:.3g}") for value in measured.distances],
    }


def report_page(data: Mapping[str, Any]) -> str:
    """The HTML page of a report.json."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    style = Markup(_package_text("report.css"))
    is_encoder = data["model"]["architecture"] == "encoder"
    template = environment.from_string(_package_text("report.html.jinja"))
    plots = _plots(data, is_encoder=is_encoder)
    return template.render(report=data, plots=plots, style=style, is_encoder=is_encoder, strays=_strays(data))


def _strays(data: Mapping[str, Any]) -> list[int]:
    """The texts of an encoder's report with the largest distances of any variant."""
    worst = [max(values) for values in zip(*(variant["distances"] for variant in data["variants"]), strict=True)]
    return sorted(range(len(worst)), key=lambda index: -worst[index])[:STRAYS]


def _plots(data: Mapping[str, Any], *, is_encoder: bool) -> list[Plot]:
    series = {variant["name"]: variant["kl"] for variant in data["variants"]}
    if not is_encoder:
        return [along_text(series), sorted_curve(series)]
    distances = {variant["name"]: variant["distances"] for variant in data["variants"]}
    what = _COSINE if data["is_embedding"] else _CHANCE
    return [text_by_text(distances, what), sorted_curve(series, "answers")]


def _package_text(name: str) -> str:
    return (files("slm_export") / "data" / name).read_text(encoding="utf-8")


def _digits(value: float) -> float:
    return float(f"{value:.6g}")
