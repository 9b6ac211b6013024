"""`slm-export`: the only place of the exporter that prints results or exits. Exit codes: 0 fine, 1 failed, 2 wrong usage."""

from __future__ import annotations

import dataclasses
import difflib
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import click

from slm_export.cli_batch import batch
from slm_export.cli_plan import require_fit, show_plan
from slm_export.cli_verify import verify
from slm_export.errors import ExportInterrupted, SlmError
from slm_export.families import refuse_closed
from slm_export.manifest import Manifest, ManifestError, load_manifest
from slm_export.options import TASKS, ExportOptions
from slm_export.progress import Reporter
from slm_export.recipes import DEFAULT_MODEL, RECIPES

# Threads that wait must sleep: spinning ones cost PyTorch five times the CPU time where the cores are shared (measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_JSON = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout and nothing else.")
_DOWNLOADS = click.option(
    "--downloads",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where downloaded checkpoints are kept. Default: beside the bundles.",
)


class _Group(click.Group):
    """Turns the exporter's errors into one plain message and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SlmError, ManifestError, ExportInterrupted) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="slm-playground")
def main() -> None:
    """Turn a language model into a verified bundle that runs in a browser."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(*_: object) -> None:
    """SIGTERM counts as Ctrl-C."""
    raise KeyboardInterrupt


def _open_source(_: click.Context, __: click.Parameter, source: str) -> str:
    """A model that nobody can export is refused before any option is asked for."""
    refuse_closed(source)
    return source


@main.command()
@click.argument("source", callback=_open_source)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The bundle folder to write.")
@click.option("--revision", help="Revision (branch, tag or commit) of a Hugging Face repository.")
@click.option(
    "--adapter",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of a LoRA adapter (PEFT format), merged into the weights first.",
)
@click.option("--chat-template", metavar="NAME|FILE", help="Chat template: a known one (see `slm-export list`) or a Jinja file.")
@click.option("--task", type=click.Choice(TASKS), help="What the bundle is for. Default: chat where there is a chat template.")
@click.option("--allow-pickle", is_flag=True, help="Read pytorch_model*.bin where there are no safetensors (weights_only).")
@click.option("--variants", help="Comma-separated variants to make. Default: all of 4 and 8 bits (see `slm-export list`).")
@click.option("--resume", is_flag=True, help="Continue an interrupted export: finished stages are kept.")
@click.option("--dry-run", is_flag=True, help="Print what it would make and need (sizes, memory, disk); write nothing.")
@click.option("--force", is_flag=True, help="Export even where memory or disk seem too small.")
@_DOWNLOADS
@_JSON
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
    """Export SOURCE to a bundle.

    SOURCE is a known name (smollm2-135m-instruct), a .gguf file, a Hugging Face folder (config.json, *.safetensors,
    tokenizer.json) or a Hugging Face id (owner/name). The bundle appears in --out only when every variant has been
    compared with the PyTorch original and is close enough.

    \b
    slm-export model HuggingFaceTB/SmolLM2-360M-Instruct --out bundles/smollm2-360m
    slm-export model ./my-finetune --out bundles/mine --variants webgpu-q8f16,cpu-int8
    slm-export model owner/base --adapter ./my-lora --out bundles/mine
    """
    from slm_export.bundle import export_bundle
    from slm_export.sources import resolve

    reporter = Reporter(quiet=as_json)
    names = _variant_names(variants)
    if dry_run:
        show_plan(source, out, downloads or out.parent / "downloads", names, as_json=as_json)
        return
    options = ExportOptions(revision, adapter, chat_template, task, allow_pickle)
    origin = resolve(source, downloads=downloads or out.parent / "downloads", reporter=reporter, options=options)
    if not force:
        require_fit(origin, out, names)
    manifest = export_bundle(origin, out, names, reporter, resume=resume)
    _result(manifest, out, as_json)


@main.command()
@click.option(
    "--models", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder that holds the bundles."
)
@_DOWNLOADS
@_JSON
def default(models: Path, downloads: Path | None, as_json: bool) -> None:
    """Make sure that the default model is in MODELS; does nothing where it is and its inputs are unchanged."""
    from slm_export.bundle import export_bundle, export_inputs, is_current
    from slm_export.sources import resolve

    reporter = Reporter(quiet=as_json)
    out = models / DEFAULT_MODEL
    names = _variant_names(None)
    origin = resolve(DEFAULT_MODEL, downloads=downloads or models.parent / "downloads", revision=None, reporter=reporter)
    if is_current(out, export_inputs(origin, names)):
        reporter.say(f"{DEFAULT_MODEL} is up to date: {out}")
        _result(load_manifest(out), out, as_json)
    else:
        _result(export_bundle(origin, out, names, reporter), out, as_json)


main.add_command(verify)
main.add_command(batch)


@main.command("list")
@_JSON
def list_command(as_json: bool) -> None:
    """Show the models that can be exported by name, and the variants that can be made."""
    from slm_export.chat_templates import known_templates
    from slm_export.variant_recipes import RECIPES as VARIANTS

    if as_json:
        click.echo(
            json.dumps(
                {
                    "models": [{"id": r.id, "name": r.name, "licence": r.licence_id} for r in RECIPES.values()],
                    "variants": list(VARIANTS),
                    "chat_templates": known_templates(),
                }
            )
        )
        return
    for recipe in RECIPES.values():
        click.echo(f"{recipe.id}  {recipe.name}, {recipe.licence_id}, from {recipe.source.requirement}")
    click.echo(f"variants: {', '.join(VARIANTS)}")
    click.echo(f"chat templates: {', '.join(known_templates())}")


def _variant_names(text: str | None) -> list[str]:
    from slm_export.variant_recipes import DEFAULT_VARIANTS
    from slm_export.variant_recipes import RECIPES as VARIANTS

    names = list(DEFAULT_VARIANTS) if text is None else [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in VARIANTS]
    if unknown:
        near = [name for name in VARIANTS if unknown[0] in name] or difflib.get_close_matches(unknown[0], VARIANTS, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise click.BadParameter(
            f"{', '.join(unknown)}: unknown.{meant} There are {', '.join(VARIANTS)}.", param_hint="--variants"
        )
    return names


def _result(manifest: Manifest, bundle: Path, as_json: bool) -> None:
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
