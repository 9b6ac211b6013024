"""Build hook of hatchling: puts the built web page into wheels as `slm_playground/static`.

A wheel without the page would install a server that has nothing to serve, so it is refused. Editable installs are left
alone: there the server reads web/dist of the checkout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NEEDED = ("index.html", "slm.js")


class WebPageHook(BuildHookInterface[Any]):
    """Adds web/dist to the files of a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        dist = Path(self.root) / "web" / "dist"
        missing = [name for name in NEEDED if not (dist / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f"{dist} has no {' and no '.join(missing)}: build the web page first with `make build`, then the wheel."
            )
        build_data["force_include"][str(dist)] = "slm_playground/static"
