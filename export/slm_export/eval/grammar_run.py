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
    """`model`: a bundle, or an adapter folder for `base`. `clean`: file of correct sentences; `harper`: a node_modules."""

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


def evaluate(options: Options, reporter: Reporter) -> dict[str, Any]:
    """All figures: rows of the table, the curve, and what each sentence became.

    Raises: SourceError for a model or files that cannot be used.
    """
    texts = grammar.read_texts(options.source, options.references, raw=options.raw, limit=options.limit)
    clean = grammar.read_texts(options.clean, (), raw=False, limit=options.limit).sources if options.clean else ()
    rows = [grammar.row("source", texts.sources, texts, [(s, s) for s in clean], ())]
    if options.harper:
        rows.append(_harper_row(options.harper, texts, clean))
    with _corrector(options, reporter) as corrector:
        with reporter.step(f"{corrector.name} corrects {len(texts.sources) + len(clean):,} sentences"):
            corrected, seconds = grammar.timed(corrector, texts.sources)
            spotless = grammar.correct(corrector, clean) if clean else []
        for threshold in (grammar.NO_GATE, *sorted({*_SHOWN_GATES, options.threshold})):
            name = corrector.name + ("" if threshold == grammar.NO_GATE else f", gate {threshold:g}")
            pairs = [(each.source, each.text(threshold)) for each in spotless]
            rows.append(grammar.row(name, [c.text(threshold) for c in corrected], texts, pairs, corrector.seconds or [seconds]))
    points = grammar.curve(texts, corrected) if texts.references[0] else []
    facts = {
        "model": options.model.name,
        "sentences": len(texts.sources),
        "clean_sentences": len(clean),
        "tokens_per_pass": _tokens_per_pass(corrector),
        "errant": errant_scores.measure(texts, [c.text(options.threshold) for c in corrected]) if texts.references[0] else None,
        "outputs": [each.text(options.threshold) for each in corrected],
        "answers": [each.answer for each in corrected],
        "clean_outputs": [each.text(options.threshold) for each in spotless],
    }
    return grammar.plain(rows, points, facts) | {"table": grammar.table(rows)}


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
