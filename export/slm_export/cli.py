"""`slm-export`: the only place of the exporter that prints results or exits. Exit codes: see cli_errors.py."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from slm_export.cli_batch import batch
from slm_export.cli_completion import completion
from slm_export.cli_corrupt import corrupt
from slm_export.cli_errors import Group
from slm_export.cli_eval import evaluate
from slm_export.cli_finetune import finetune
from slm_export.cli_model import DOWNLOADS, JSON, model, show_result
from slm_export.cli_verify import verify
from slm_export.manifest import load_manifest
from slm_export.progress import Reporter
from slm_export.recipes import DEFAULT_MODEL, RECIPES
from slm_export.site.cli import site
from slm_export.variant_recipes import DEFAULT_VARIANTS
from slm_export.variant_recipes import RECIPES as VARIANTS

# Threads that wait must sleep: spinning ones cost PyTorch five times the CPU time where the cores are shared (measured).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# PyTorch and oneDNN keep the kernels of 1,024 shapes each, and text that grows has a shape for every length: 130 MB (measured).
os.environ.setdefault("LRU_CACHE_CAPACITY", "32")
os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "32")

_EPILOG = """\b
Exit codes:
  0    fine
  1    the job failed; the message says what happened, why, and what to do
  2    wrong usage
  130  interrupted by Ctrl-C (143: by SIGTERM); nothing half-written is left, --resume continues
With --json the error is on stdout too: {"error": {"kind": "SourceError", "message": "…"}}.

\b
Examples:
  slm-export list                                                   models, variants, chat templates
  slm-export model smollm2-135m-instruct --out bundles/smollm2
  slm-export verify bundles/smollm2
  slm-playground serve --models bundles                             chat with what you have made
  slm-export site bundles/smollm2 --out demo                        a demo for any static host
"""


@click.group(
    cls=Group,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(package_name="slm-playground")
@click.pass_context
def main(context: click.Context) -> None:
    """Turn a language model into a verified bundle that runs in a browser.

    A bundle is a folder: the model as ONNX graphs in several variants (4 or 8 bits, for GPU or CPU), its tokenizer, and
    manifest.json with the size and hash of every file. A web page downloads the one variant that suits its device.
    Every variant is compared with the PyTorch original before the bundle appears; report/index.html in it shows how close
    it is.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command(short_help="Export the default model where needed.")
@click.option(
    "--models", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder that holds the bundles."
)
@click.option("--model", "name", type=click.Choice(list(RECIPES)), default=DEFAULT_MODEL, show_default=True, help="Which one.")
@click.option("--force", is_flag=True, help="Export even where memory or disk seem too small.")
@DOWNLOADS
@JSON
def default(models: Path, name: str, force: bool, downloads: Path | None, as_json: bool) -> None:
    """Make sure that the default model, or another one that comes with this program, is in --models.

    Does nothing where its bundle is there, whole, and made of the same inputs by the same exporter. `make run` calls this.

    \b
    slm-export default --models .data/models
    """
    from slm_export.cli_plan import require_fit
    from slm_export.options import ExportOptions
    from slm_export.plan import Request
    from slm_export.preflight import require_own_folder

    reporter, out = Reporter(quiet=as_json), models / name
    variants = RECIPES[name].variants or DEFAULT_VARIANTS
    request = Request(name, out, downloads or models.parent / "downloads", variants, ExportOptions())
    require_own_folder(out)
    if not force and not out.exists():
        require_fit(request)
    from slm_export.export_inputs import export_inputs, is_current
    from slm_export.sources import resolve

    origin = resolve(name, downloads=request.downloads, reporter=reporter)
    if is_current(out, export_inputs(origin, list(variants))):
        reporter.say(f"{name} is up to date: {out}")
        show_result(load_manifest(out), out, as_json)
        return
    if not force:
        require_fit(request)
    from slm_export.bundle import export_bundle  # PyTorch, which a look at the bundle does without

    show_result(export_bundle(origin, out, list(variants), reporter), out, as_json)


main.add_command(model)
main.add_command(verify)
main.add_command(batch)
main.add_command(corrupt)
main.add_command(finetune)
main.add_command(completion)
main.add_command(evaluate)
main.add_command(site)


@main.command("list", short_help="Show models, variants, templates.")
@JSON
def list_command(as_json: bool) -> None:
    """Show the models that can be exported by name, the variants that can be made, and the known chat templates.

    Any other model is named by a Hugging Face id, a folder or a .gguf file; docs/families.md lists the architectures.

    \b
    slm-export list
    slm-export list --json
    """
    from slm_export.chat_templates import known_templates

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
    click.echo("Models (slm-export model NAME --out DIR):")
    for recipe in RECIPES.values():
        click.echo(f"  {recipe.id}  {recipe.name}, {recipe.licence_id}, from {recipe.source.requirement}")
    click.echo(f"\nVariants (--variants NAME,…):\n  {'name':14} {'device':8} {'bits':>4}  when to use")
    for variant in VARIANTS.values():
        click.echo(f"  {variant.name:14} {variant.device:8} {variant.layer_bits:4}  {variant.use}")
    click.echo("  webgpu-…f16 and f16 need a GPU with 16-bit floats (shader-f16). Encoders and encoder-decoders: cpu-int8, f32.")
    click.echo("\nChat templates (--chat-template NAME):")
    click.echo(click.wrap_text(", ".join(known_templates()), 100, "  ", "  "))
    click.echo("\nNext: slm-export model SOURCE --out DIR --dry-run")
