"""Where things are on disk. Knows folders only: nothing is created here, and of files only `moved.json` is read.

The data folder:
  models/     bundles, and downloads under way
  records/    chats, documents and settings of all shells (SQLite), backups before migrations
  settings/   what the programs themselves keep: windows, ports
  logs/
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

APP_NAME = "slm-playground"
DATA_VARIABLE = "SLM_PLAYGROUND_DATA"
MOVED_NAME = "moved.json"

_PACKAGE = Path(__file__).resolve().parent


def checkout() -> Path | None:
    """The source checkout that this package runs from, None when it was installed from a wheel."""
    root = _PACKAGE.parents[1]
    is_checkout = _PACKAGE.parent.name == "playground" and (root / "pyproject.toml").is_file() and (root / "web").is_dir()
    return root if is_checkout else None


def home_dir() -> Path:
    """Where the data folder is unless it was moved: SLM_PLAYGROUND_DATA, else `.data` of the checkout, else the user's.

    The last by the platform's convention (platformdirs): $XDG_DATA_HOME or ~/.local/share, ~/Library/Application Support,
    %LOCALAPPDATA%.
    """
    chosen = os.environ.get(DATA_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    root = checkout()
    return root / ".data" if root else _user_data_dir()


def _user_data_dir() -> Path:
    if sys.platform.startswith("linux"):  # platformdirs says the same (a test compares them), and needs as long as a second start
        base = os.environ.get("XDG_DATA_HOME", "").strip() or os.path.expanduser("~/.local/share")
        return Path(base) / APP_NAME
    from platformdirs import user_data_dir

    return Path(user_data_dir(APP_NAME, appauthor=False))


def data_dir() -> Path:
    """Everything made at run time: `home_dir()`, or where its `moved.json` says that everything was moved.

    The folder may be missing: not made yet, or on a disk that is not plugged in (`data.folder.check` tells which).
    """
    home = home_dir()
    return moved_to(home) or home


def moved_to(home: Path) -> Path | None:
    """Where the data folder `home` was moved; None where it was not, or its note says nothing that can be read."""
    try:
        target = json.loads((home / MOVED_NAME).read_text(encoding="utf-8"))["data_dir"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(target) if isinstance(target, str) and os.path.isabs(target) else None


def models_dir() -> Path:
    """The folder of bundles, one folder each, named by the bundle's id."""
    return data_dir() / "models"


def settings_dir() -> Path:
    """The folder of what the programs themselves keep, a JSON file each: `window.json`, …"""
    return data_dir() / "settings"


def logs_dir() -> Path:
    """The folder of the server's log files."""
    return data_dir() / "logs"


def static_dir() -> Path:
    """The built UI: `web/dist` of the checkout, else the `static` folder that the wheel brought. It may not exist yet."""
    root = checkout()
    return root / "web" / "dist" if root else _PACKAGE / "static"
