"""`slm-export model … --dry-run` as text or JSON, and the check before every export."""

from __future__ import annotations

import dataclasses
import json

import click

from slm_export.export_time import spoken
from slm_export.plan import Plan, Request, plan_export, problems, require_resources


def show_plan(request: Request, *, as_json: bool) -> None:
    """Print what an export would make and need."""
    plan = plan_export(request)
    reasons = problems(plan)
    if as_json:
        click.echo(json.dumps({**dataclasses.asdict(plan), "problems": reasons}))
        return
    click.echo(
        f"{plan.source}: {plan.architecture}, {plan.parameters / 1e6:,.1f} M parameters, "
        f"{plan.float32_bytes / 1e6:,.0f} MB as float32{f', revision {plan.revision}' if plan.revision else ''}"
    )
    click.echo("Estimates; nothing was written.")
    for variant in plan.variants:
        click.echo(f"  {variant.name:14} {variant.size_bytes / 1e6:10,.1f} MB  {variant.bits_per_weight:5.2f} bits a weight")
    _needs(plan)
    for note in plan.notes:
        click.echo(f"note:     {note}")
    for reason in reasons:
        click.echo(f"does not fit: {reason}")
    click.echo(f"Next: the same command without --dry-run{'; it goes on where it ended' if plan.finished_stages else ''}.")


def _needs(plan: Plan) -> None:
    memory = "unknown" if plan.available_memory_bytes is None else f"{plan.available_memory_bytes / 1e9:.1f} GB available"
    download = f"{plan.download_bytes / 1e6:,.1f} MB" if plan.download_bytes else "nothing: the files are here"
    click.echo(f"download: {download}")
    click.echo(f"memory:   up to {plan.peak_memory_bytes / 1e9:.1f} GB ({memory})")
    click.echo(f"disk:     about {plan.peak_disk_bytes / 1e9:.1f} GB while it runs ({plan.free_disk_bytes / 1e9:.1f} GB free)")
    on_top = ", and the download" if plan.download_bytes else ""
    click.echo(f"time:     {spoken(plan.low_seconds, plan.high_seconds)} on this machine where nothing else runs{on_top}")
    click.echo(f"steps:    {', '.join(plan.stages)}")
    if plan.finished_stages:
        click.echo(f"finished: {', '.join(plan.finished_stages)} (kept if source, variants and exporter are unchanged)")


def require_fit(request: Request) -> None:
    """Refuse an export that this machine cannot do, before anything is downloaded.

    Raises: ExportError with the numbers; SourceError for a source that cannot be had.
    """
    require_resources(plan_export(request))
