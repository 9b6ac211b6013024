"""`slm-export eval autocomplete`: a bundle's suggestions and a word 3-gram model's, at the same places of the same text."""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.errors import SlmError
from slm_export.eval.completion import Completer
from slm_export.eval.samples import Sample, judged, read_samples, write_samples
from slm_export.eval.scores import Calibration, curve, fit, interval, nearest, percentile, score, simulate, threshold_for
from slm_export.eval.silence import Quiet, Rules
from slm_export.eval.trials import LETTERS, Predictor, Trial, read_documents, read_sentences, sample_places, try_places
from slm_export.eval.word_ngram import WordNgram
from slm_export.manifest import Manifest, load_manifest
from slm_export.progress import Reporter

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_SLIDER = tuple(round(0.2 + 0.05 * step, 2) for step in range(16))
MODEL, BASELINE = "model", "word 3-gram"
_COVERAGES = (0.05, 0.1, 0.12, 0.2)
_TYPIST_CHARACTERS = 250  # of a document: more of one would say less of others
_RULES = " --silence SCRIPT"
_BOLD_BASELINE = 0.2  # a probability at which the 3-gram model is wrong most of the time, and saves most


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and on what."""

    texts: Sequence[Path]
    baseline_texts: Sequence[Path] = ()
    places: int = 300
    typist_characters: int = 2000
    context_length: int = 1500
    threshold: float = 0.6
    variant: str = "cpu-int8"
    skip: int = 0
    part: tuple[int, int] = (1, 1)  # the documents of each text in so many parts by turns, and which of these
    seed: int = 0
    calibration: Path | None = None
    silence: Path | None = None
    quick: bool = False
    again: Path | None = None


def evaluate(bundle: Path, options: Options, reporter: Reporter, out: Path | None = None) -> dict[str, Any]:
    """All measurements as one JSON-able object. Raises SlmError for texts or bundles that cannot be used.

    What was asked and what came is left in `out`, so that `options.again` can score it with another calibration."""
    manifest = load_manifest(bundle)
    if manifest.architecture != "decoder":
        raise SlmError(f"{manifest.name} does not continue text. Evaluate a decoder model.")
    calibration = read_calibration(options.calibration, manifest.id)
    command = how(options)
    with closing(Rules(options.silence, bundle, manifest.vocab_size)) if options.silence else nullcontext() as rules:
        if options.again is None:
            samples, typists = _asked(bundle, manifest, calibration, options, rules, reporter)
        else:
            (samples, command), typists = read_samples(options.again, manifest.id), []
            samples = [judged(sample, rules) for sample in samples] if rules else samples
            command += _RULES if rules and not command.endswith(_RULES) else ""
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_samples(samples, command, manifest.id, out)
    return {
        "bundle": manifest.id,
        "variant": options.variant,
        "how": command,
        "context_length": options.context_length,
        "threshold": options.threshold,
        "rules_of_silence": command.endswith(_RULES),
        "calibration": [list(points) for points in calibration.by_letters],
        "texts": [
            _text_row(sample, calibration, typists[index] if typists else {}, options) for index, sample in enumerate(samples)
        ],
    }


def read_calibration(path: Path | None, bundle_id: str) -> Calibration:
    """A bundle's entry of a file as `--fit` writes it, as the browser has it in calibrations.json."""
    if path is None:
        return Calibration()
    entry = json.loads(path.read_text(encoding="utf-8")).get(bundle_id)
    return Calibration(entry["by_letters"]) if entry else Calibration()


def fitted(rows: Sequence[dict[str, Any]]) -> Calibration:
    """A calibration of the model's trials on all texts together."""
    return fit([trial for row in rows for trial in row["predictors"][MODEL]["trials"]])


def trade_off(result: dict[str, Any]) -> dict[str, Any]:
    """What the browser shows beside the slider: shares at word borders by threshold, over all texts together."""
    trials = [trial for row in result["texts"] for trial in row["predictors"][MODEL]["trials"] if trial.letters == 0]
    calibration = Calibration(result["calibration"])
    scores = (score(trials, threshold, calibration) for threshold in sorted({*_SLIDER, result["threshold"]}))
    return {
        "texts": [row["text"] for row in result["texts"]],
        "places": len(trials),
        "by_threshold": [
            {
                "threshold": each.threshold,
                **{name: round(getattr(each, name), 4) for name in ("coverage", "precision", "first_word", "wrong_show_rate")},
            }
            for each in scores
        ],
    }


def _asked(
    bundle: Path, manifest: Manifest, calibration: Calibration, options: Options, rules: Rules | None, reporter: Reporter
) -> tuple[list[Sample], list[dict[str, list[dict[str, Any]]]]]:
    """What the model and the baseline offer in each text, and what a typist would have of them."""
    model = Completer(bundle, manifest, options.variant, context_length=options.context_length, quick=options.quick)
    samples, typists = [], []
    for path in options.texts:
        part, parts = options.part
        texts = read_documents(path)[options.skip :][part - 1 :: parts]
        if not texts:
            raise SlmError(f"{path} has too little text. Give at least a few hundred words of prose, or a smaller --skip.")
        places = sample_places(texts, options.places, seed=options.seed)
        predictors: dict[str, Predictor] = {MODEL: model, BASELINE: _baseline(path, options)}
        if rules:
            predictors = {name: Quiet(predictor, rules) for name, predictor in predictors.items()}
        trials = {}
        for name, predictor in predictors.items():
            reporter.say(f"{path.name}: {name} at {len(places):,} places")
            trials[name] = try_places(predictor, texts, places)
        documents = {str(index): texts[index] for index in {place.document for place in places}}
        samples.append(Sample(path.name, places, documents, trials))
        typists.append(_typists(predictors, texts, calibration, options))
    return samples, typists


def _baseline(evaluated: Path, options: Options) -> WordNgram:
    others = [path for path in options.baseline_texts if path.resolve() != evaluated.resolve()]
    return WordNgram(sentence for path in others for sentence in read_sentences(path))


def _text_row(
    sample: Sample, calibration: Calibration, typists: dict[str, list[dict[str, Any]]], options: Options
) -> dict[str, Any]:
    documents = [place.document for place in sample.places]
    row: dict[str, Any] = {"text": sample.text, "documents": len(set(documents)), "predictors": {}}
    for name, trials in sample.trials.items():
        own = calibration if name == MODEL else Calibration()
        row["predictors"][name] = {
            "trials": trials,
            "by_letters": [_letters_row(trials, documents, letters, own, options) for letters in LETTERS],
            "typist": typists.get(name, []),
            "ms": {"p50": percentile([t.ms for t in trials], 0.5), "p90": percentile([t.ms for t in trials], 0.9)},
        }
    return row


def _letters_row(
    trials: Sequence[Trial], documents: Sequence[int], letters: int, calibration: Calibration, options: Options
) -> dict[str, Any]:
    some = [trial for trial in trials if trial.letters == letters]
    where = [document for trial, document in zip(trials, documents, strict=True) if trial.letters == letters]
    points = curve(some)
    return {
        "letters": letters,
        "scores": [
            dataclasses.asdict(score(some, threshold, calibration)) for threshold in sorted({*THRESHOLDS, options.threshold})
        ],
        "precision_interval": interval(some, where, options.threshold, calibration, seed=options.seed),
        "precision_at_coverage": {str(share): (nearest(points, share) or (share, None))[1] for share in _COVERAGES},
        "threshold_for_precision": {str(goal): threshold_for(some, goal, calibration) for goal in (0.7, 0.75, 0.8)},
        "curve": [[round(x, 4), round(y, 4)] for x, y in points],
    }


def _typists(
    predictors: dict[str, Predictor], texts: Sequence[str], calibration: Calibration, options: Options
) -> dict[str, list[dict[str, Any]]]:
    """The model at the threshold, the 3-gram model there too and where it may be wrong as often as it likes."""
    if options.typist_characters == 0:
        return {}
    return {
        MODEL: [_typist_row(predictors[MODEL], texts, options.threshold, calibration, options)],
        BASELINE: [
            _typist_row(predictors[BASELINE], texts, threshold, Calibration(), options)
            for threshold in (options.threshold, _BOLD_BASELINE)
        ],
    }


def _typist_row(
    predictor: Predictor, texts: Sequence[str], threshold: float, calibration: Calibration, options: Options
) -> dict[str, Any]:
    """Several documents, each from its third on: a typist's text has a beginning."""
    count = min(len(texts), max(1, options.typist_characters // _TYPIST_CHARACTERS))
    length = options.typist_characters // count
    savings = [
        simulate(predictor, text, threshold, calibration, start=len(text) // 3, stop=len(text) // 3 + length)
        for text in random.Random(options.seed).sample(texts, count)
    ]
    sums = {field.name: sum(getattr(saving, field.name) for saving in savings) for field in dataclasses.fields(savings[0])}
    by_document = [[saving.characters, saving.saved] for saving in savings]
    return {"threshold": threshold, **sums, "share": sums["saved"] / max(1, sums["characters"]), "by_document": by_document}


def how(options: Options) -> str:
    """The command that measured, without anybody's paths."""
    texts = " ".join(f"--text {path.name}" for path in options.texts)
    part, parts = options.part
    numbers = f"--places {options.places} --context {options.context_length} --skip {options.skip} --part {part}/{parts}"
    quick, rules = " --quick" if options.quick else "", _RULES if options.silence else ""
    return f"slm-export eval autocomplete BUNDLE {texts} {numbers} --seed {options.seed}{quick}{rules}"
