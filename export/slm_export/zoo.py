"""A list of models to export, zoo.toml: `[defaults]` and one `[[model]]` each. Strict: what it does not know is an error.

[defaults]
variants = ["webgpu-q8f16", "cpu-int8"]

[[model]]
source = "HuggingFaceTB/SmolLM2-360M-Instruct"
revision = "main"

[[model]]
source = "./my-finetune"     # relative to this file
name = "mine"                # the bundle's folder below --out
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slm_export.errors import ExportError
from slm_export.options import TASKS, ExportOptions
from slm_export.recipes import RECIPES

DEFAULT_KEYS = ("variants", "task", "chat_template", "allow_pickle")
MODEL_KEYS = ("source", "name", "revision", "adapter", *DEFAULT_KEYS)
RESERVED = ("downloads", "logs", "summary.csv", "summary.json")  # what a batch keeps in the same folder
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")


@dataclass(frozen=True, slots=True)
class ZooModel:
    """One model of the list. `source` as `sources.resolve` takes it, paths absolute; `name` is its folder below --out."""

    name: str
    source: str
    variants: tuple[str, ...]
    options: ExportOptions


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the file something stands, for messages."""

    file: Path
    entry: str

    def error(self, text: str) -> ExportError:
        return ExportError(f"{self.file}: {self.entry}: {text} Nothing was exported; correct the file and run the command again.")


def read_zoo(file: Path, known_variants: Sequence[str], default_variants: Sequence[str]) -> tuple[ZooModel, ...]:
    """The models of `file`, in its order.

    Raises: ExportError naming file, entry and key.
    """
    top = _Place(file, "the file")
    try:
        data = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise top.error(f"cannot be read ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise top.error(f"is not TOML ({error}).") from error
    _require_known(data, ("defaults", "model"), top)
    defaults, entries = data.get("defaults", {}), data.get("model", [])
    place = _Place(file, "[defaults]")
    if not isinstance(defaults, dict):
        raise place.error("must be a table: write [defaults].")
    _require_known(defaults, DEFAULT_KEYS, place)
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _Place(file, "model").error("must be a list of tables: write [[model]] before each model.")
    if not entries:
        raise top.error('lists no model. Add one: [[model]], then source = "…".')
    reader = _Reader(file, known_variants, tuple(default_variants))
    reader.checked(defaults, place)
    models = tuple(reader.model(number, entry, defaults) for number, entry in enumerate(entries, start=1))
    _require_different(models, file)
    return models


def _require_known(table: Mapping[str, Any], known: Collection[str], place: _Place) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise place.error(f"unknown key {key!r}.{meant} There are {', '.join(known)}.")


def _require_different(models: Sequence[ZooModel], file: Path) -> None:
    """Case does not tell folders apart everywhere."""
    first: dict[str, int] = {}
    for number, model in enumerate(models, start=1):
        earlier = first.setdefault(model.name.casefold(), number)
        if earlier != number:
            raise _Place(file, f"[[model]] {number} ({model.source})").error(
                f"its folder would be {model.name!r}, as that of [[model]] {earlier}. Give one of them another `name`."
            )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads entries of one file."""

    file: Path
    known_variants: Sequence[str]
    default_variants: tuple[str, ...]

    def model(self, number: int, entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> ZooModel:
        called = entry.get("name") or entry.get("source")
        place = _Place(self.file, f"[[model]] {number}" + (f" ({called})" if isinstance(called, str) else ""))
        _require_known(entry, MODEL_KEYS, place)
        if "source" not in entry:
            raise place.error('`source` is missing: source = "owner/name", a folder, a .gguf file or a known name.')
        own = self.checked(entry, place)
        values = {**defaults, **own}
        options = ExportOptions(
            revision=values.get("revision"),
            adapter=self.located(values["adapter"]) if "adapter" in values else None,
            chat_template=self._template(values.get("chat_template")),
            task=values.get("task"),
            allow_pickle=values.get("allow_pickle", False),
        )
        source = self._source(values["source"])
        name = values["name"] if "name" in values else _name_of(values["source"], place)
        return ZooModel(name, source, tuple(values.get("variants", self.default_variants)), options)

    def checked(self, table: Mapping[str, Any], place: _Place) -> Mapping[str, Any]:
        """The same table; raises ExportError for a value of the wrong type or one that nothing knows."""
        for key, value in table.items():
            if key == "variants":
                self._check_variants(value, place)
            elif key == "allow_pickle":
                if not isinstance(value, bool):
                    raise place.error(f"`allow_pickle` must be true or false, not {value!r}.")
            elif not isinstance(value, str) or not value:
                raise place.error(f"`{key}` must be a text that is not empty, not {value!r}.")
        task, name = table.get("task"), table.get("name")
        if task is not None and task not in TASKS:
            raise place.error(f"unknown task {task!r}. There are {', '.join(TASKS)}.")
        if name is not None:
            _require_safe(name, place)
        return table

    def _check_variants(self, value: object, place: _Place) -> None:
        if not isinstance(value, list) or not value or not all(isinstance(name, str) for name in value):
            raise place.error(f'`variants` must be a list such as ["cpu-int8"] that is not empty, not {value!r}.')
        for name in value:
            if name not in self.known_variants:
                near = difflib.get_close_matches(name, self.known_variants, n=1)
                meant = f" Did you mean {near[0]}?" if near else ""
                raise place.error(f"`variants`: {name!r} is unknown.{meant} There are {', '.join(self.known_variants)}.")
            if value.count(name) > 1:
                raise place.error(f"`variants` names {name!r} twice.")

    def located(self, path: str) -> Path:
        """A path as the file means it: relative to the file's folder."""
        return self.file.absolute().parent / Path(path).expanduser()

    def _source(self, source: str) -> str:
        if source in RECIPES:
            return source
        path = self.located(source)
        is_path = path.exists() or source.startswith((".", "/", "~")) or source.endswith(".gguf")
        return str(path) if is_path else source

    def _template(self, template: str | None) -> str | None:
        """A known name stays; a file is found from the list's folder."""
        if template is None or not self.located(template).is_file():
            return template
        return str(self.located(template))


def _name_of(source: str, place: _Place) -> str:
    """The last part of the source, lower case, as a folder's name."""
    last = Path(source).name if source not in ("", ".", "..") else ""
    name = re.sub(r"[^a-z0-9._-]+", "-", last.removesuffix(".gguf").lower()).strip("-._")[:100]
    if not name:
        raise place.error(f"no folder's name can be made of the source {source!r}. Add `name`.")
    _require_safe(name, place)
    return name


def _require_safe(name: str, place: _Place) -> None:
    if not _NAME.fullmatch(name):
        raise place.error(
            f"`name` is {name!r}, which is not a plain folder's name: up to 100 letters, digits, `.`, `_`, `-`, beginning with "
            "a letter or digit and not ending in a dot; no path. Bundles lie side by side in --out."
        )
    if name.casefold() in RESERVED:
        raise place.error(f"`name` is {name!r}, which a batch keeps for itself in --out. Choose another `name`.")
