"""`slm-export model`."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
from pathlib import Path

import click

from slm_export.cli_completion import complete_source, complete_template, complete_variants
from slm_export.families import refuse_closed
from slm_export.manifest import Manifest
from slm_export.options import TASKS, ExportOptions
from slm_export.progress import Reporter
from slm_export.variant_recipes import DEFAULT_VARIANTS, RECIPES

JSON = click.option("--json", "as_json", is_flag=True, help="Print the result, or the error, as JSON on stdout.")
DOWNLOADS = click.option(
    "--downloads",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where downloaded checkpoints are kept. Default: the folder downloads beside the bundle (or the models folder).",
)


def _open_source(_: click.Context, __: click.Parameter, source: str) -> str:
    """A model that nobody can export is refused before any option is asked for."""
    refuse_closed(source)
    return source


@click.command(short_help="Export one model to a bundle.")
@click.argument("source", callback=_open_source, shell_complete=complete_source)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The bundle folder to write.")
@click.option("--revision", help="Revision (branch, tag or commit) of a Hugging Face repository.")
@click.option(
    "--adapter",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a LoRA adapter (PEFT format), merged into the weights first.",
)
@click.option(
    "--chat-template",
    metavar="NAME|FILE",
    shell_complete=complete_template,
    help="Chat template: a known one (see `slm-export list`) or a Jinja file.",
)
@click.option("--task", type=click.Choice(TASKS), help="What the bundle is for. Default: chat where there is a chat template.")
@click.option("--allow-pickle", is_flag=True, help="Read pytorch_model*.bin where there are no safetensors (weights_only).")
@click.option(
    "--variants",
    metavar="NAME,…",
    shell_complete=complete_variants,
    help="Comma-separated variants to make. Default: all of 4 and 8 bits (see `slm-export list`).",
)
@click.option("--resume", is_flag=True, help="Continue an interrupted export: finished stages are kept.")
@click.option("--dry-run", is_flag=True, help="Print what it would make and need (sizes, memory, disk, time); write nothing.")
@click.option("--force", is_flag=True, help="Export even where memory or disk seem too small.")
@DOWNLOADS
@JSON
def model(
    source: str,
    out: Path,
    revision: str | None,
    adapter: Path | None,
    chat_template: str | None,
    task: str | None,
    allow_pickle: bool,
    variants: str | None,
    resume: bool,
    dry_run: bool,
    force: bool,
    downloads: Path | None,
    as_json: bool,
) -> None:
    """Export SOURCE to a bundle: graphs in several variants, tokenizer, report and manifest.json, all in one folder.

    SOURCE is a known name (see `slm-export list`), a .gguf file, a Hugging Face folder (config.json, *.safetensors,
    tokenizer.json) or a Hugging Face id (owner/name; private and gated ones with HF_TOKEN). The bundle appears in --out
    only when every variant has been compared with the PyTorch original and is close enough. A later run replaces it.

    \b
    slm-export model smollm2-135m-instruct --out bundles/smollm2 --dry-run      what it would make and need
    slm-export model HuggingFaceTB/SmolLM2-360M-Instruct --out bundles/smollm2-360m
    slm-export model ./my-finetune --out bundles/mine --variants webgpu-q8f16,cpu-int8
    slm-export model owner/base --adapter ./my-lora --out bundles/mine
    slm-export model base.Q8_0.gguf --chat-template chatml --out bundles/base

    \b
    Next: slm-export verify BUNDLE             prove it again, with --reference against PyTorch
          slm-playground serve --models DIR    chat with it (DIR is the folder that holds the bundle)
    """
    names = variant_names(variants)
    from slm_export.cli_plan import require_fit, show_plan
    from slm_export.plan import Request
    from slm_export.preflight import check_origin, check_request

    options = ExportOptions(revision, adapter, chat_template, task, allow_pickle)
    request = Request(source, out, downloads or out.parent / "downloads", names, options, resume)
    check_request(out, options)
    if dry_run:
        show_plan(request, as_json=as_json)
        return
    if not force:
        require_fit(request)
    from slm_export.sources import resolve

    reporter = Reporter(quiet=as_json)
    origin = resolve(source, downloads=request.downloads, reporter=reporter, options=options)
    check_origin(origin, request.variants)
    from slm_export.bundle import export_bundle  # PyTorch: seconds that no wrong input has to wait for

    show_result(export_bundle(origin, out, request.variants, reporter, resume=resume), out, as_json)


def variant_names(text: str | None) -> list[str]:
    """The variants that --variants names.

    Raises: click.BadParameter for an unknown one, with the nearest.
    """
    if text is None:
        return list(DEFAULT_VARIANTS)
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    unknown = [name for name in names if name not in RECIPES]
    if unknown:
        near = [name for name in RECIPES if unknown[0] and unknown[0] in name]
        near = near or difflib.get_close_matches(unknown[0], RECIPES, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise click.BadParameter(
            f"{', '.join(unknown) or 'no name'}: unknown.{meant} There are {', '.join(RECIPES)}.", param_hint="--variants"
        )
    return names


def show_result(manifest: Manifest, bundle: Path, as_json: bool) -> None:
    """Print what a bundle holds and what to do next."""
    if as_json:
        variants = [
            {"name": v.name, "size_bytes": sum(f.size_bytes for f in v.files), "fidelity": dataclasses.asdict(v.fidelity)}
            for v in manifest.variants
        ]
        click.echo(json.dumps({"bundle": os.fspath(bundle), "id": manifest.id, "variants": variants}))
        return
    for variant in manifest.variants:
        size_bytes, fidelity = sum(entry.size_bytes for entry in variant.files), variant.fidelity
        click.echo(
            f"{manifest.id}  {variant.name:14} {size_bytes / 1e6:7.1f} MB  "
            f"perplexity ratio {fidelity.perplexity_ratio:.4f}  top-1 {fidelity.top1_agreement:.2%}"
        )
    click.echo(
        f"Report: {bundle / 'report' / 'index.html'}\n"
        f"Next:   slm-export verify {bundle}\n"
        f"        slm-playground serve --models {bundle.absolute().parent}"
    )
