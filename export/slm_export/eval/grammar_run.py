"""`slm-export eval grammar`: finds the model, lets it correct, and gathers the table."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerFast

from slm_export import checkpoint as checkpoints
from slm_export.adapter import CONFIG_NAME, read_task
from slm_export.errors import SourceError
from slm_export.eval import errant_scores, grammar
from slm_export.eval.correctors import Asker, BundleCorrector, Corrector, TorchCorrector, harper
from slm_export.eval.curves import draw
from slm_export.eval.engine_answers import WAYS, EngineCorrected, read_answers
from slm_export.eval.gates import Fit, Gates
from slm_export.eval.grammar import Row, Texts
from slm_export.finetune.encode import Encoder
from slm_export.manifest import MANIFEST_NAME, load_manifest
from slm_export.options import ExportOptions
from slm_export.ort_decoder import OrtDecoder
from slm_export.progress import Reporter
from slm_export.sources import resolve

TASK = "grammar"
_SHOWN_GATES = (0.0, 1.0, 2.0, 3.0)


@dataclass(frozen=True, slots=True)
class Options:
    """`model`: a bundle, or an adapter folder for `base`. `clean`: file of correct sentences; `harper`: a node_modules.

    `engine`: answers of the browser's engine, instead of running the model here; `fit`: the share of correct sentences that may
    be changed, for which threshold and margins are sought.
    """

    model: Path
    base: str | None
    downloads: Path
    source: Path
    references: tuple[Path, ...]
    clean: Path | None
    raw: bool
    limit: int | None
    threshold: float
    variant: str
    harper: Path | None
    engine: Path | None
    fit: float | None


def evaluate(options: Options, reporter: Reporter) -> dict[str, Any]:
    """All figures: rows of the table, the curve, and what each sentence became.

    Raises: SourceError for a model or files that cannot be used.
    """
    texts = grammar.read_texts(options.source, options.references, raw=options.raw, limit=options.limit)
    clean = grammar.read_texts(options.clean, (), raw=False, limit=options.limit).sources if options.clean else ()
    rows = [grammar.row("source", texts.sources, texts, [(s, s) for s in clean], ())]
    if options.harper:
        rows.append(_harper_row(options.harper, texts, clean))
    answered = _engine(options, texts, clean) if options.engine else _native(options, texts, clean, reporter)
    for threshold in (grammar.NO_GATE, *sorted({*_SHOWN_GATES, answered.threshold})):
        name = answered.name + ("" if threshold == grammar.NO_GATE else f", gate {threshold:g}")
        pairs = [(each.source, each.text(threshold)) for each in answered.spotless]
        rows.append(grammar.row(name, [c.text(threshold) for c in answered.corrected], texts, pairs, answered.seconds))
    rows += answered.more_rows
    corrected, threshold = answered.corrected, answered.threshold
    points = grammar.curve(texts, corrected) if texts.references[0] else []
    facts = {
        "model": options.model.name,
        "sentences": len(texts.sources),
        "clean_sentences": len(clean),
        "threshold": threshold,
        "tokens_per_pass": answered.tokens_per_pass,
        "fit": answered.fit,
        "errant": errant_scores.measure(texts, [c.text(threshold) for c in corrected]) if texts.references[0] else None,
        "outputs": [each.text(threshold) for each in corrected],
        "answers": [each.answer for each in corrected],
        "clean_outputs": [each.text(threshold) for each in answered.spotless],
    }
    return grammar.plain(rows, points, facts) | {"table": grammar.table(rows)}


@dataclass(frozen=True, slots=True)
class _Answered:
    """What a model made of the sentences with errors and of the correct ones; `fit`: gates that were sought, and how they do."""

    name: str
    corrected: Sequence[grammar.Correction]
    spotless: Sequence[grammar.Correction]
    seconds: Sequence[float]
    threshold: float
    tokens_per_pass: float | None = None
    fit: dict[str, Any] | None = None
    more_rows: Sequence[Row] = ()


def _native(options: Options, texts: Texts, clean: Sequence[str], reporter: Reporter) -> _Answered:
    if options.fit is not None:
        raise SourceError("--fit seeks margins by the kind of an edit, which only the page's engine tells: give --engine too.")
    with _corrector(options, reporter) as corrector:
        with reporter.step(f"{corrector.name} corrects {len(texts.sources) + len(clean):,} sentences"):
            corrected, seconds = grammar.timed(corrector, texts.sources)
            spotless = grammar.correct(corrector, clean) if clean else []
        times = corrector.seconds or [seconds]
        return _Answered(corrector.name, corrected, spotless, times, options.threshold, _tokens_per_pass(corrector))


def _engine(options: Options, texts: Texts, clean: Sequence[str]) -> _Answered:
    """The answers of the browser's engine behind the bundle's margins, or behind those that are sought first."""
    assert options.engine
    answers = read_answers(options.engine)
    corrected, spotless = answers.of(texts.sources), answers.of(clean)
    gates, fit = _bundle_gates(options.model, options.threshold), None
    if options.fit is not None:
        gates, fit = _fit(options.fit, texts, corrected, spotless)
    seconds = [each.seconds for each in corrected]
    shown = [
        grammar.row(f"page: {way}", [c.shown[way] for c in corrected], texts, [(c.source, c.shown[way]) for c in spotless], ())
        for way in WAYS
    ]
    corrected, spotless = ([each.with_margins(gates.margins) for each in own] for own in (corrected, spotless))
    return _Answered(answers.name, corrected, spotless, seconds, gates.least_gain, fit=fit, more_rows=shown)


def _bundle_gates(folder: Path, threshold: float) -> Gates:
    """The threshold that was asked for, the margins of the bundle."""
    if not (folder / MANIFEST_NAME).is_file():
        return Gates(threshold, {})
    prompt = next((each for each in load_manifest(folder).prompts.tasks or () if each.task == TASK), None)
    return Gates(threshold, {each.type: each.nats for each in (prompt and prompt.margins) or ()})


def _fit(
    share: float, texts: Texts, corrected: Sequence[EngineCorrected], clean: Sequence[EngineCorrected]
) -> tuple[Gates, dict[str, Any]]:
    """Gates from every second sentence, and how they do on the others."""
    if not clean or not texts.references[0]:
        raise SourceError("--fit needs sentences with references (--ref) and correct ones (--clean).")
    half = Texts(texts.sources[::2], texts.references[::2], texts.raw)
    fit = Fit(half, corrected[::2], clean[::2], share)
    gates = fit.best()
    other = Texts(texts.sources[1::2], texts.references[1::2], texts.raw)
    outputs = [each.with_margins(gates.margins).text(gates.least_gain) for each in corrected[1::2]]
    return gates, {
        "least_gain": gates.least_gain,
        "margins": dict(gates.margins),
        "other_half": {
            "source_gleu": grammar.score(other, other.sources),
            "gleu": grammar.score(other, outputs),
            "correct_ones_changed": fit.changed(gates, clean[1::2]),
        },
    }


def write(result: dict[str, Any], folder: Path) -> None:
    """results.json and the curve of precision over recall."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    points = [(point["recall"], point["precision"]) for point in result["curve"]]
    if points:
        picture = draw("Edits over the threshold", {result["model"]: points}, {}, across="recall", up="precision")
        (folder / "curve.svg").write_text(picture, encoding="utf-8")


def _harper_row(modules: Path, texts: Texts, clean: Sequence[str]) -> Row:
    outputs, seconds = harper(texts.sources, modules)
    spotless = harper(clean, modules)[0] if clean else []
    return grammar.row("Harper, first suggestions", outputs, texts, list(zip(clean, spotless, strict=True)), seconds)


def _tokens_per_pass(corrector: Corrector) -> float | None:
    return corrector.tokens / corrector.passes if isinstance(corrector, BundleCorrector) and corrector.passes else None


@contextlib.contextmanager
def _corrector(options: Options, reporter: Reporter) -> Iterator[Corrector]:
    if (options.model / MANIFEST_NAME).is_file():
        yield _bundle(options.model, options.variant)
    elif (options.model / CONFIG_NAME).is_file():
        with tempfile.TemporaryDirectory(prefix="slm-eval-") as folder:
            yield _adapter(options, Path(folder), reporter)
    else:
        raise SourceError(f"{options.model} is neither a bundle ({MANIFEST_NAME}) nor a LoRA adapter ({CONFIG_NAME}).")


def _bundle(folder: Path, variant: str) -> BundleCorrector:
    manifest = load_manifest(folder)
    prompt = next((each for each in manifest.prompts.tasks or () if each.task == TASK), None)
    if prompt is None or manifest.prompts.chat_template is None:
        raise SourceError(f"{folder} was not made for the task {TASK}: its manifest has no prompt for it, or no chat template.")
    names = [each.name for each in manifest.variants]
    if variant not in names:
        raise SourceError(f"{folder} has no variant {variant}; it has {', '.join(names)}. Name one with --variant.")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    template = (folder / manifest.prompts.chat_template).read_text(encoding="utf-8")
    asker = Asker(Encoder(tokenizer, template, manifest.special_tokens.eos), tokenizer, prompt.user)
    return BundleCorrector(OrtDecoder(folder / manifest.variant(variant).graph), asker, f"{manifest.id} {variant}")


def _adapter(options: Options, work: Path, reporter: Reporter) -> TorchCorrector:
    task = read_task(options.model)
    if options.base is None or task is None:
        raise SourceError(f"{options.model} is an adapter: name its base model with --base. Its task.json says how to ask it.")
    export = ExportOptions(adapter=options.model)
    origin = resolve(options.base, downloads=options.downloads, reporter=reporter, options=export)
    with reporter.step(f"Loading {origin.name} in PyTorch (float32)"):
        checkpoint = checkpoints.load(origin, work)
    tokenizer = checkpoint.tokenizer
    encoder = Encoder(tokenizer, checkpoint.chat_template or "", [tokenizer.eos_token_id])
    return TorchCorrector(checkpoint.load_model(), Asker(encoder, tokenizer, task.prefix + "{text}"), f"{origin.id} PyTorch")
