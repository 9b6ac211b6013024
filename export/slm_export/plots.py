"""Lines for the report's SVG plots: KL per token along the text, and sorted; one number a text. Coordinates in SVG user units.

The vertical axis is logarithmic; values below its lowest decade sit on the lower edge.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 70, 12, 12, 34
COLUMNS = 110  # points of a line: more cannot be told apart
LOWEST, HIGHEST = -6, 1  # decades that a plot may span
NATS = "Vertical axis: KL in nats, logarithmic."


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: its coordinate and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Line:
    """One variant: the points of an SVG polyline."""

    name: str
    points: str


@dataclass(frozen=True, slots=True)
class Plot:
    """All that the page's template draws."""

    title: str
    note: str
    x_label: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...]


def along_text(series: Mapping[str, Sequence[float]]) -> Plot:
    """Mean KL of equal stretches of the text, for each variant."""
    count = max(map(len, series.values()))
    size = max(1, math.ceil(count / COLUMNS))
    means = {
        name: [sum(kl[start : start + size]) / len(kl[start : start + size]) for start in range(0, len(kl), size)]
        for name, kl in series.items()
    }
    columns = max(map(len, means.values()))
    decades = _decades(means.values())
    lines = {
        name: [(_x((index + 0.5) / columns), _y(value, decades)) for index, value in enumerate(values)]
        for name, values in means.items()
    }
    step = max(1, 10 ** math.floor(math.log10(max(count, 1))) // 2)
    ticks = tuple(Tick(_x(token / count), f"{token:,}") for token in range(0, count, step))
    stretch = "each point is one token" if size == 1 else f"each point is the mean of {size} tokens"
    return Plot(
        "KL along the text",
        f"Where in the text a variant strays ({stretch}). {NATS}",
        "token",
        ticks,
        _y_ticks(decades),
        _lines(lines),
    )


def text_by_text(series: Mapping[str, Sequence[float]], what: str) -> Plot:
    """One number a text, for each variant; `what` says what it is."""
    count = max(map(len, series.values()))
    decades = _decades(series.values())
    lines = {
        name: [(_x((index + 0.5) / count), _y(value, decades)) for index, value in enumerate(values)]
        for name, values in series.items()
    }
    ticks = tuple(Tick(_x(text / count), str(text)) for text in range(0, count, max(1, count // 8)))
    note = f"How far each text's output strays. Vertical axis: {what}, logarithmic."
    return Plot("Distance, text by text", note, "text", ticks, _y_ticks(decades), _lines(lines))


def sorted_curve(series: Mapping[str, Sequence[float]], unit: str = "tokens") -> Plot:
    """KL of the tokens (or whatever `unit` names) from the best to the worst, for each variant."""
    quantiles = {name: [_quantile(sorted(kl), index / COLUMNS) for index in range(COLUMNS + 1)] for name, kl in series.items()}
    decades = _decades(quantiles.values())
    lines = {
        name: [(_x(index / COLUMNS), _y(value, decades)) for index, value in enumerate(values)]
        for name, values in quantiles.items()
    }
    ticks = tuple(Tick(_x(percent / 100), f"{percent} %") for percent in range(0, 101, 25))
    note = f"A share of x of all {unit} has at most this KL; the right end is the worst. {NATS}"
    return Plot("KL, sorted", note, f"share of {unit}", ticks, _y_ticks(decades), _lines(lines))


def _lines(lines: Mapping[str, Sequence[tuple[float, float]]]) -> tuple[Line, ...]:
    return tuple(Line(name, " ".join(f"{x:.1f},{y:.1f}" for x, y in points)) for name, points in lines.items())


def _quantile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, math.floor(share * len(values)))]


def _decades(series: Iterable[Sequence[float]]) -> tuple[int, int]:
    """Lowest and highest power of ten that the values need, within LOWEST and HIGHEST."""
    values = [value for each in series for value in each if value > 0]
    if not values:
        return LOWEST, LOWEST + 1
    low = max(LOWEST, math.floor(math.log10(min(values))))
    high = min(HIGHEST, max(low + 1, math.ceil(math.log10(max(values)))))
    return min(low, high - 1), high


def _x(share: float) -> float:
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(value: float, decades: tuple[int, int]) -> float:
    low, high = decades
    power = min(max(math.log10(value) if value > 0 else low, low), high)
    return HEIGHT - BOTTOM - (power - low) / (high - low) * (HEIGHT - TOP - BOTTOM)


def _y_ticks(decades: tuple[int, int]) -> tuple[Tick, ...]:
    return tuple(Tick(_y(10.0**power, decades), f"{10.0**power:g}") for power in range(decades[0], decades[1] + 1))
