"""The stages of an export after loading, the same for every kind of model: PyTorch pass, graph, then variant by variant."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from slm_export.describe import Outcome
from slm_export.memory import return_freed_memory
from slm_export.model_kind import ModelKind
from slm_export.original import PROSE_NAME, open_original, prose
from slm_export.program_check import check_program
from slm_export.progress import Reporter
from slm_export.report import ReportInputs
from slm_export.stages import Stage
from slm_export.variant_recipes import Recipe
from slm_export.verify import Measured, faults, fidelity_of, read_measured, write_measured

WORK = Path(".work")
_ORIGINAL, _GRAPH, _MEASURED = WORK / "original", WORK / "graph", WORK / "measured"
_CALIBRATED = WORK / "calibrated.npz"


def count(recipes: Sequence[Recipe]) -> int:
    """How many stages `stages` gives for these variants."""
    return 2 + any(recipe.layer_bits == 4 for recipe in recipes) + 2 * len(recipes)


def stages(kind: ModelKind, part: Path, recipes: Sequence[Recipe], reporter: Reporter) -> list[Stage]:
    """All stages after loading, in order. Only one of them at a time holds the model, or a variant of it, in memory."""

    def original() -> None:
        kind.run_original(part / _ORIGINAL, reporter, text=prose(), text_name=PROSE_NAME)

    def graph() -> None:
        kind.build_graph(part / _GRAPH)
        return_freed_memory()

    def quantise(recipe: Recipe) -> None:
        kind.write_variant(part / _GRAPH, recipe, part / recipe.name, part / _CALIBRATED)
        return_freed_memory()

    def compare(recipe: Recipe) -> None:
        measured = kind.measure(part / recipe.name, open_original(part / _ORIGINAL), reporter)
        path = part / _measured(recipe)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_measured(measured, path)

    size = f"{kind.facts.parameters / 1e6:.1f} M parameters"
    result = [
        Stage("original", "Running the original in PyTorch", (_ORIGINAL,), original),
        Stage("graph", f"Building the float32 graph of {size}", (_GRAPH,), graph),
    ]
    if kind.calibrate and any(recipe.layer_bits == 4 for recipe in recipes):
        fit = partial(kind.calibrate, part / _CALIBRATED, reporter)
        result.append(Stage("calibrate", "Fitting 4-bit weights to the model's own text", (_CALIBRATED,), fit))
    for recipe in recipes:
        name, verb = recipe.name, "Quantising" if recipe.layer_bits <= 8 else "Writing"
        result.append(Stage(f"quantise-{name}", f"{verb} {name}", (Path(name),), partial(quantise, recipe)))
        title = f"Comparing {name} with PyTorch"
        result.append(Stage(f"compare-{name}", title, (_measured(recipe),), partial(compare, recipe)))
    return result


def outcome(kind: ModelKind, part: Path, recipes: Sequence[Recipe]) -> Outcome:
    """What the finished stages found.

    Raises: VerifyError where the variants agree with PyTorch on no reference token.
    """
    original, measured = open_original(part / _ORIGINAL), _all_measured(part, recipes)
    prompt, reference = kind.choose_reference(original, measured)
    fidelities = {name: fidelity_of(each, original, reference) for name, each in measured.items()}
    own = kind.states_own_logits
    logits = {name: each.prompt_logits[prompt] if own else None for name, each in measured.items()}
    return Outcome(
        reference=reference,
        fidelities=fidelities,
        reference_logits=logits,
        programs={name: check_program(part / name, kind.facts.graph, reference, each) for name, each in logits.items()},
        faults=tuple(fault for name, each in measured.items() for fault in faults(name, each, fidelities[name], reference)),
    )


def report_inputs(kind: ModelKind, part: Path, recipes: Sequence[Recipe]) -> ReportInputs:
    """What the report shows beyond the manifest."""
    return ReportInputs(open_original(part / _ORIGINAL), _all_measured(part, recipes), kind.tokenizer, kind.chat_template)


def _all_measured(part: Path, recipes: Sequence[Recipe]) -> dict[str, Measured]:
    return {recipe.name: read_measured(part / _measured(recipe)) for recipe in recipes}


def _measured(recipe: Recipe) -> Path:
    return _MEASURED / f"{recipe.name}.json"
