"""Precision over coverage as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 720, 420, 60, 46, 40, 190
_COLOURS = ("#0b6e4f", "#1f5fbf", "#b3541e", "#7b3fa0")
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

Curve = Sequence[tuple[float, float]]


def draw(
    title: str,
    curves: Mapping[str, Curve],
    dashed: Mapping[str, Curve],
    *,
    across: str = "coverage",
    up: str = "precision of the first word",
) -> str:
    """An SVG picture: `curves` in full lines, `dashed` (the baseline) in the same colours and order."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/><text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for tick in _TICKS:
        x, y = _place((tick, tick))
        parts += [
            f'<path d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#ddd"/>',
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:.0%}</text>',
            f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{tick:.0%}</text>',
        ]
    parts.append(f'<text x="{_LEFT}" y="{_HEIGHT - 8}">{across} (across) and {up} (up)</text>')
    for style, lines in (("", curves), (' stroke-dasharray="5 4"', dashed)):
        for index, (name, points) in enumerate(lines.items()):
            parts += _line(name, points, index + (len(curves) if style else 0), _COLOURS[index % len(_COLOURS)], style)
    return "\n".join([*parts, "</svg>", ""])


def _line(name: str, points: Curve, row: int, colour: str, style: str) -> list[str]:
    thinned = [points[index] for index in range(0, len(points), max(1, len(points) // 150))]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(_place, thinned))
    x, y = _WIDTH - _RIGHT + 14, _TOP + 14 + 22 * row
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{style}/>',
        f'<path d="M{x} {y}h26" stroke="{colour}" stroke-width="2"{style}/><text x="{x + 34}" y="{y + 4}">{escape(name)}</text>',
    ]


def _place(point: tuple[float, float]) -> tuple[float, float]:
    x, y = point
    across, up = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _BOTTOM - _TOP
    return _LEFT + x * across, _HEIGHT - _BOTTOM - y * up
