"""Where things are on disk. Knows folders only; nothing is created here, and no file is read."""

from __future__ import annotations

import os
from pathlib import Path

from platformdirs import user_data_dir

APP_NAME = "slm-playground"
DATA_VARIABLE = "SLM_PLAYGROUND_DATA"

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The source checkout that this package runs from, None when it was installed from a wheel."""
    root = _PACKAGE.parents[1]
    is_checkout = _PACKAGE.parent.name == "playground" and (root / "pyproject.toml").is_file() and (root / "web").is_dir()
    return root if is_checkout else None


def data_dir() -> Path:
    """Everything made at run time: SLM_PLAYGROUND_DATA, else `.data` of the checkout, else the user's data folder."""
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    root = checkout()
    return root / ".data" if root else Path(user_data_dir(APP_NAME, appauthor=False))


def models_dir() -> Path:
    """The folder of bundles, one folder each, named by the bundle's id."""
    return data_dir() / "models"


def logs_dir() -> Path:
    """The folder of the server's log files."""
    return data_dir() / "logs"


def static_dir() -> Path:
    """The built UI: `web/dist` of the checkout, else the `static` folder that the wheel brought. It may not exist yet."""
    root = checkout()
    return root / "web" / "dist" if root else _PACKAGE / "static"
