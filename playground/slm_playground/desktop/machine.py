"""What the page may see and change of the app on this machine: icon in the tray, shortcut, which version this is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slm_playground.desktop import choices
from slm_playground.desktop.environment import own_command
from slm_playground.desktop.errors import told
from slm_playground.desktop.tray.helper import SHOWN, Helper

OUTPUT_NAME = "tray.log"


class Machine:
    """The user's choices and the process that carries them out. `places()` gives the folders of settings and of logs.

    From any thread but the main one, which only asks `has_icon`, `start`s and `close`s.
    """

    def __init__(self, places: Callable[[], tuple[Path, Path]], act: Callable[[str], None]) -> None:
        self._places = places
        self._changing = threading.Lock()
        self._choices = choices.load(places()[0])
        self._helper = Helper(act)

    @property
    def has_icon(self) -> bool:
        """It can be seen now: an app without a window can be reached by it."""
        return self._helper.state()["tray"] == SHOWN

    @property
    def icon_language(self) -> str | None:
        """Of the icon's menu; None where no icon is wanted."""
        return self._choices.language if self._choices.tray else None

    def start(self) -> None:
        """What was chosen the last time, beside the window's start."""
        if self._choices.needs_helper():
            threading.Thread(target=self._begin, daemon=True, name="tray").start()

    def facts(self) -> dict[str, Any]:
        # Not at the start, which they would slow down.
        from slm_playground import __version__
        from slm_playground.desktop import updates

        return {
            "version": __version__,
            "releases": updates.address(),
            "command": own_command(),
            "choices": asdict(self._choices),
            **self._helper.state(),
        }

    def choose(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Keep it, then do it; the facts as they are after that. Raises: DesktopError."""
        folder = self._places()[0]
        with self._changing:
            chosen = choices.changed(self._choices, data)
            try:
                choices.save(folder, chosen)
            except OSError as error:
                raise told("choices-not-kept", 500, folder=str(folder), said=str(error)) from error
            self._choices = chosen
            self._helper.apply(chosen, self._places()[1] / OUTPUT_NAME)
        return self.facts()

    def close(self) -> None:
        self._helper.close()

    def _begin(self) -> None:
        with self._changing:
            self._helper.apply(self._choices, self._places()[1] / OUTPUT_NAME)
