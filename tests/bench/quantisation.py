"""Ways to quantise one model, compared: python tests/bench/quantisation.py SOURCE [--json FILE] [--methods …]

A Markdown table on stdout: size, bits a weight (whole files ÷ parameters), seconds of fitting, perplexity ratio, top-1
agreement and mean KL against PyTorch on the exporter's prose, each method through the real graph in ONNX Runtime
(webgpu-q4f32's for 4 bits).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from slm_export import checkpoint as checkpoints
from slm_export.calibrate import calibrate
from slm_export.checkpoint import Checkpoint
from slm_export.graph import build_float_graph, open_float_graph
from slm_export.memory import return_freed_memory
from slm_export.original import PROSE_NAME, open_original, prose, run_original
from slm_export.progress import Reporter
from slm_export.row_store import RowStore
from slm_export.sources import resolve
from slm_export.variant_recipes import RECIPES
from slm_export.variants import write_variant
from slm_export.verify import measure_variant

# Title → variant and how its 4-bit weights are fitted (None: rounding to nearest).
METHODS: dict[str, tuple[str, Callable[..., None] | None]] = {
    "8-bit blocks of 32, rounded": ("cpu-int8", None),
    "4-bit, rounded to nearest": ("webgpu-q4f32", None),
    "4-bit, GPTQ": ("webgpu-q4f32", partial(calibrate, narrow_rare=False, widen=False)),
    "4-bit, GPTQ, worst matrices 8-bit": ("webgpu-q4f32", partial(calibrate, narrow_rare=False)),
    "4-bit, GPTQ, rare tokens 4-bit too": ("webgpu-q4f32", partial(calibrate, widen=False)),
    "4-bit, GPTQ, rare tokens 4-bit, worst matrices 8-bit": ("webgpu-q4f32", calibrate),
}


def compare(checkpoint: Checkpoint, work: Path, method: str, reporter: Reporter) -> dict[str, Any]:
    """Fit, write and measure one method."""
    variant, fit = METHODS[method]
    started = time.monotonic()
    if fit:
        fit(checkpoint, work / "calibrated.npz", reporter)
    seconds = time.monotonic() - started
    folder = work / "variant"
    for old in folder.glob("*"):
        old.unlink()
    rows = RowStore(work / "calibrated.npz") if fit else None
    write_variant(open_float_graph(work / "graph", head_dim=checkpoint.head_dim), RECIPES[variant], folder, rows)
    return_freed_memory()
    measured = measure_variant(folder / "model.onnx", open_original(work / "original"), reporter)
    size_bytes = sum(path.stat().st_size for path in folder.iterdir())
    return {
        "method": method,
        "size_megabytes": size_bytes / 1e6,
        "bits_per_weight": 8 * size_bytes / checkpoint.parameters,
        "fit_seconds": seconds,
        "perplexity_ratio": float(np.exp((measured.nll_variant - measured.nll_original) / measured.predicted)),
        "top1_agreement": measured.agreements / len(measured.kl),
        "mean_kl": float(np.mean(measured.kl)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--methods", nargs="*", choices=METHODS, default=list(METHODS))
    options = parser.parse_args()
    reporter = Reporter()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        origin = resolve(options.source, downloads=work / "downloads", revision=None, reporter=reporter)
        checkpoint = checkpoints.load(origin, work / "float32")
        run_original(checkpoint, work / "original", reporter, text=prose(), text_name=PROSE_NAME)
        build_float_graph(checkpoint.folder, work / "graph", head_dim=checkpoint.head_dim)
        rows = [compare(checkpoint, work, method, reporter) for method in options.methods]
    print("| method | size | bits a weight | fitting | perplexity ratio | same top token | mean KL |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        print(
            "| {method} | {size_megabytes:.1f} MB | {bits_per_weight:.2f} | {fit_seconds:.0f} s | {perplexity_ratio:.4f} "
            "| {top1_agreement:.2%} | {mean_kl:.4f} |".format(**row)
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
