"""What a site is to be made of: `site.toml` and the command line's flags, which go before the file, read into one order.

Strict: what it does not know is an error that names file and key. Paths in the file are relative to it and stay in its folder,
for it may come from somebody else; paths on the command line are the user's own.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.hub import endpoint
from slm_export.manifest import is_safe_path
from slm_export.site import values
from slm_export.site.errors import SiteError
from slm_export.site.settings import (
    CONTROL_GROUPS,
    CONTROLS,
    EXAMPLE_KINDS,
    ISOLATIONS,
    PAGES,
    TASK_MODELS,
    TASKS,
    Author,
    Link,
    Settings,
)

DEFAULT_MAX_FILE_MB = 95.0
WEIGHTS = ("bundled", "hub")
_HUB_REF = re.compile(r"([\w][\w.-]{0,95}/[\w][\w.-]{0,95})@([0-9a-f]{40})((?:/[\w.-]+)*)")


@dataclass(frozen=True, slots=True)
class Order:
    """`variants` empty: all. `hub` gives the https address of the folder of a bundle by the bundle's id."""

    settings: Settings
    bundles: tuple[Path, ...]
    variants: tuple[str, ...]
    max_file_bytes: int
    weights: str
    hub: tuple[tuple[str, str], ...]


KEYS = [
    "accent",
    "author",
    "bundles",
    "code",
    "controls",
    "default_model",
    "description",
    "examples",
    "hub",
    "isolation",
    "licence",
    "links",
    "logo",
    "math",
    "max_file_mb",
    "pages",
    "pdf",
    "per_task",
    "presets",
    "social",
    "tasks",
    "title",
    "url",
    "variants",
    "weights",
]


def read_order(file: Path | None, flags: Mapping[str, object]) -> Order:
    """The order of `file` (None: there is none) with the flags that were given, by the file's keys.

    Raises: SiteError naming the file and the key, or the flag.
    """
    reader = _Reader(file, _table(file), flags)
    bundles = reader.take("bundles", _paths, ())
    return Order(
        settings=_settings(reader),
        bundles=bundles,
        variants=reader.take("variants", _list_of(lambda value: values.text(value, 100)), ()),
        max_file_bytes=reader.take("max_file_mb", _megabytes, int(DEFAULT_MAX_FILE_MB * 1e6)),
        weights=reader.take("weights", _one_of(WEIGHTS), "bundled"),
        hub=reader.take("hub", _table_of(_hub_folder), ()),
    )


def _settings(reader: _Reader) -> Settings:
    take = reader.take
    return Settings(
        title=take("title", _plain(lambda value: values.text(value, 100)), None),
        description=take("description", _plain(values.text), None),
        author=take("author", _author, None),
        accent=take("accent", _plain(values.accent), None),
        logo=take("logo", _picture(".svg", ".png", ".webp"), None),
        social=take("social", _picture(".png"), None),
        url=take("url", lambda value, _: values.https_url(value).rstrip("/") + "/", None),
        licence=take("licence", _plain(lambda value: values.text(value, 100)), None),
        pages=take("pages", _names(PAGES), ()),
        tasks=take("tasks", _names(TASKS), None),
        controls=take("controls", _controls, "all"),
        default_model=take("default_model", _plain(lambda value: values.text(value, 100)), None),
        per_task=take("per_task", _table_of(lambda value: values.text(value, 100), TASK_MODELS), ()),
        examples=take("examples", _table_of(_examples, EXAMPLE_KINDS), ()),
        presets=take("presets", _presets, ()),
        links=take("links", _list_of(_link), ()),
        isolation=take("isolation", _one_of(ISOLATIONS), "headers"),
        pdf=take("pdf", _switch, False),
        math=take("math", _switch, False),
        code=take("code", _switch, False),
    )


def _table(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{file}: cannot be read ({error}). Check the path given as --config.") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SiteError(f"{file}: is not TOML ({error}). Correct it and run the command again.") from error
    for key in data:
        if key not in KEYS:
            near = difflib.get_close_matches(key, KEYS, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise SiteError(f"{file}: unknown key {key!r}.{meant} There are {', '.join(KEYS)}.")
    return data


class _Reader:
    """Gives the value of a key: the flag's, else the file's, else the default."""

    def __init__(self, file: Path | None, table: Mapping[str, Any], flags: Mapping[str, object]) -> None:
        self.file, self.table, self.flags = file, table, flags

    def take(self, key: str, read: Callable[[Any, Path | None], Any], default: Any) -> Any:
        """`read` gets the value and the folder that its paths must stay in, None for a flag."""
        if key in self.flags:
            value, where, folder = self.flags[key], "--" + key.replace("_", "-"), None
        elif self.file is not None and key in self.table:
            value, where, folder = self.table[key], f"{self.file}: {key}", self.file.absolute().parent
        else:
            return default
        try:
            return read(value, folder)
        except ValueError as error:
            raise SiteError(f"{where}: {error}. Nothing was written; correct it and run the command again.") from error


def _plain(read: Callable[[object], Any]) -> Callable[[Any, Path | None], Any]:
    return lambda value, _: read(value)


def _one_of(names: Collection[str]) -> Callable[[Any, Path | None], str]:
    def read(value: Any, _: Path | None) -> str:
        if value not in names:
            raise ValueError(f"expected {' or '.join(names)}, found {value!r}")
        return str(value)

    return read


def _list_of(read: Callable[[object], Any]) -> Callable[[Any, Path | None], tuple[Any, ...]]:
    def read_all(value: Any, _: Path | None) -> tuple[Any, ...]:
        if not isinstance(value, (list, tuple)):
            raise ValueError("expected a list")
        return tuple(read(item) for item in value)

    return read_all


def _names(known: Collection[str]) -> Callable[[Any, Path | None], tuple[str, ...]]:
    def read(value: Any, folder: Path | None) -> tuple[str, ...]:
        names: tuple[str, ...] = _list_of(lambda item: _one_of(known)(item, folder))(value, folder)
        if len(set(names)) != len(names):
            raise ValueError("names something twice")
        return names

    return read


def _table_of(read: Callable[[object], Any], known: Collection[str] | None = None) -> Callable[[Any, Path | None], Any]:
    def read_table(value: Any, _: Path | None) -> tuple[tuple[str, Any], ...]:
        if not isinstance(value, dict):
            raise ValueError("expected a table")
        for key in value:
            if known is not None and key not in known:
                raise ValueError(f"there is no {key!r}, only {', '.join(known)}")
        return tuple((key, read(item)) for key, item in value.items())

    return read_table


def _examples(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        raise ValueError("expected a list of texts")
    return tuple(values.text(item, 4000) for item in value)


def _author(value: Any, _: Path | None) -> Author:
    if isinstance(value, str):
        return Author(values.text(value, 100))
    if not isinstance(value, dict) or not set(value) <= {"name", "url"}:
        raise ValueError("expected a name, or a table with name and url")
    return Author(values.text(value.get("name"), 100), values.https_url(value["url"]) if "url" in value else None)


def _link(value: object) -> Link:
    if not isinstance(value, dict) or set(value) != {"label", "href"}:
        raise ValueError("expected tables with label and href")
    return Link(values.text(value["label"], 60), values.link_target(value["href"]))


def _controls(value: Any, _: Path | None) -> str | tuple[str, ...]:
    if value in CONTROLS:
        return str(value)
    if not isinstance(value, (list, tuple)) or not all(group in CONTROL_GROUPS for group in value):
        raise ValueError(f"expected {' or '.join(CONTROLS)}, or a list of {', '.join(CONTROL_GROUPS)}, found {value!r}")
    return tuple(value)


def _switch(value: Any, _: Path | None) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, found {value!r}")
    return value


def _megabytes(value: Any, _: Path | None) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 1_000_000:
        raise ValueError(f"expected a number of at least 1 (10^6 bytes), found {value!r}")
    return int(value * 1_000_000)


def _hub_folder(value: object) -> str:
    """`owner/name@commit/folder` → the folder's address on the hub."""
    match = _HUB_REF.fullmatch(value) if isinstance(value, str) else None
    if match is None or any(part in (".", "..") for part in match[3].split("/")):
        raise ValueError(
            f"expected owner/name@commit with the 40 digits of a commit (a branch or tag may move), found {value!r}. The "
            "commit is on the repository's page under History"
        )
    return values.https_url(f"{endpoint() or 'https://huggingface.co'}/{match[1]}/resolve/{match[2]}{match[3]}/")


def _path(value: object, folder: Path | None) -> Path:
    """A path of the command line as it is; one of the file below the file's folder, links followed."""
    if isinstance(value, Path) and folder is None:
        return value
    if not isinstance(value, str) or folder is None:
        raise ValueError(f"expected a path, found {value!r}")
    path = (folder / value).resolve()
    if not is_safe_path(value) or not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{value!r} leads out of the settings file's folder, or is not written with plain /")
    return path


def _paths(value: Any, folder: Path | None) -> tuple[Path, ...]:
    return tuple(_path(item, folder) for item in value) if isinstance(value, (list, tuple)) else (_path(value, folder),)


def _picture(*suffixes: str) -> Callable[[Any, Path | None], Any]:
    return lambda value, folder: values.picture(_path(value, folder), suffixes)


def _presets(value: Any, folder: Path | None) -> tuple[dict[str, object], ...]:
    return tuple(values.preset(path) for path in _paths(value, folder))
