"""`slm-export batch zoo.toml`: a list of models into bundles side by side."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from slm_export.batch import Batch
from slm_export.batch_display import Display
from slm_export.batch_job import Job, Limits, Scouted, refusal
from slm_export.batch_local import Engine, LocalEngine
from slm_export.batch_scout import answers
from slm_export.batch_summary import print_failures, print_summary, summary, write_summary
from slm_export.cli_errors import JobFailed
from slm_export.errors import ExportError, ExportInterrupted
from slm_export.manifest import MANIFEST_NAME
from slm_export.output_lock import output_lock
from slm_export.progress import Reporter
from slm_export.resources import available_memory_bytes
from slm_export.variant_recipes import DEFAULT_VARIANTS, RECIPES
from slm_export.zoo import ZooModel, read_zoo


@dataclass(frozen=True, slots=True)
class _Settings:
    """How the exports run. `slots`: how many at one time; `threads`: of each."""

    engine: str
    address: str | None
    slots: int
    threads: int
    budget_bytes: int | None
    retries: int
    force: bool


@click.command(short_help="Export the models of a list.")
@click.argument("zoo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="Folder that gets a bundle for each model."
)
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Exports at one time. Default: one for every two processors, at least 2."
)
@click.option("--threads", type=click.IntRange(min=1), help="Threads of each export. Default: the processors divided by --jobs.")
@click.option(
    "--memory-gb",
    type=click.FloatRange(min=0, min_open=True),
    help="What all exports together may take (10^9 bytes), by their estimates. Default: what is free now.",
)
@click.option("--retries", type=click.IntRange(min=0), default=1, show_default=True, help="New attempts for an export that dies.")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True, help="Who runs the exports.")
@click.option(
    "--ray-address",
    envvar="RAY_ADDRESS",
    show_envvar=True,
    help="Cluster for --engine ray (host:port, or auto on one of its nodes). Default: a local Ray of its own.",
)
@click.option("--dry-run", is_flag=True, help="Print what would be made and what it needs; download no weights, write nothing.")
@click.option("--force", is_flag=True, help="Export also what does not seem to fit into memory or disk, alone.")
@click.option(
    "--downloads",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where downloaded checkpoints are kept. Default: the folder downloads in --out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout and nothing else.")
def batch(
    zoo: Path,
    out: Path,
    jobs: int | None,
    threads: int | None,
    memory_gb: float | None,
    retries: int,
    engine: str,
    ray_address: str | None,
    dry_run: bool,
    force: bool,
    downloads: Path | None,
    as_json: bool,
) -> None:
    """Export every model of the list ZOO (a TOML file) to a folder of its own below --out.

    Bundles that are there already, made of the same inputs, are skipped; interrupted exports go on; a model that fails does
    not stop the others. At the end: a table, summary.json and summary.csv in --out, exit code 1 if any model failed.

    \b
    # zoo.toml
    [defaults]
    variants = ["webgpu-q8f16", "cpu-int8"]      # left out: all of 4 and 8 bits
    [[model]]
    source = "HuggingFaceTB/SmolLM2-360M-Instruct"
    [[model]]
    source = "./my-finetune"                     # relative to zoo.toml
    name = "mine"                                # its folder; default: from the source

    \b
    slm-export batch zoo.toml --out bundles --dry-run
    slm-export batch zoo.toml --out bundles --jobs 2 --memory-gb 12
    slm-export batch zoo.toml --out /shared/bundles --engine ray --ray-address auto
    """
    out = out.absolute()
    entries = read_zoo(zoo, tuple(RECIPES), DEFAULT_VARIANTS)
    if (out / MANIFEST_NAME).exists():
        raise ExportError(f"{out} is itself a bundle. Bundles lie side by side: give the folder that holds them, {out.parent}.")
    listed = [_job(entry, out, (downloads or out / "downloads").absolute()) for entry in entries]
    budget_bytes = available_memory_bytes() if memory_gb is None else int(memory_gb * 1e9)
    if dry_run:
        _dry_run(listed, zoo.absolute().parent, budget_bytes, as_json=as_json, force=force)
        return
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    slots = jobs or max(2, processors // 2)
    share = threads or max(1, processors // slots)
    _run(listed, _Settings(engine, ray_address, slots, share, budget_bytes, retries, force), as_json=as_json)


def _job(entry: ZooModel, out: Path, downloads: Path) -> Job:
    log = out / "logs" / f"{entry.name}.log"
    return Job(entry.name, entry.source, out / entry.name, downloads, log, entry.variants, entry.options)


def _run(jobs: Sequence[Job], settings: _Settings, *, as_json: bool) -> None:
    reporter, out, interrupted = Reporter(quiet=as_json), jobs[0].bundle.parent, None
    out.mkdir(parents=True, exist_ok=True)
    with output_lock(out / "batch", what="batch"):
        with Display(reporter) as display:
            started = time.monotonic()
            work = Batch(jobs, threads=settings.threads, force=settings.force, watch=display.watch)
            try:
                work.run(_engine(work, settings, jobs))
            except ExportInterrupted as error:
                interrupted = error
        models = list(work.models.values())
        found = summary(models, engine=settings.engine, seconds=time.monotonic() - started)
        write_summary(found, out)
    if not as_json:
        print_summary(found, _stdout())
        print_failures(models, reporter.say)
        reporter.say(f"Bundles, logs, summary.json and summary.csv are in {out}")
    if interrupted is not None:
        raise JobFailed(interrupted, found)
    bad = [model.job.name for model in models if model.state not in ("exported", "current")]
    if bad:
        failure = ExportError(
            f"Not exported, {len(bad)} of {len(models)}: {', '.join(bad)}. The reasons are above and in summary.json. "
            "The same command, run again, skips what is done."
        )
        raise JobFailed(failure, found)
    if as_json:
        click.echo(json.dumps(found))


def _engine(work: Batch, settings: _Settings, jobs: Sequence[Job]) -> Engine:
    if settings.engine == "local":
        return LocalEngine(settings.slots, settings.budget_bytes, settings.retries, work.report)
    from slm_export.batch_ray import RayEngine, start_ray

    ray = start_ray(settings.address, settings.slots * settings.threads, settings.budget_bytes)
    engine = RayEngine(ray, settings.retries, work.report)
    paths = [Path(job.source) for job in jobs] + [job.options.adapter for job in jobs if job.options.adapter is not None]
    here = [path for path in paths if path.is_absolute() and path.exists()]
    try:
        engine.require_usable(jobs[0].bundle.parent, here, settings.threads)
    except BaseException:
        engine.close()
        raise
    return engine


def _stdout() -> Console:
    """Wide enough for the table where nobody looks at it."""
    return Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 200)


def _dry_run(jobs: Sequence[Job], cwd: Path, budget_bytes: int | None, *, as_json: bool, force: bool) -> None:
    """Print the plans; raises ExportError where a model cannot be exported."""
    limits = None if force else Limits(budget_bytes)
    found = list(answers("plan", jobs, limits, cwd))
    if len(found) < len(jobs):
        raise ExportError(f"The process that looks at the models died over {jobs[len(found)].name} ({jobs[len(found)].source}).")
    reasons = {each.name: each.error or (refusal(each, limits) if limits else None) for each in found}
    plans = [{**json.loads(each.to_json()), "problem": reasons[each.name]} for each in found]
    result: dict[str, object] = {"memory_budget_bytes": budget_bytes, "models": plans}
    if not as_json:
        _print_plans(found, reasons, budget_bytes)
    bad = [name for name, reason in reasons.items() if reason]
    if bad:
        raise JobFailed(ExportError(f"Cannot be exported like this, {len(bad)} of {len(jobs)}: {', '.join(bad)}."), result)
    if as_json:
        click.echo(json.dumps(result))


def _print_plans(found: Sequence[Scouted], reasons: dict[str, str | None], budget_bytes: int | None) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("model", "variant"):
        table.add_column(name, no_wrap=True)
    for name in ("M parameters", "MB", "bits/weight", "memory GB", "disk GB"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    words = {"interrupted": "to continue", "new": "to export", "current": "up to date", "unchecked": "to check"}
    for each in found:
        words["download"] = f"to download ({each.download_bytes / 1e6:,.1f} MB)"
        state = "cannot be exported" if each.error else "does not fit" if reasons[each.name] else words[each.state]
        sizes = (
            (f"{each.peak_memory_bytes / 1e9:.1f}", f"{each.peak_disk_bytes / 1e9:.1f}") if each.peak_memory_bytes else ("", "")
        )
        parameters = f"{each.parameters / 1e6:,.1f}" if each.parameters else ""
        if not each.variants:
            table.add_row(each.name, "", parameters, "", "", *sizes, state)
        for index, variant in enumerate(each.variants):
            size = (f"{variant.size_bytes / 1e6:,.1f}", f"{variant.bits_per_weight:.2f}")
            first = (each.name, variant.name, parameters, *size, *sizes, state)
            table.add_row(*(first if index == 0 else ("", variant.name, "", *size, "", "", "")))
    _stdout().print(table)
    budget = "unknown" if budget_bytes is None else f"{budget_bytes / 1e9:.1f} GB"
    click.echo(f"Estimates; nothing was written. Memory for all exports together: {budget}")
    for name, reason in reasons.items():
        if reason:
            click.echo(f"\n{name}: {reason}")
