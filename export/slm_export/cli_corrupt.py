"""`slm-export corrupt`."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import click

from slm_export.cli_model import JSON

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


class _Range(click.ParamType[tuple[float, float]]):
    """LOW-HIGH as two numbers, LOW not above HIGH."""

    name = "low-high"

    def __init__(self, lowest: float, highest: float) -> None:
        self._limits = (lowest, highest)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)", str(value))
        low, high = (float(match[1]), float(match[2])) if match else (1.0, 0.0)
        if not self._limits[0] <= low <= high <= self._limits[1]:
            limits = f"{self._limits[0]:g} and {self._limits[1]:g}"
            self.fail(f"{value!r} is not LOW-HIGH, two numbers between {limits}, such as 0.03-0.3 for rates.", param, ctx)
        return low, high


@click.command(short_help="Make pairs of wrong and correct sentences.")
@click.option("--text", "texts", type=_FILE, multiple=True, required=True, help="Correct sentences, one a line (.tsv: column 1).")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, help="The file of JSON lines to write.")
@click.option("--pairs", type=_FILE, multiple=True, help="Pairs to mix in: lines of wrong<TAB>right.")
@click.option("--misspellings", type=_FILE, help="Known misspellings: lines of wrong<TAB>right or wrong<TAB>right|right.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed and input give the same file.")
@click.option("--count", type=click.IntRange(min=1), help="Write no more pairs than this.")
@click.option("--rounds", type=click.IntRange(min=1), default=1, show_default=True, help="Pairs of each sentence.")
@click.option("--cap", type=click.IntRange(min=1), help="At most so many sentences of each file, drawn at random.")
@click.option("--words", type=_Range(1, 500), default="3-45", show_default=True, help="Shortest and longest sentence.")
@click.option("--rate", type=_Range(0.001, 1), default="0.03-0.3", show_default=True, help="Errors per word, drawn per sentence.")
@click.option("--clean", type=click.FloatRange(0, 1), default=0.3, show_default=True, help="Share of sentences left correct.")
@click.option("--focus", multiple=True, metavar="KIND", help="Only sentences with a place for such an error, which they get.")
@JSON
def corrupt(
    texts: tuple[Path, ...],
    out: Path,
    pairs: tuple[Path, ...],
    misspellings: Path | None,
    seed: int,
    count: int | None,
    rounds: int,
    cap: int | None,
    words: tuple[float, float],
    rate: tuple[float, float],
    clean: float,
    focus: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the errors that people make into correct sentences: training data for a model that corrects them.

    Misspellings, determiners, prepositions, agreement, tense, number, confused words, capitals, commas, spaces, order, words
    missing or too many, and constructions. Each line of --out is {"source": wrong, "target": correct, "kinds": […]}.
    Needs the package lemminflect: pip install "slm-playground[grammar]".

    \b
    slm-export corrupt --text essays.txt --out pairs.jsonl
    slm-export corrupt --text a.txt --text b.tsv --misspellings list.tsv --cap 15000 --rounds 3 --out pairs.jsonl
    slm-export corrupt --text a.txt --rate 0.02-0.12 --clean 0.35 --out natural.jsonl       few errors, as in real text
    slm-export corrupt --text a.txt --focus condition --focus since --out rare.jsonl      of what is rare in text

    \b
    Next: slm-export finetune BASE --data pairs.jsonl --out ADAPTER
    """
    from slm_export.corrupt.mixture import WEIGHTS, Corruptor, Settings
    from slm_export.corrupt.morphology import require_library
    from slm_export.corrupt.pairs import Request, make_pairs, write_pairs
    from slm_export.corrupt.spelling import read_misspellings

    if unknown := [kind for kind in focus if kind not in WEIGHTS]:
        raise click.BadParameter(f"{unknown[0]!r} is no kind of error. There are: {', '.join(WEIGHTS)}.", param_hint="--focus")
    require_library()
    corruptor = Corruptor(Settings(rate, clean, focus=focus), read_misspellings(misspellings) if misspellings else None)
    request = Request(texts, pairs, (int(words[0]), int(words[1])), cap, rounds, count)
    summary = write_pairs(make_pairs(request, corruptor, seed), out)
    if as_json:
        shown = {**dataclasses.asdict(summary), "errors_per_100_words": round(summary.errors_per_100_words, 2)}
        click.echo(json.dumps({"out": str(out), **shown}))
        return
    click.echo(
        f"{summary.pairs:,} pairs, {summary.unchanged / max(summary.pairs, 1):.0%} left correct, {summary.words:,} words, "
        f"{summary.errors_per_100_words:.1f} errors per 100 words"
    )
    total = sum(summary.kinds.values())
    for kind, number in summary.kinds.items():
        click.echo(f"  {kind:14} {number:8,}  {number / total:6.1%}")
    click.echo(f"Written: {out}\nNext: slm-export finetune BASE --data {out} --out ADAPTER")
