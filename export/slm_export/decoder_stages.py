"""The export of a decoder language model, stage by stage: PyTorch pass, graph, then one variant at a time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from slm_export.calibrate import calibrate
from slm_export.checkpoint import Checkpoint
from slm_export.describe import Outcome
from slm_export.gguf_blocks import exact_int4
from slm_export.graph import build_float_graph, open_float_graph
from slm_export.memory import return_freed_memory
from slm_export.original import PROSE_NAME, open_original, prose, run_original
from slm_export.progress import Reporter
from slm_export.report import ReportInputs
from slm_export.row_store import RowStore
from slm_export.stages import Stage
from slm_export.variants import Recipe, write_variant
from slm_export.verify import choose_reference, fidelity_of, measure_variant, read_measured, write_measured

WORK = Path(".work")
_ORIGINAL, _GRAPH, _MEASURED = WORK / "original", WORK / "graph", WORK / "measured"
_CALIBRATED = WORK / "calibrated.npz"


def count(recipes: Sequence[Recipe]) -> int:
    """How many stages `stages` gives for these variants."""
    return 2 + any(recipe.layer_bits == 4 for recipe in recipes) + 2 * len(recipes)


def stages(
    checkpoint: Checkpoint, part: Path, recipes: Sequence[Recipe], reporter: Reporter, *, gguf: Path | None = None
) -> list[Stage]:
    """All stages after loading, in order. Only one of them at a time holds the model, or a variant of it, in memory.

    `gguf`: the source file whose weights the checkpoint has unchanged; what it has in 4-bit blocks is carried over.
    """

    def original() -> None:
        run_original(checkpoint, part / _ORIGINAL, reporter, text=prose(), text_name=PROSE_NAME)

    def graph() -> None:
        build_float_graph(checkpoint.folder, part / _GRAPH, head_dim=checkpoint.head_dim)
        return_freed_memory()

    def fit() -> None:
        (part / _CALIBRATED).parent.mkdir(parents=True, exist_ok=True)
        exact = exact_int4(gguf, checkpoint.config) if gguf else {}
        calibrate(checkpoint, part / _CALIBRATED, reporter, exact=exact)

    def quantise(recipe: Recipe) -> None:
        graph = open_float_graph(part / _GRAPH, head_dim=checkpoint.head_dim)
        calibrated = RowStore(part / _CALIBRATED) if recipe.layer_bits == 4 else None
        write_variant(graph, recipe, part / recipe.name, calibrated)
        return_freed_memory()

    def compare(recipe: Recipe) -> None:
        measured = measure_variant(part / recipe.name / "model.onnx", open_original(part / _ORIGINAL), reporter)
        path = part / _measured(recipe)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_measured(measured, path)

    result = [
        Stage("original", "Running the original in PyTorch", (_ORIGINAL,), original),
        Stage("graph", f"Building the fused graph of {checkpoint.parameters / 1e6:.1f} M parameters", (_GRAPH,), graph),
    ]
    if any(recipe.layer_bits == 4 for recipe in recipes):
        result.append(Stage("calibrate", "Fitting 4-bit weights to the model's own text", (_CALIBRATED,), fit))
    for recipe in recipes:
        name = recipe.name
        result.append(Stage(f"quantise-{name}", f"Quantising {name}", (Path(name),), partial(quantise, recipe)))
        title = f"Comparing {name} with PyTorch"
        result.append(Stage(f"compare-{name}", title, (_measured(recipe),), partial(compare, recipe)))
    return result


def outcome(part: Path, recipes: Sequence[Recipe]) -> Outcome:
    """What the finished stages found.

    Raises: VerifyError where the variants agree with PyTorch on no reference token.
    """
    original = open_original(part / _ORIGINAL)
    measured = {recipe.name: read_measured(part / _measured(recipe)) for recipe in recipes}
    prompt, reference = choose_reference(original, measured)
    return Outcome(
        reference=reference,
        fidelities={name: fidelity_of(each, original, reference) for name, each in measured.items()},
        reference_logits={name: each.prompt_logits[prompt] for name, each in measured.items()},
        faults=tuple(fault for name, each in measured.items() if (fault := each.kv.fault(name))),
    )


def report_inputs(checkpoint: Checkpoint, part: Path, recipes: Sequence[Recipe]) -> ReportInputs:
    """What the report shows beyond the manifest."""
    return ReportInputs(
        original=open_original(part / _ORIGINAL),
        measured={recipe.name: read_measured(part / _measured(recipe)) for recipe in recipes},
        tokenizer=checkpoint.tokenizer,
        chat_template=checkpoint.chat_template,
    )


def _measured(recipe: Recipe) -> Path:
    return _MEASURED / f"{recipe.name}.json"
