"""`slm-export site`: write a demo site, show it, check it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from slm_export.progress import Reporter
from slm_export.site.errors import SiteError
from slm_export.site.settings import CONTROLS, EXTRAS, ISOLATIONS, PAGES, TASKS

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_LISTS = ("pages", "tasks", "variants")  # NAME,…
_PLAIN = ("title", "description", "accent", "logo", "url", "licence", "presets", "isolation", "max_file_mb", "weights", *EXTRAS)
_Command = TypeVar("_Command", bound=Callable[..., None])


def _options(*parameters: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Several click options as one decorator, in the order that they are written."""

    def decorate(function: _Command) -> _Command:
        for parameter in reversed(parameters):
            function = parameter(function)
        return function

    return decorate


_WHAT = _options(
    click.option("--config", type=_FILE, help="A site.toml with any of what follows (docs/sites.md); flags go before it."),
    click.option("--title", help="Default: the first model's name."),
    click.option("--description", help="A sentence or two. Default: the first model's."),
    click.option("--author", help="Who made it."),
    click.option("--author-url", help="The author's page (https)."),
    click.option("--accent", help="Accent colour, such as #1d5fd1."),
    click.option("--logo", type=_FILE, help="SVG, PNG or WebP."),
    click.option("--url", help="Where the site will be (https): for links with a picture in chats."),
    click.option("--licence", help="Of the site, an SPDX identifier. Default: the models', where they have the same."),
    click.option("--pages", metavar="NAME,…", help=f"Of {', '.join(PAGES)}. Default: what the models can do."),
    click.option("--tasks", metavar="NAME,…", help=f"Of {', '.join(TASKS)}: what the page `write` offers."),
    click.option("--example", "examples", multiple=True, help="A question to click on; several times for several."),
    click.option("--preset", "presets", type=_FILE, multiple=True, help="A preset's file, as the page exports it."),
    click.option("--link", "links", metavar="LABEL=URL", multiple=True, help="A link at the site's foot."),
    click.option("--controls", metavar="|".join([*CONTROLS, "GROUP,…"]), help="Which settings are shown. Default: all."),
    click.option("--pdf", is_flag=True, help="With the PDF reader, for attachments (1.6 MB)."),
    click.option("--math", is_flag=True, help="With what draws formulas in answers (0.2 MB)."),
    click.option("--code", is_flag=True, help="With what colours code in answers (0.1 MB)."),
)
_HOW = _options(
    click.option("--isolation", type=click.Choice(ISOLATIONS), help="Who makes threads possible. Default: headers."),
    click.option("--variants", metavar="NAME,…", help="Only these of the bundles. Default: all that browsers choose."),
    click.option("--max-file-mb", type=float, help="Files that are larger are split. Default: 95, for GitHub Pages."),
    click.option("--weights", type=click.Choice(["bundled", "hub"]), help="Copied, or fetched from a hub. Default: bundled."),
    click.option("--hub", metavar="[ID=]OWNER/NAME@COMMIT", multiple=True, help="Where --weights hub finds a bundle."),
    click.option("--single-file", is_flag=True, help="--out is one HTML file that opens from disk (models up to 25 MB)."),
    click.option("--web", type=click.Path(file_okay=False, path_type=Path), help="Another build of the page."),
    click.option("--yes", is_flag=True, help="Replace an older site without asking."),
)
_SHOW = _options(
    click.option("--preview", type=click.Path(file_okay=False, path_type=Path), help="Serve this site on this machine."),
    click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True, help="For --preview; 0: any free."),
    click.option("--base", default="/", show_default=True, help="For --preview: the path below which the site is."),
    click.option("--no-headers", is_flag=True, help="For --preview: as a host that sends no headers of ours."),
    click.option("--check", metavar="DIR|URL", help="Look for what is wrong with this site."),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout and nothing else."),
)


@click.command(short_help="Bundles → a demo site for any static host.")
@click.argument("bundles", nargs=-1, type=click.Path(file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The site's folder, or file with --single-file.")
@_WHAT
@_HOW
@_SHOW
@click.pass_context
def site(context: click.Context, /, **given: Any) -> None:
    """Write a demo of BUNDLEs to --out: a folder that any static host serves, at any path, without a server of ours.

    Says the size before it writes, replaces only a site that it wrote itself, and the same input gives the same bytes.

    \b
    slm-export site bundles/smollm2 --out demo --title "My model" --accent "#1d5fd1" --example "Who are you?"
    slm-export site --preview demo --base /my-model/          look at it, with the headers of production
    slm-export site --check demo                              or --check https://me.github.io/my-model/
    """
    modes = [name for name in ("out", "preview", "check") if given[name] is not None]
    if len(modes) != 1:
        raise click.UsageError("Say one of --out DIR (write a site), --preview DIR (show it) and --check DIR|URL.")
    foreign = [name for name in _given(context) if name not in _OF_MODE.get(modes[0], ()) and modes[0] != "out"]
    if foreign:
        [shown] = [param.opts[0] for param in context.command.params if param.name == foreign[0]]
        raise click.UsageError(f"{shown} does not go with --{modes[0]}.")
    if modes[0] == "preview":
        _preview(given)
    elif modes[0] == "check":
        _check(given)
    else:
        _write(context, given)


_OF_MODE = {"preview": ("preview", "port", "base", "no_headers"), "check": ("check", "as_json")}


def _given(context: click.Context) -> list[str]:
    """Names of the parameters that stand on the command line."""
    from click.core import ParameterSource

    return [name for name in context.params if context.get_parameter_source(name) == ParameterSource.COMMANDLINE]


def _write(context: click.Context, given: dict[str, Any]) -> None:
    from slm_export.site.order import read_order
    from slm_export.site.plan import plan_site
    from slm_export.site.web_build import find_web_build
    from slm_export.site.write import require_replaceable, write_site

    out, reporter = given["out"].absolute(), Reporter(quiet=given["as_json"])
    order = read_order(given["config"], _flags(context, given))
    build = find_web_build(given["web"])
    if given["single_file"]:
        from slm_export.site.single import write_single_file

        _done(out, write_single_file(order, build, out, reporter, may_replace=given["yes"]), 1, given["as_json"])
        return
    plan = plan_site(order, build)
    replaces = require_replaceable(out)
    reporter.say(
        f"{plan.content.title}: {plan.total_bytes / 1e6:.1f} MB (models {plan.model_bytes / 1e6:.1f}, runtime "
        f"{plan.runtime_bytes / 1e6:.1f}, page {plan.page_bytes / 1e6:.2f}). Pages: {', '.join(plan.content.settings.pages)}."
    )
    for model in plan.content.models:
        reporter.say(f"  {model.manifest.id}: a visitor downloads at most {model.first_visit_bytes / 1e6:.1f} MB, once")
    for name in plan.too_large:
        reporter.say(
            f"  Note: {name} is larger than --max-file-mb and cannot be split. Where that is the host's limit, leave out the GPU "
            "variants (--variants cpu-int8): their runtime is the largest."
        )
    if replaces and not given["yes"]:
        _require_yes(out, given["as_json"])
    write_site(plan, out, reporter)
    files = [path for path in out.rglob("*") if path.is_file()]
    _done(out, sum(path.stat().st_size for path in files), len(files), given["as_json"])


def _require_yes(out: Path, as_json: bool) -> None:
    if as_json or not sys.stdin.isatty():
        raise SiteError(f"{out} holds a site already. Say --yes to replace it.")
    click.confirm(f"Replace the site in {out}?", abort=True, err=True)


def _done(out: Path, size_bytes: int, files: int, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"out": str(out), "size_bytes": size_bytes, "files": files}, ensure_ascii=False))
        return
    click.echo(f"Site ready: {out} ({size_bytes / 1e6:.1f} MB in {files} file{'s' if files > 1 else ''})")
    if out.is_dir():
        click.echo(f"Next: slm-export site --preview {out}, then put the folder on any static host (docs/sites.md).")


def _flags(context: click.Context, given: dict[str, Any]) -> dict[str, object]:
    """What was said on the command line, in the shape of site.toml's values."""
    said = set(_given(context))
    flags: dict[str, object] = {name: given[name] for name in (*_PLAIN, "bundles") if name in said}
    flags |= {name: [item.strip() for item in given[name].split(",")] for name in _LISTS if name in said}
    if "controls" in said:
        flags["controls"] = given["controls"] if given["controls"] in CONTROLS else given["controls"].split(",")
    if "author" in said:
        flags["author"] = {"name": given["author"]} | ({"url": given["author_url"]} if "author_url" in said else {})
    elif "author_url" in said:
        raise click.UsageError("--author-url needs --author.")
    if "examples" in said:
        flags["examples"] = {"chat": list(given["examples"])}
    if "links" in said:
        flags["links"] = [_pair(link, "label", "href") for link in given["links"]]
    if "hub" in said:
        flags["hub"] = _hub(given["hub"], given["bundles"])
    return flags


def _pair(text: str, first: str, second: str) -> dict[str, str]:
    left, equals, right = text.partition("=")
    if not equals:
        raise click.UsageError(f"{text!r} has no = between {first} and {second}.")
    return {first: left, second: right}


def _hub(places: tuple[str, ...], bundles: tuple[Path, ...]) -> dict[str, str]:
    """Id → place; the id may be left out where there is one bundle."""
    from slm_export.manifest import load_manifest

    if len(places) == len(bundles) == 1 and "=" not in places[0]:
        return {load_manifest(bundles[0]).id: places[0]}
    return {pair["id"]: pair["place"] for pair in (_pair(place, "id", "place") for place in places)}


def _preview(given: dict[str, Any]) -> None:
    from slm_export.site.preview import open_preview

    with open_preview(given["preview"], given["port"], given["base"], with_headers=not given["no_headers"]) as server:
        click.echo(server.url)
        click.echo("Ctrl-C ends it.", err=True)
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _check(given: dict[str, Any]) -> None:
    from slm_export.cli_errors import JobFailed
    from slm_export.site.check import check_site

    findings = check_site(given["check"])
    errors = [finding for finding in findings if finding.kind == "error"]
    result = {
        "site": given["check"],
        "passed": not errors,
        "findings": [{"kind": f.kind, "place": f.place, "message": f.message} for f in findings],
    }
    if not given["as_json"]:
        for finding in findings:
            click.echo(f"{finding.kind:8}{finding.place}: {finding.message}")
    if errors:
        raise JobFailed(
            SiteError(f"{given['check']}: {len(errors)} to mend, the first: {errors[0].place}: {errors[0].message}"), result
        )
    click.echo(json.dumps(result, ensure_ascii=False) if given["as_json"] else f"ok      {given['check']}: nothing to mend")
