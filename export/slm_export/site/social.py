"""The picture of 1200 × 630 pixels that chats and social networks show for a link, drawn with Pillow: same input, same bytes.

Letters are Inter SemiBold's (SIL Open Font License, font/OFL.txt): Latin, Greek and Cyrillic. A line with other letters is left
out; whoever needs them gives a picture of their own (`social` in site.toml).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from PIL import Image, ImageDraw, ImageFont

from slm_export.site.settings import Accent

WIDTH, HEIGHT = 1200, 630
_MARGIN = 90
_TOP, _BOTTOM = 210, 520  # of title and description; below is who it is by
_PAPER, _INK, _SOFT, _ACCENT = "#fbfaf7", "#1e1f1c", "#5d5c54", "#25695b"
_TITLE_SIZES = (92, 80, 68, 56)


@dataclass(frozen=True, slots=True)
class _Line:
    """Text with its size in pixels, colour, and the space above it."""

    text: str
    size: int
    colour: str
    above: int


def social_png(title: str, description: str, byline: str, accent: Accent | None) -> bytes:
    """The picture as PNG: title, description and who it is by, as far as they fit."""
    image = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(image)
    colour = accent.light if accent else _ACCENT
    draw.rectangle((0, 0, WIDTH, 18), fill=colour)
    _bubble(draw, colour)
    y = _TOP
    below = _wrapped(description, 36, 2, _SOFT, 30)
    for line in [*_title_lines(title, _BOTTOM - _TOP - sum(map(_height, below))), *below]:
        y += line.above
        draw.text((_MARGIN, y), line.text, font=_font(line.size), fill=line.colour)
        y += round(line.size * 1.2)
    if byline and _can_draw(byline):
        [cut] = _wrapped(byline, 32, 1, colour, 0)
        draw.text((_MARGIN, HEIGHT - 80), cut.text, font=_font(32), fill=colour)
    buffer = io.BytesIO()
    # Few colours and no shades but the letters' edges: 64 look the same in a third of the bytes.
    image.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _bubble(draw: ImageDraw.ImageDraw, colour: str) -> None:
    """A speech bubble with three dots, as in the page's icon."""
    draw.rounded_rectangle((_MARGIN, 80, _MARGIN + 120, 164), radius=26, fill=colour)
    draw.polygon([(_MARGIN + 24, 160), (_MARGIN + 64, 160), (_MARGIN + 24, 192)], fill=colour)
    for index in range(3):
        x = _MARGIN + 30 + 30 * index
        draw.ellipse((x - 8, 114, x + 8, 130), fill=_PAPER)


def _title_lines(title: str, room: int) -> list[_Line]:
    """In the largest size in which it needs no more than two lines and no more than `room` pixels."""
    for size in _TITLE_SIZES:
        lines = _wrapped(title, size, 2, _INK, 0)
        if lines and not lines[-1].text.endswith("…") and sum(map(_height, lines)) <= room:
            return lines
    return lines


def _height(line: _Line) -> int:
    return line.above + round(line.size * 1.2)


def _wrapped(text: str, size: int, most_lines: int, colour: str, above: int) -> list[_Line]:
    """`text` in lines that fit; what is beyond `most_lines` becomes an ellipsis. Empty where letters are missing."""
    if not text or not _can_draw(text):
        return []
    lines: list[str] = []
    for word in text.split():
        if lines and _fits(f"{lines[-1]} {word}", size):
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    if len(lines) > most_lines:
        lines = [*lines[: most_lines - 1], " ".join(lines[most_lines - 1 :])]
    return [_Line(_cut(line, size), size, colour, above if index == 0 else 0) for index, line in enumerate(lines)]


def _cut(line: str, size: int) -> str:
    if _fits(line, size):
        return line
    while line and not _fits(f"{line}…", size):
        line = (line.rpartition(" ")[0] or line[:-1]).rstrip(" ,.;:–—-")
    return f"{line}…"


def _fits(text: str, size: int) -> bool:
    return _font(size).getlength(text) <= WIDTH - 2 * _MARGIN


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    content = (files("slm_export") / "site" / "font" / "Inter-SemiBold.ttf").read_bytes()
    # The plain layout: the other one is a library that not every system has, and would draw otherwise.
    return ImageFont.truetype(io.BytesIO(content), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _glyph(letters: str) -> bytes:
    return bytes(_font(40).getmask(letters))


def _can_draw(text: Sequence[str]) -> bool:
    """False where the font has no picture for some letter and would draw a box."""
    missing = _glyph("\U0010fffd")
    return all(letter.isspace() or _glyph(letter) != missing for letter in text)
