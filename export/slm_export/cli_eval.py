"""`slm-export eval …`: what a bundle is worth at a task."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click

from slm_export.cli_model import DOWNLOADS, JSON

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_BUNDLE = click.Path(exists=True, file_okay=False, path_type=Path)
_PROSE = click.Path(exists=True, path_type=Path)
_FIT_HELP = "Seek threshold and margins for which at most this share of --clean is changed (0.03: three in a hundred)."


@click.group("eval", short_help="Measure a bundle at a task.")
def evaluate() -> None:
    """Measure what a bundle is worth at a task, on text that people wrote."""


@evaluate.command(short_help="Suggestions while typing.")
@click.argument("bundle", type=_BUNDLE)
@click.option("--text", "texts", type=_PROSE, multiple=True, help="Prose, a sentence or paragraph a line; a folder of .txt.")
@click.option("--baseline-text", type=_FILE, multiple=True, help="What the word 3-gram model learns from: other text.")
@click.option("--places", type=click.IntRange(min=10), default=300, show_default=True, help="Beginnings of words in each text.")
@click.option("--typist", type=click.IntRange(min=0), default=2000, show_default=True, help="Characters that are typed; 0: none.")
@click.option("--context", type=click.IntRange(min=200), default=1500, show_default=True, help="Characters that the model reads.")
@click.option("--threshold", type=click.FloatRange(0, 1), default=0.6, show_default=True, help="Least confidence that is shown.")
@click.option("--calibration", type=_FILE, help="Measured confidence (web/src/engine/complete/calibrations.json), else raw.")
@click.option("--fit", "fit_to", type=click.Path(dir_okay=False, path_type=Path), help="Add this bundle's calibration to a file.")
@click.option("--trade-off", type=click.Path(dir_okay=False, path_type=Path), help="Add what the slider shows to a file.")
@click.option("--variant", default="cpu-int8", show_default=True, help="Which graph to run.")
@click.option(
    "--skip", type=click.IntRange(min=0), default=0, show_default=True, help="Leave out so many documents of each text."
)
@click.option(
    "--part", default="1/1", show_default=True, metavar="N/OF", help="Every OF-th document of each text, from the N-th."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed and texts give the same places.")
@click.option("--silence", type=_FILE, help="The page's rules of silence too: tests/bench/silence.mjs of a checkout (Node.js).")
@click.option("--quick", is_flag=True, help="Integer products: half the time, probabilities off by 0.01 on average.")
@click.option("--again", type=_BUNDLE, help="Score what an earlier --out has, without the model: no --text, no typist.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for results, curves, and what was asked.")
@JSON
def autocomplete(
    bundle: Path,
    texts: tuple[Path, ...],
    baseline_text: tuple[Path, ...],
    places: int,
    typist: int,
    context: int,
    threshold: float,
    calibration: Path | None,
    fit_to: Path | None,
    trade_off: Path | None,
    variant: str,
    skip: int,
    part: str,
    seed: int,
    silence: Path | None,
    quick: bool,
    again: Path | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure BUNDLE's suggestions: how often they are right, how often they come, what they save.

    At random beginnings of words, with none to three letters typed, beside a word 3-gram model that learnt from other text.
    Neighbouring lines are taken for one text. With --fit the model's probabilities are set against what was right: do that on
    other text than you report on, or on --part 1/2 and report on --part 2/2.

    \b
    slm-export eval autocomplete bundles/smollm2 --text blog.txt --baseline-text novels.txt --out report
    """
    from slm_export.eval import autocomplete as program
    from slm_export.eval import autocomplete_report as report
    from slm_export.progress import Reporter

    if bool(texts) == bool(again):
        raise click.UsageError("Give --text, or --again with a folder that --out wrote: one of both.")
    options = program.Options(
        texts,
        baseline_text,
        places,
        typist,
        context,
        threshold,
        variant,
        skip,
        _part(part),
        seed,
        calibration,
        silence,
        quick,
        again,
    )
    result = program.evaluate(bundle, options, Reporter(quiet=as_json), out)
    if out is not None:
        report.write(result, out)
    if fit_to is not None:
        calibrated = {"measured": f"{result['how']} --fit FILE", "by_letters": program.fitted(result["texts"]).by_letters}
        _add(fit_to, result["bundle"], calibrated)
    if trade_off is not None:
        measured = f"{result['how']} --calibration FILE --trade-off FILE"
        _add(trade_off, result["bundle"], {"measured": measured, **program.trade_off(result)})
    click.echo(json.dumps(report.plain(result)) if as_json else "\n".join(report.table(result)))


def _part(value: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)/(\d+)", value)
    part, parts = (int(number) for number in found.groups()) if found else (0, 0)
    if not 1 <= part <= parts:
        raise click.BadParameter(f"{value} is no part like 1/2, the first of two.", param_hint="--part")
    return part, parts


@evaluate.command(short_help="Corrections of sentences.")
@click.argument("model", type=_BUNDLE)
@click.option("--src", "source", type=_FILE, required=True, help="Sentences to correct, one a line.")
@click.option("--ref", "references", type=_FILE, multiple=True, help="A correction of each, tokenised; several files are fine.")
@click.option("--raw", is_flag=True, help="The sentences are natural text; tokenise them before scoring.")
@click.option("--clean", type=_FILE, help="Correct sentences: how many of them are changed?")
@click.option("--harper", type=_BUNDLE, help="A node_modules folder with harper.js: its rules in the same table.")
@click.option("--threshold", type=float, default=2.0, show_default=True, help="Least gain of an edit, in nats.")
@click.option("--limit", type=click.IntRange(min=1), help="Only so many sentences of each file.")
@click.option("--variant", default="cpu-int8", show_default=True, help="Which graph of a bundle to run.")
@click.option("--base", help="The base model, where MODEL is a LoRA adapter.")
@click.option("--engine", type=_FILE, help="Answers of the page's engine, by tests/bench/proofread.mjs; MODEL is not run.")
@click.option("--fit", type=click.FloatRange(0, 1), metavar="SHARE", help=_FIT_HELP)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for results.json and curve.svg.")
@DOWNLOADS
@JSON
def grammar(
    model: Path,
    source: Path,
    references: tuple[Path, ...],
    raw: bool,
    clean: Path | None,
    harper: Path | None,
    threshold: float,
    limit: int | None,
    variant: str,
    base: str | None,
    engine: Path | None,
    fit: float | None,
    out: Path | None,
    downloads: Path | None,
    as_json: bool,
) -> None:
    """Measure how well MODEL corrects sentences, and how well it leaves correct ones alone.

    MODEL is a bundle (its graph runs in native ONNX Runtime) or a LoRA adapter of `slm-export finetune` (PyTorch, --base).
    GLEU as in Napoles 2016, ERRANT where it is installed, precision and recall of the edits over the threshold.

    \b
    slm-export eval grammar bundles/smollm2-135m-grammar --src dev.natural.src --raw --ref dev.ref0 --ref dev.ref1
    slm-export eval grammar my-adapter --base smollm2-135m-instruct --src dev.natural.src --raw --ref dev.ref0 --out report
    """
    from slm_export.eval import grammar_run as program
    from slm_export.progress import Reporter

    folder = downloads or model.absolute().parent / "downloads"
    options = program.Options(model, base, folder, source, references, clean, raw, limit, threshold, variant, harper, engine, fit)
    result = program.evaluate(options, Reporter(quiet=as_json))
    if out is not None:
        program.write(result, out)
    if as_json:
        click.echo(json.dumps(result))
        return
    click.echo("\n".join(result["table"]))
    if result["errant"]:
        shown = ", ".join(f"{name} {value:.1%}" for name, value in result["errant"].items())
        click.echo(f"ERRANT at the threshold {result['threshold']:g}: {shown}")
    if result["fit"]:
        click.echo(f"Gates from every second sentence, and figures of the others: {json.dumps(result['fit'])}")


def _add(path: Path, bundle: str, entry: dict[str, Any]) -> None:
    """Puts an entry for a bundle into a file of entries."""
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**known, bundle: entry}, indent=2) + "\n", encoding="utf-8")
