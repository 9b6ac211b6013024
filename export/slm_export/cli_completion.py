"""Completion of `slm-export` in bash, zsh and fish: the script (click's own) and the values that it offers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem, get_completion_class

PROGRAM = "slm-export"
VARIABLE = "_SLM_EXPORT_COMPLETE"


@click.command(short_help="Print a shell's completion script.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options and their values in SHELL.

    Put it where your shell looks, then open a new one:

    \b
    bash   slm-export completion bash > ~/.local/share/bash-completion/completions/slm-export
           (or into any file that ~/.bashrc reads by `source FILE`)
    zsh    slm-export completion zsh > ~/.slm-export.zsh; echo 'source ~/.slm-export.zsh' >> ~/.zshrc
           (below the line with compinit)
    fish   slm-export completion fish > ~/.config/fish/completions/slm-export.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None  # click.Choice above names only those that click has
    script = kind(click.get_current_context().find_root().command, {}, PROGRAM, VARIABLE).source()
    # click's script for fish would cut a value at its first comma, and --variants is a list.
    click.echo(script.replace('string split "," $completion', 'string split --max 1 "," $completion'))


def complete_source(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Known model names, then folders and .gguf files."""
    from slm_export.recipes import RECIPES

    names = [CompletionItem(recipe.id, help=recipe.name) for recipe in RECIPES.values() if recipe.id.startswith(incomplete)]
    return names + [CompletionItem(path) for path in _paths(incomplete, (".gguf",))]


def complete_variants(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The next name of a comma-separated list; one that is there already is not offered again."""
    from slm_export.variant_recipes import RECIPES

    *before, last = incomplete.split(",")
    left = [recipe for name, recipe in RECIPES.items() if name not in before and name.startswith(last)]
    return [CompletionItem(",".join([*before, recipe.name]), help=recipe.use) for recipe in left]


def complete_template(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Known chat templates, then folders and Jinja files."""
    from slm_export.chat_templates import known_templates

    names = [CompletionItem(name) for name in known_templates() if name.startswith(incomplete)]
    return names + [CompletionItem(path) for path in _paths(incomplete, (".jinja", ".jinja2", ".txt"))]


def _paths(incomplete: str, endings: Sequence[str]) -> Iterable[str]:
    """Folders (with a slash, to go on there) and files with one of the endings that begin with `incomplete`."""
    typed, slash, begin = incomplete.rpartition("/")
    folder = Path(typed + slash).expanduser() if slash else Path()
    try:
        found = sorted(folder.iterdir())
    except OSError:
        return
    for path in found:
        if path.name.startswith(begin) and (begin.startswith(".") or not path.name.startswith(".")):
            if path.is_dir():
                yield f"{typed}{slash}{path.name}/"
            elif path.suffix in endings:
                yield f"{typed}{slash}{path.name}"
