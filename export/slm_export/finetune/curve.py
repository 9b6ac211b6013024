"""The loss over the steps as an SVG file: training (a running mean) and held-out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 60, 14, 30, 40
_MEAN_OF = 0.02  # of all steps go into one point of the running mean


def loss_svg(log: Sequence[Mapping[str, Any]]) -> str:
    """The plot of a training log: entries with `step` and `loss`, some with `held_out_loss`; nats per token of the answers."""
    train = _smooth([(float(entry["step"]), float(entry["loss"])) for entry in log if "loss" in entry])
    held = [(float(entry["step"]), float(entry["held_out_loss"])) for entry in log if "held_out_loss" in entry]
    points = train + held
    last = max((x for x, _ in points), default=1.0) or 1.0
    top = max((y for _, y in points), default=1.0) * 1.05 or 1.0
    lines = [_axes(last, top)]
    for name, series, colour, dash in (("training", train, "#1f6feb", ""), ("held out", held, "#b35900", "6 3")):
        if series:
            path = " ".join(f"{_x(x, last):.1f},{_y(y, top):.1f}" for x, y in series)
            lines.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" points="{path}"/>')
            lines += [f'<circle cx="{_x(x, last):.1f}" cy="{_y(y, top):.1f}" r="3" fill="{colour}"/>' for x, y in series if dash]
            at = 80 + 120 * (colour != "#1f6feb")
            lines.append(f'<text x="{at}" y="18" fill="{colour}">{escape(name)} {series[-1][1]:.3f}</text>')
    body = "\n".join(lines)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" '
        f'role="img" aria-label="Loss over the steps">\n<rect width="100%" height="100%" fill="#fff"/>\n{body}\n</svg>\n'
    )


def _smooth(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = max(1, int(len(points) * _MEAN_OF))
    chunks = [points[at : at + size] for at in range(0, len(points), size)]
    return [(chunk[-1][0], sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]


def _axes(last: float, top: float) -> str:
    marks = []
    for part in range(5):
        value, step = top * part / 4, last * part / 4
        y, x = _y(value, top), _x(step, last)
        marks.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        marks.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        marks.append(f'<text x="{x:.1f}" y="{HEIGHT - 22}" text-anchor="middle">{step:,.0f}</text>')
    marks.append(f'<text x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 5}" text-anchor="middle">step (loss in nats per token)</text>')
    return "\n".join(marks)


def _x(step: float, last: float) -> float:
    return LEFT + step / last * (WIDTH - LEFT - RIGHT)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM)
