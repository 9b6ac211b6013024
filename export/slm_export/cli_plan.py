"""`slm-export model … --dry-run` as text or JSON, and the check before every export whose shapes are known."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import click

from slm_export.sources import Origin


def show_plan(source: str, out: Path, downloads: Path, variants: Sequence[str], *, as_json: bool) -> None:
    """Print what an export of `source` would make and need."""
    from slm_export.plan import checkpoint_shapes, make_plan, problems

    plan = make_plan(source, checkpoint_shapes(source, downloads), out, variants)
    reasons = problems(plan)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(plan), "problems": reasons}))
        return
    memory = "unknown" if plan.available_memory_bytes is None else f"{plan.available_memory_bytes / 1e9:.1f} GB available"
    click.echo(
        f"{plan.source}: {plan.architecture}, {plan.parameters / 1e6:,.1f} M parameters, "
        f"{plan.float32_bytes / 1e6:,.0f} MB as float32"
    )
    click.echo("Estimates; nothing was written.")
    for variant in plan.variants:
        click.echo(f"  {variant.name:14} {variant.size_bytes / 1e6:10,.1f} MB  {variant.bits_per_weight:5.2f} bits a weight")
    click.echo(f"memory: up to {plan.peak_memory_bytes / 1e9:.1f} GB ({memory})")
    click.echo(f"disk:   about {plan.peak_disk_bytes / 1e9:.1f} GB while it runs ({plan.free_disk_bytes / 1e9:.1f} GB free)")
    click.echo(
        f"time:   {plan.arithmetic_seconds:.0f} s of arithmetic at the speed measured just now; calibration and files come on top"
    )
    click.echo(f"steps:  {', '.join(plan.steps)}")
    for reason in reasons:
        click.echo(f"does not fit: {reason}")


def require_fit(origin: Origin, out: Path, variants: Sequence[str]) -> None:
    """Refuse an export that this machine cannot do; weights without readable headers (pickles) are not judged.

    Raises: ExportError with the numbers.
    """
    from slm_export.plan import checkpoint_shapes, make_plan, require_resources

    if not origin.is_pickle:
        require_resources(make_plan(origin.name, checkpoint_shapes(str(origin.path), origin.path.parent), out, variants))
