"""What was asked of each text and what came: kept in files, so that it can be scored again without the model."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.errors import SlmError
from slm_export.eval.silence import Rules
from slm_export.eval.trials import Outcome, Place, Trial

PLACES, TRIALS = "places.json", "trials.json"


@dataclass(frozen=True, slots=True)
class Sample:
    """Places in a text, the documents that they are in, and what each predictor offered there."""

    text: str
    places: Sequence[Place]
    documents: dict[str, str]
    trials: dict[str, list[Trial]]


def write_samples(samples: Sequence[Sample], how: str, bundle_id: str, out: Path) -> None:
    """`places.json`, also for the browser's program, and `trials.json`. Both have the texts, which are somebody's."""
    places = [
        {"text": each.text, "places": [dataclasses.asdict(place) for place in each.places], "documents": each.documents}
        for each in samples
    ]
    (out / PLACES).write_text(json.dumps(places), encoding="utf-8")
    trials = [{name: [dataclasses.asdict(trial) for trial in found] for name, found in each.trials.items()} for each in samples]
    (out / TRIALS).write_text(json.dumps({"bundle": bundle_id, "how": how, "trials": trials}), encoding="utf-8")


def read_samples(folder: Path, bundle_id: str) -> tuple[list[Sample], str]:
    """What `write_samples` wrote, and the command that asked. Raises SlmError for another bundle's or none."""
    try:
        places = json.loads((folder / PLACES).read_text(encoding="utf-8"))
        asked = json.loads((folder / TRIALS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SlmError(f"{folder} has no measurement to score again ({error}). Name a folder that --out wrote.") from error
    if asked["bundle"] != bundle_id:
        raise SlmError(f"{folder} was measured with {asked['bundle']}, not with {bundle_id}. Measure this bundle first.")
    samples = [
        Sample(
            text=where["text"],
            places=[Place(**place) for place in where["places"]],
            documents=where["documents"],
            trials={name: [_trial(trial) for trial in found] for name, found in trials.items()},
        )
        for where, trials in zip(places, asked["trials"], strict=True)
    ]
    return samples, asked["how"]


def judged(sample: Sample, rules: Rules) -> Sample:
    """The same, with what the rules say now."""
    befores = [sample.documents[str(place.document)][: place.offset] for place in sample.places]
    return dataclasses.replace(
        sample,
        trials={
            name: [
                dataclasses.replace(trial, outcomes=tuple(rules.judged(before, trial.outcomes)))
                for before, trial in zip(befores, found, strict=True)
            ]
            for name, found in sample.trials.items()
        },
    )


def _trial(row: dict[str, Any]) -> Trial:
    outcomes = (
        {**each, "pieces": tuple((text, probability) for text, probability in each["pieces"])} for each in row["outcomes"]
    )
    return Trial(row["letters"], tuple(Outcome(**each) for each in outcomes), row["ms"])
