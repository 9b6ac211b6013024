"""`slm-export eval autocomplete`: a bundle's suggestions and a word 3-gram model's, at the same places of the same text."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.errors import SlmError
from slm_export.eval import curves
from slm_export.eval.completion import Completer
from slm_export.eval.scores import Calibration, curve, fit, nearest, percentile, score, simulate, threshold_for
from slm_export.eval.trials import LETTERS, Predictor, Trial, documents, read_sentences, sample_places, try_places
from slm_export.eval.word_ngram import WordNgram
from slm_export.manifest import load_manifest
from slm_export.progress import Reporter

THRESHOLDS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_COVERAGES = (0.05, 0.1, 0.12, 0.2)
_TYPIST_DOCUMENTS = 4


@dataclass(frozen=True, slots=True)
class Options:
    """What to measure, and on what."""

    texts: Sequence[Path]
    baseline_texts: Sequence[Path]
    places: int = 300
    typist_characters: int = 2000
    context_length: int = 1500
    threshold: float = 0.53
    variant: str = "cpu-int8"
    skip: int = 0
    seed: int = 0
    calibration: Path | None = None


def evaluate(bundle: Path, options: Options, reporter: Reporter) -> dict[str, Any]:
    """All measurements as one JSON-able object. Raises SlmError for texts or bundles that cannot be used."""
    manifest = load_manifest(bundle)
    if manifest.architecture != "decoder":
        raise SlmError(f"{manifest.name} does not continue text. Evaluate a decoder model.")
    calibration = read_calibration(options.calibration, manifest.id)
    model = Completer(bundle, manifest, options.variant, context_length=options.context_length)
    rows = [
        _text_row(
            path, {"model": (model, calibration), "word 3-gram": (_baseline(path, options), Calibration())}, options, reporter
        )
        for path in options.texts
    ]
    return {
        "bundle": manifest.id,
        "variant": options.variant,
        "context_length": options.context_length,
        "threshold": options.threshold,
        "seed": options.seed,
        "places": options.places,
        "calibration": [list(points) for points in calibration.by_letters],
        "texts": rows,
    }


def read_calibration(path: Path | None, bundle_id: str) -> Calibration:
    """A bundle's entry of a file as `--fit` writes it, as the browser has it in calibrations.json."""
    if path is None:
        return Calibration()
    entry = json.loads(path.read_text(encoding="utf-8")).get(bundle_id)
    return Calibration(entry["by_letters"]) if entry else Calibration()


def fitted(rows: Sequence[dict[str, Any]]) -> Calibration:
    """A calibration of the model's trials on all texts together."""
    return fit([trial for row in rows for trial in row["predictors"]["model"]["trials"]])


def trade_off(result: dict[str, Any]) -> dict[str, Any]:
    """What the browser shows beside the slider: shares at word borders by threshold, over all texts together."""
    trials = [trial for row in result["texts"] for trial in row["predictors"]["model"]["trials"] if trial.letters == 0]
    calibration = Calibration(result["calibration"])
    scores = (score(trials, threshold, calibration) for threshold in sorted({*THRESHOLDS, result["threshold"]}))
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


def _baseline(evaluated: Path, options: Options) -> WordNgram:
    others = [path for path in options.baseline_texts if path.resolve() != evaluated.resolve()]
    return WordNgram(sentence for path in others for sentence in read_sentences(path))


def _text_row(
    path: Path, predictors: dict[str, tuple[Predictor, Calibration]], options: Options, reporter: Reporter
) -> dict[str, Any]:
    texts = documents(read_sentences(path))[options.skip :]
    if not texts:
        raise SlmError(f"{path} has too little text. Give at least a few hundred words of prose, or a smaller --skip.")
    places = sample_places(texts, options.places, seed=options.seed)
    row: dict[str, Any] = {"text": path.name, "places": [dataclasses.asdict(place) for place in places], "predictors": {}}
    for name, (predictor, calibration) in predictors.items():
        reporter.say(f"{path.name}: {name} at {len(places):,} places")
        trials = try_places(predictor, texts, places)
        row["predictors"][name] = {
            "trials": trials,
            "by_letters": [_letters_row(trials, letters, calibration, options) for letters in LETTERS],
            "typist": [
                _typist_row(predictor, texts, threshold, calibration, options) for threshold in _typist_thresholds(options)
            ],
            "ms": {"p50": percentile([t.ms for t in trials], 0.5), "p90": percentile([t.ms for t in trials], 0.9)},
        }
    row["documents"] = {str(index): texts[index] for index in {place.document for place in places}}
    return row


def _typist_thresholds(options: Options) -> tuple[float, ...]:
    return () if options.typist_characters == 0 else (options.threshold,)


def _letters_row(trials: Sequence[Trial], letters: int, calibration: Calibration, options: Options) -> dict[str, Any]:
    some = [trial for trial in trials if trial.letters == letters]
    points = curve(some)
    return {
        "letters": letters,
        "scores": [
            dataclasses.asdict(score(some, threshold, calibration)) for threshold in sorted({*THRESHOLDS, options.threshold})
        ],
        "precision_at_coverage": {str(share): (nearest(points, share) or (share, None))[1] for share in _COVERAGES},
        "threshold_for_precision": {str(goal): threshold_for(some, goal, calibration) for goal in (0.7, 0.75, 0.8)},
        "curve": [[round(x, 4), round(y, 4)] for x, y in points],
    }


def _typist_row(
    predictor: Predictor, texts: Sequence[str], threshold: float, calibration: Calibration, options: Options
) -> dict[str, Any]:
    """Several documents, each from its third on: a typist's text has a beginning."""
    each = options.typist_characters // _TYPIST_DOCUMENTS
    savings = [
        simulate(predictor, text[: len(text) // 3 + each], threshold, calibration, start=len(text) // 3)
        for text in texts[:_TYPIST_DOCUMENTS]
    ]
    sums = {field.name: sum(getattr(saving, field.name) for saving in savings) for field in dataclasses.fields(savings[0])}
    return {"threshold": threshold, **sums, "share": sums["saved"] / max(1, sums["characters"])}


def write(result: dict[str, Any], out: Path) -> None:
    """`results.json`, `places.json` for the browser's program, and a picture per text."""
    out.mkdir(parents=True, exist_ok=True)
    places = [{"text": row["text"], "places": row["places"], "documents": row["documents"]} for row in result["texts"]]
    (out / "places.json").write_text(json.dumps(places), encoding="utf-8")
    (out / "results.json").write_text(json.dumps(plain(result), indent=1) + "\n", encoding="utf-8")
    for row in result["texts"]:
        lines = {
            name: {f"{name}, {each['letters']} letters": each["curve"] for each in found["by_letters"][:3]}
            for name, found in row["predictors"].items()
        }
        picture = curves.draw(f"{result['bundle']} on {row['text']}", lines["model"], lines["word 3-gram"])
        (out / f"{Path(row['text']).stem}.svg").write_text(picture, encoding="utf-8")


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """Without the texts, which are somebody's, and with trials as short rows: letters, then probability and right of each."""
    rows = []
    for row in result["texts"]:
        predictors = {
            name: {
                **found,
                "trials": [
                    [t.letters, *([o.words, round(o.probability, 5), int(o.right)] for o in t.outcomes)] for t in found["trials"]
                ],
            }
            for name, found in row["predictors"].items()
        }
        rows.append({"text": row["text"], "predictors": predictors})
    return {**result, "texts": rows}


def table(result: dict[str, Any]) -> list[str]:
    """What a person wants to know first: each text at the threshold, and all texts of the model at several ones."""
    shares = ("shown", "1 word", "2 words", "3 words", "whole", "wrong")
    head = " ".join(f"{name:>7}" for name in (*shares, "words", "saved", "p50 ms", "p90 ms"))
    lines = [f"{'text':24} {'who':12} {'letters':>7} {head}"]
    for row in result["texts"]:
        for name, found in row["predictors"].items():
            for each in found["by_letters"]:
                at = min(each["scores"], key=lambda s: abs(s["threshold"] - result["threshold"]))
                start = f"{row['text'][:24]:24} {name:12} {each['letters']:7} {_shares(at)} {at['words_shown']:7.2f}"
                saved = f"{found['typist'][0]['share']:7.1%}" if found["typist"] else f"{'-':>7}"
                ms = f"{found['ms']['p50']:7.0f} {found['ms']['p90']:7.0f}"
                lines.append(f"{start} {saved} {ms}" if each["letters"] == 0 else start)
    lines += ["", f"{'all texts, confidence':24} {'who':12} {'letters':>7} {' '.join(f'{name:>7}' for name in shares)}"]
    trials = [trial for row in result["texts"] for trial in row["predictors"]["model"]["trials"]]
    calibration = Calibration(result["calibration"])
    for letters in LETTERS:
        some = [trial for trial in trials if trial.letters == letters]
        for threshold in sorted({*THRESHOLDS, result["threshold"]}):
            at = dataclasses.asdict(score(some, threshold, calibration))
            lines.append(f"{threshold:<24} {'model':12} {letters:7} {_shares(at)}")
    return lines


def _shares(at: dict[str, Any]) -> str:
    """Exact match of the next 1, 2, 3 words is of the suggestions that show so many; `-` where none does."""
    values = (at["coverage"], *at["exact_match"], at["precision"], at["wrong_show_rate"])
    return " ".join(f"{'-':>7}" if value is None else f"{value:7.1%}" for value in values)


def how(options: Options) -> str:
    """The command that measured, without anybody's paths."""
    texts = " ".join(f"--text {path.name}" for path in options.texts)
    numbers = f"--places {options.places} --context {options.context_length} --skip {options.skip} --seed {options.seed}"
    return f"slm-export eval autocomplete BUNDLE {texts} {numbers}"
