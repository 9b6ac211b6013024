"""What `slm-export eval autocomplete` leaves behind and prints: results.json, curves, the table."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from slm_export.eval import curves
from slm_export.eval.autocomplete import BASELINE, MODEL, THRESHOLDS
from slm_export.eval.scores import Calibration, score, times_saved
from slm_export.eval.trials import LETTERS


def write(result: dict[str, Any], out: Path) -> None:
    """`results.json`, which has nobody's text, and a picture per text."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(plain(result), indent=1) + "\n", encoding="utf-8")
    for row in result["texts"]:
        lines = {
            name: {f"{name}, {each['letters']} letters": each["curve"] for each in found["by_letters"][:3]}
            for name, found in row["predictors"].items()
        }
        picture = curves.draw(f"{result['bundle']} on {row['text']}", lines[MODEL], lines.get(BASELINE, {}))
        (out / f"{Path(row['text']).stem}.svg").write_text(picture, encoding="utf-8")


def plain(result: dict[str, Any]) -> dict[str, Any]:
    """Without the texts, which are somebody's: trials as short rows, letters and then words, probability, right, rule of each."""
    rows = []
    for row in result["texts"]:
        predictors = {
            name: {
                **found,
                "trials": [
                    [t.letters, *([o.words, round(o.probability, 5), int(o.right), o.silence] for o in t.outcomes)]
                    for t in found["trials"]
                ],
            }
            for name, found in row["predictors"].items()
        }
        rows.append({**row, "predictors": predictors})
    return {**result, "texts": rows}


def table(result: dict[str, Any]) -> list[str]:
    """What a person wants to know first: each text at the threshold, and all texts of the model at several ones."""
    shares = ("shown", "1 word", "2 words", "3 words", "whole", "wrong")
    head = " ".join(f"{name:>7}" for name in (*shares, "words", "saved", "p50 ms", "p90 ms"))
    rules = "applied" if result["rules_of_silence"] else "left out (--silence)"
    lines = [f"Rules of silence: {rules}. 95 %: interval of `whole` over documents.", ""]
    lines += [f"{'text':24} {'who':12} {'letters':>7} {'places':>7} {head} {'95 %':>11}"]
    for row in result["texts"]:
        for name, found in row["predictors"].items():
            for each in found["by_letters"]:
                at = min(each["scores"], key=lambda s: abs(s["threshold"] - result["threshold"]))
                start = (
                    f"{row['text'][:24]:24} {name:12} {each['letters']:7} {at['places']:7} {_shares(at)} {at['words_shown']:7.2f}"
                )
                saved = f"{found['typist'][0]['share']:7.1%}" if found["typist"] else f"{'-':>7}"
                ms = f"{found['ms']['p50']:7.0f} {found['ms']['p90']:7.0f}"
                rest = f"{saved} {ms}" if each["letters"] == 0 else " " * 23
                lines.append(f"{start} {rest} {_interval(each['precision_interval'])}")
    lines += [f"{'all texts, confidence':24} {'who':12} {'letters':>7} {'places':>7} {' '.join(f'{name:>7}' for name in shares)}"]
    lines[-1:-1] = [*_typist_lines(result), ""]
    trials = [trial for row in result["texts"] for trial in row["predictors"][MODEL]["trials"]]
    calibration = Calibration(result["calibration"])
    for letters in LETTERS:
        some = [trial for trial in trials if trial.letters == letters]
        for threshold in sorted({*THRESHOLDS, result["threshold"]}):
            at = dataclasses.asdict(score(some, threshold, calibration))
            lines.append(f"{threshold:<24} {'model':12} {letters:7} {len(some):7} {_shares(at)}")
    return lines


def _typist_lines(result: dict[str, Any]) -> list[str]:
    rows = [
        f"{row['text'][:24]:24} {name:12} {at['threshold']:11.2f} {len(at['by_document']):9} {at['characters']:10} "
        f"{at['share']:7.1%} {at['shown']:7} {at['wrong']:7}"
        for row in result["texts"]
        for name, found in row["predictors"].items()
        for at in found["typist"]
    ]
    heads = f"{'confidence':>11} {'documents':>9} {'characters':>10} {'saved':>7} {'shown':>7} {'wrong':>7}"
    return ["", f"{'typist':24} {'who':12} {heads}", *rows, *_times_lines(result)] if rows else []


def _times_lines(result: dict[str, Any]) -> list[str]:
    """All texts together: the model's savings against the 3-gram model's at each of its thresholds."""
    typists = [{name: found["typist"] for name, found in row["predictors"].items()} for row in result["texts"]]
    ours = [typist[MODEL][0]["by_document"] for typist in typists]
    lines = []
    for index, at in enumerate(typists[0][BASELINE]):
        found = times_saved(ours, [typist[BASELINE][index]["by_document"] for typist in typists], seed=0)
        if found is not None:
            times, (low, high) = found
            lines.append(
                f"saved against the word 3-gram at {at['threshold']:g}: {times:.2f} times (95 %: {low:.2f} – {high:.2f})"
            )
    return lines


def _interval(found: tuple[float, float] | None) -> str:
    return f"{'-':>11}" if found is None else f"{found[0]:4.0%} – {found[1]:4.0%}"


def _shares(at: dict[str, Any]) -> str:
    """Exact match of the next 1, 2, 3 words is of the suggestions that show so many; `-` where none does."""
    values = (at["coverage"], *at["exact_match"], at["precision"], at["wrong_show_rate"])
    return " ".join(f"{'-':>7}" if value is None else f"{value:7.1%}" for value in values)
