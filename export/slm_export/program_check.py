"""Is a CPU variant's program the model, and how far do 8-bit activations move it? For the manifest; seconds per model."""

from __future__ import annotations

from pathlib import Path

import onnx

from slm_export.decoder_program import PROGRAM_NAME
from slm_export.errors import VerifyError
from slm_export.manifest import Program, Reference
from slm_export.program_graph import read_program
from slm_export.program_run import run_program

ROUNDING = 1e-3  # of the largest logit: float32 sums in another order


def check_program(folder: Path, graph: str, reference: Reference, own_logits: tuple[float, ...] | None) -> Program | None:
    """The manifest's entry for the program in the variant's `folder`; None where it has none.

    `own_logits` are the graph's, at the tokens of `reference.logits`.

    Raises: VerifyError where the program gives other logits than the graph.
    """
    if own_logits is None or not (folder / PROGRAM_NAME).is_file():
        return None
    program = read_program(onnx.load(folder / graph, load_external_data=False))
    tokens, count = (*reference.prompt_tokens, *reference.tokens[:-1]), len(reference.tokens)
    ids = [entry.token for entry in reference.logits]
    exact = run_program(program, folder, tokens, last=count)[:, ids]
    rounded = run_program(program, folder, tokens, last=count, rounds_activations=True)[:, ids]
    error = max(abs(logit - own) for logit, own in zip(exact[0].tolist(), own_logits, strict=True))
    if not error <= ROUNDING * max(1.0, *map(abs, own_logits)):
        raise VerifyError(
            f"{folder.name}: its program gives other logits than its graph (off by {error:.3g}). This is a fault of the "
            "exporter: please report the model's name."
        )
    rows = tuple(tuple(round(logit, 4) for logit in row) for row in exact.tolist())
    activation_error = float((rounded - exact).square().mean().sqrt())
    return Program(f"{folder.name}/{PROGRAM_NAME}", rows, float(f"{activation_error:.6g}"))
