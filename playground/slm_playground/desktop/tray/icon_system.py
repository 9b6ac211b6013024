"""The icon by pystray, on Windows and macOS (never run there: no such machine was at hand)."""

from __future__ import annotations

from collections.abc import Callable

import pystray
from PIL import Image

from slm_playground.desktop.tray.process import PICTURE, TITLE, Line


def show(words: dict[str, str], line: Line) -> None:
    """Until the line ends."""

    def teller(what: str) -> Callable[[], None]:
        return lambda: line.tell(do=what)

    items = [pystray.MenuItem(word, teller(what), default=what == "open") for what, word in words.items()]
    icon = pystray.Icon("slm-playground", Image.open(PICTURE), TITLE, pystray.Menu(*items))

    def began(icon: pystray.Icon) -> None:
        icon.visible = True
        line.tell(tray="shown")
        line.when_left(icon.stop)

    icon.run(setup=began)
