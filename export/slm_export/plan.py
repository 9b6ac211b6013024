"""What an export will make and need, before it does anything: sizes from shapes, memory, disk, time. Writes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_export.errors import ExportError, SourceError
from slm_export.recipes import RECIPES as MODELS
from slm_export.resources import available_memory_bytes, matmul_flops
from slm_export.shapes import Shapes, folder_shapes, gguf_shapes
from slm_export.sizes import estimated_bytes
from slm_export.variant_recipes import by_preference

# Upper bounds, not measurements of this model: the exporter's own limit is 2.2 x the float32 weights (issue's target).
PEAK_FLOAT32_COPIES = 2.2
BASE_MEMORY_BYTES = 1_000_000_000  # PyTorch, transformers and ONNX Runtime once imported, their work buffers
DISK_FLOAT32_COPIES = 2  # the checkpoint and its float32 graph stand side by side for a while
VERIFY_TOKENS = 2_200  # prose that PyTorch and every variant read in verification, counted by SmolLM2's tokenizer


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """A variant's estimated size; `bits_per_weight` counts everything in its files."""

    name: str
    device: str
    size_bytes: int
    bits_per_weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An export before it happens. All sizes are estimates but `available_memory_bytes` (None: unknown) and `free_disk_bytes`.

    `arithmetic_seconds` is the matrix arithmetic of verification alone at the speed measured just now (other programs slow
    it); calibrating 4-bit variants and reading and writing files come on top.
    """

    source: str
    architecture: str
    parameters: int
    float32_bytes: int
    variants: tuple[VariantPlan, ...]
    steps: tuple[str, ...]
    peak_memory_bytes: int
    peak_disk_bytes: int
    arithmetic_seconds: float
    available_memory_bytes: int | None
    free_disk_bytes: int


def checkpoint_shapes(source: str, downloads: Path) -> Shapes:
    """Shapes of a source whose files are on this disk.

    Raises: SourceError where they are not, or cannot be read.
    """
    path = Path(source).expanduser()
    if source in MODELS:
        path = downloads / Path(MODELS[source].source.member).name
        if not path.is_file():
            raise SourceError(
                f"{source} has not been downloaded to {downloads} yet, so its shapes are not known. Export it once."
            )
    if path.is_file() and path.suffix == ".gguf":
        return gguf_shapes(path)
    if path.is_dir():
        return folder_shapes(path)
    raise SourceError(
        f"{source} is not on this disk as a .gguf file or a Hugging Face folder, so nothing can be planned. Download it first."
    )


def make_plan(source: str, shapes: Shapes, out: Path, variants: Sequence[str]) -> Plan:
    """Plan the export of a model of these shapes to the folder `out` (which need not exist)."""
    float32_bytes = 4 * shapes.parameters
    recipes = by_preference(variants, shapes.parameters)
    sizes = [estimated_bytes(recipe, shapes) for recipe in recipes]
    return Plan(
        source=source,
        architecture=shapes.architecture,
        parameters=shapes.parameters,
        float32_bytes=float32_bytes,
        variants=tuple(
            VariantPlan(recipe.name, recipe.device, size, round(8 * size / max(shapes.parameters, 1), 2))
            for recipe, size in zip(recipes, sizes, strict=True)
        ),
        steps=(
            "load in PyTorch (float32)",
            "build the float32 graph",
            *(("calibrate the 4-bit matrices",) if any(recipe.layer_bits == 4 for recipe in recipes) else ()),
            *(f"write {recipe.name}" for recipe in recipes),
            "compare every variant with PyTorch",
        ),
        peak_memory_bytes=int(PEAK_FLOAT32_COPIES * float32_bytes) + BASE_MEMORY_BYTES,
        peak_disk_bytes=DISK_FLOAT32_COPIES * float32_bytes + sum(sizes),
        arithmetic_seconds=2.0 * shapes.parameters * VERIFY_TOKENS * (len(recipes) + 1) / matmul_flops(),
        available_memory_bytes=available_memory_bytes(),
        free_disk_bytes=shutil.disk_usage(_existing(out)).free,
    )


def problems(plan: Plan) -> list[str]:
    """Why this machine cannot do it, one sentence each; empty where it can."""
    found = []
    if plan.available_memory_bytes is not None and plan.peak_memory_bytes > plan.available_memory_bytes:
        found.append(
            f"It needs up to {plan.peak_memory_bytes / 1e9:.1f} GB of memory "
            f"({PEAK_FLOAT32_COPIES} × {plan.float32_bytes / 1e9:.1f} GB of float32 weights, and "
            f"{BASE_MEMORY_BYTES / 1e9:.1f} GB for the libraries), but {plan.available_memory_bytes / 1e9:.1f} GB are available. "
            "Close other programs, take a machine with more memory, or export a smaller model of the family."
        )
    if plan.peak_disk_bytes > plan.free_disk_bytes:
        found.append(
            f"It needs about {plan.peak_disk_bytes / 1e9:.1f} GB of disk while it runs, "
            f"but {plan.free_disk_bytes / 1e9:.1f} GB are free. Free some space, choose another --out, or make fewer variants."
        )
    return found


def require_resources(plan: Plan) -> None:
    """Raises: ExportError with the numbers where memory or disk will not do."""
    found = problems(plan)
    if found:
        raise ExportError(f"{plan.source} ({plan.parameters / 1e6:,.0f} M parameters) does not fit here. " + " ".join(found))


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
