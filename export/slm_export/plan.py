"""What an export will make and need, before it does anything: sizes from shapes, memory, disk, time. Writes nothing.

The one place that refuses an export for which memory or disk will not do.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from slm_export.errors import ExportError
from slm_export.export_time import stage_names, stage_seconds, time_range
from slm_export.families import ENCODERS
from slm_export.kind_choice import encoder_variants
from slm_export.options import ExportOptions
from slm_export.resources import available_memory_bytes, matmul_flops
from slm_export.shapes import Shapes
from slm_export.survey import Survey, survey
from slm_export.variant_recipes import MAX_FILE_BYTES, Recipe, by_preference

# The exporter's own limit, which docs/exporter.md compares with what was measured (tests/bench/export_resources.py), and what
# importing its libraries takes: 399 MB; a model of 140,000 weights needs 497 MB in all.
PEAK_FLOAT32_COPIES = 2.2
BASE_MEMORY_BYTES = 600_000_000
# Measured at the end of an export of SmolLM2-135M: checkpoint and float32 graph (2 × 538 MB), 433 MB of the original's
# log-probabilities (VERIFY_TOKENS × vocabulary × 4 bytes), the variants.
DISK_FLOAT32_COPIES = 2
VERIFY_TOKENS = 2_203  # of the built-in prose, counted by SmolLM2's tokenizer


@dataclass(frozen=True, slots=True)
class VariantPlan:
    """A variant's estimated size; `bits_per_weight` counts everything in its files."""

    name: str
    device: str
    size_bytes: int
    largest_array_bytes: int
    bits_per_weight: float


@dataclass(frozen=True, slots=True)
class Plan:
    """An export before it happens. All sizes are estimates but `available_memory_bytes` (None: unknown) and `free_disk_bytes`.

    `download_bytes` of `peak_disk_bytes` go to the downloads folder and stay. `stages` are in order, without those that
    --resume finds finished (`finished_stages`); `low_seconds` to `high_seconds` is for them, without the download.
    """

    source: str
    revision: str | None
    architecture: str
    parameters: int
    float32_bytes: int
    variants: tuple[VariantPlan, ...]
    stages: tuple[str, ...]
    finished_stages: tuple[str, ...]
    download_bytes: int
    peak_memory_bytes: int
    peak_disk_bytes: int
    low_seconds: int
    high_seconds: int
    available_memory_bytes: int | None
    free_disk_bytes: int
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of an export."""

    source: str
    out: Path
    downloads: Path
    variants: Sequence[str]
    options: ExportOptions
    resume: bool = False


def plan_export(request: Request) -> Plan:
    """The plan of an export whose source need not be on this disk.

    Raises: SourceError for a source that cannot be had, ExportError for variants that its kind does not have.
    """
    seen = survey(request.source, request.downloads, request.options)
    return make_plan(seen.name, seen, request.out, request.variants, resume=request.resume)


def make_plan(source: str, found: Shapes | Survey, out: Path, variants: Sequence[str], *, resume: bool = False) -> Plan:
    """Plan the export of a model of these shapes to the folder `out` (which need not exist).

    Raises: ExportError for variants that this kind of model does not have.
    """
    from slm_export.sizes import (  # bring NumPy and ONNX along: a wrong source is told without them
        estimated_bytes,
        largest_array_bytes,
    )

    seen = found if isinstance(found, Survey) else Survey(source, found)
    shapes = seen.shapes
    is_encoder = shapes.architecture in ENCODERS
    names = encoder_variants(variants, source, shapes.architecture) if is_encoder else variants
    recipes = by_preference(names, shapes.parameters)
    sizes = [estimated_bytes(recipe, shapes) for recipe in recipes]
    stages, finished = _stages(recipes, out, resume=resume)
    flops, float32_bytes = matmul_flops(), 4 * shapes.parameters
    low, high = time_range(sum(stage_seconds(stage, shapes.parameters, recipes, flops) for stage in stages))
    log_probabilities = 0 if is_encoder else 4 * VERIFY_TOKENS * shapes.vocab_size
    return Plan(
        source=source,
        revision=seen.revision,
        architecture=shapes.architecture,
        parameters=shapes.parameters,
        float32_bytes=float32_bytes,
        variants=tuple(
            VariantPlan(
                recipe.name,
                recipe.device,
                size,
                largest_array_bytes(recipe, shapes),
                round(8 * size / max(shapes.parameters, 1), 2),
            )
            for recipe, size in zip(recipes, sizes, strict=True)
        ),
        stages=stages,
        finished_stages=finished,
        download_bytes=seen.download_bytes,
        peak_memory_bytes=int(PEAK_FLOAT32_COPIES * float32_bytes) + BASE_MEMORY_BYTES + 4 * seen.adapter_bytes,
        peak_disk_bytes=DISK_FLOAT32_COPIES * float32_bytes + log_probabilities + sum(sizes) + seen.download_bytes,
        low_seconds=low,
        high_seconds=high,
        available_memory_bytes=available_memory_bytes(),
        free_disk_bytes=shutil.disk_usage(_existing(out)).free,
        notes=seen.notes,
    )


def problems(plan: Plan) -> list[str]:
    """Why this machine cannot do it, one sentence each; empty where it can."""
    found = []
    if plan.available_memory_bytes is not None and plan.peak_memory_bytes > plan.available_memory_bytes:
        found.append(
            f"It needs up to {_gigabytes(plan.peak_memory_bytes)} of memory "
            f"({PEAK_FLOAT32_COPIES} × {_gigabytes(plan.float32_bytes)} of float32 weights, and "
            f"{_gigabytes(BASE_MEMORY_BYTES)} for the libraries), but {_gigabytes(plan.available_memory_bytes)} are available. "
            "Close other programs, take a machine with more memory, or export a smaller model of the family."
        )
    if plan.peak_disk_bytes > plan.free_disk_bytes:
        download = f" ({_gigabytes(plan.download_bytes)} of it to download)" if plan.download_bytes else ""
        found.append(
            f"It needs about {_gigabytes(plan.peak_disk_bytes)} of disk while it runs{download}, "
            f"but {_gigabytes(plan.free_disk_bytes)} are free. Free some space, choose another --out, or make fewer variants."
        )
    too_large = [variant for variant in plan.variants if variant.largest_array_bytes > MAX_FILE_BYTES]
    if too_large:
        found.append(
            f"Its largest tensor takes {_gigabytes(max(variant.largest_array_bytes for variant in too_large))} in "
            f"{', '.join(variant.name for variant in too_large)}; browsers hold files of up to {_gigabytes(MAX_FILE_BYTES)}. "
            "Choose variants of fewer bits (--variants), or a smaller model of the family."
        )
    return found


def require_resources(plan: Plan) -> None:
    """Raises: ExportError with the numbers where memory or disk will not do."""
    found = problems(plan)
    if found:
        raise ExportError(
            f"{plan.source} ({plan.parameters / 1e6:,.1f} M parameters) does not fit here. "
            + " ".join(found)
            + " --force tries all the same."
        )


def _gigabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB" if size_bytes >= 5e7 else f"{size_bytes / 1e6:.1f} MB"


def _stages(recipes: Sequence[Recipe], out: Path, *, resume: bool) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Stages to do, and stages that an interrupted export has left finished."""
    names = stage_names(recipes, calibrates=any(recipe.layer_bits == 4 for recipe in recipes))
    stamps = out.with_name(f".{out.name}.part") / ".work" / "stages"
    finished = [name for name in names if resume and (stamps / f"{name}.json").is_file()]
    return tuple(name for name in names if name not in finished), tuple(finished)


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder
