"""The shells without a window of their own: the user's browser, and nothing at all."""

from __future__ import annotations

from dataclasses import dataclass

from slm_playground.desktop.environment import open_in_browser
from slm_playground.desktop.shells.base import ShellError


@dataclass(frozen=True, slots=True)
class BrowserShell:
    """A tab in the user's browser. Nobody can tell when it is closed: the server goes on until it is asked to end."""

    name: str = "browser"

    def open(self, url: str) -> None:
        """Raises: ShellError."""
        if not open_in_browser(url):
            raise ShellError(f"No browser could be started. Open {url} yourself.")

    def show(self, url: str | None) -> None:
        if url:
            self.open(url)

    def close(self) -> None:
        """The tab is the user's."""


@dataclass(frozen=True, slots=True)
class NoShell:
    """The server alone."""

    name: str = "none"

    def open(self, url: str) -> None:
        """Nothing to open."""

    def show(self, url: str | None) -> None:
        """Nothing to show."""

    def close(self) -> None:
        """Nothing to close."""
