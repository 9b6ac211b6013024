"""JSON into frozen dataclasses whose fields carry rules: what manifest.py is made of. Standard library only.

A field's type says what it is (`str`, `int`, `float`, `bool`, a dataclass, `tuple[X, ...]`, `X | None`), an `Annotated`
rule what it must satisfy beyond that. Unknown keys are ignored; an error names the field's path.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, Any


class ManifestError(ValueError):
    """A manifest that cannot be used; the message names the file, the field's path, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must satisfy beyond its type, and the words for it in an error."""

    holds: Callable[[Any], bool]
    expected: str


def is_safe_path(path: str) -> bool:
    """True for a relative POSIX path that stays inside its folder and means the same on every system."""
    if not path or "\\" in path or ":" in path or "\0" in path or path.startswith("/"):
        return False
    return all(part not in ("", ".", "..") for part in path.split("/")) and PurePosixPath(path).as_posix() == path


def one_of(*allowed: str) -> Rule:
    return Rule(lambda value: value in allowed, f"one of {', '.join(allowed)}")


def matching(pattern: str, expected: str) -> Rule:
    return Rule(lambda value: re.fullmatch(pattern, value) is not None, expected)


Text = Annotated[str, Rule(bool, "a text that is not empty")]
BundleId = Annotated[str, matching(r"[a-z0-9][a-z0-9._-]{0,99}", "a lower-case id such as smollm2-135m-instruct")]
Sha256 = Annotated[str, matching(r"[0-9a-f]{64}", "64 hexadecimal digits")]
SafePath = Annotated[str, Rule(is_safe_path, "a relative path with / that stays inside the bundle")]
Count = Annotated[int, Rule(lambda value: value >= 0, "a whole number of at least 0")]
Positive = Annotated[int, Rule(lambda value: value >= 1, "a whole number of at least 1")]
TextTemplate = Annotated[str, Rule(lambda value: value.count("{text}") == 1, "a text with {text} in it once")]
Amount = Annotated[float, Rule(lambda value: value >= 0, "a number of at least 0")]


def read_value(kind: Any, value: object, path: str, where: str) -> Any:
    """Turn JSON into a value of the annotated type `kind`, or raise a ManifestError that names the field."""
    origin = typing.get_origin(kind)
    if origin is Annotated:
        plain, rule = typing.get_args(kind)
        result = read_value(plain, value, path, where)
        if not rule.holds(result):
            raise field_error(where, path, value, rule.expected)
        return result
    if origin in (types.UnionType, typing.Union):  # X | None
        return None if value is None else read_value(typing.get_args(kind)[0], value, path, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise field_error(where, path, value, "a list")
        return tuple(read_value(typing.get_args(kind)[0], item, f"{path}[{index}]", where) for index, item in enumerate(value))
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise field_error(where, path or "manifest", value, "an object")
        hints = _hints(kind)
        make: Callable[..., object] = kind
        return make(
            **{key: read_value(hint, value.get(key), f"{path}.{key}" if path else key, where) for key, hint in hints.items()}
        )
    return _plain(kind, value, path, where)


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    """Field types of a dataclass with their rules; resolving them takes milliseconds, so once."""
    return typing.get_type_hints(kind, include_extras=True)


def _plain(kind: type, value: object, path: str, where: str) -> object:
    """str, bool, int, or float (a JSON whole number will do for a float; true and NaN are no numbers)."""
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind is not float and type(value) is kind:
        return value
    names = {str: "a text", bool: "true or false", int: "a whole number", float: "a finite number"}
    raise field_error(where, path, value, names[kind])


def field_error(where: str, path: str, found: object, expected: str) -> ManifestError:
    shown = "nothing" if found is None else json.dumps(found, ensure_ascii=False, default=str)[:80]
    return ManifestError(f"{where}: {path}: expected {expected}, found {shown}. Export the bundle again.")
