"""Checks of single values out of a settings file or the command line. Each raises a ValueError that says what is expected."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

from slm_export.manifest import is_safe_path
from slm_export.site.settings import Accent, Picture

MAX_PICTURE_BYTES = 1_000_000
MAX_PRESET_BYTES = 100_000
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# Opened by its own address a picture is a page of the site's origin, so nothing in it may run or ask for anything.
_ACTIVE_SVG = re.compile(
    rb"<\s*(?:[\w.-]+:)?(?:script|foreignobject|iframe|object|embed|use|image|a|set|animate\w*|handler|listener)[\s/>]|"
    rb"[\s/\"']on[a-z]+\s*=|<!DOCTYPE[^>]*\[|<!ENTITY|<\?xml-stylesheet|javascript:|@import|url\s*\(\s*['\"]?\s*(?!#)[^\s'\"#]",
    re.IGNORECASE,
)
_SIGNATURES = {
    ".png": rb"\x89PNG\r\n\x1a\n",
    ".webp": rb"RIFF....WEBP",
    ".svg": rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!--|!DOCTYPE svg)",
}


def text(value: object, most: int = 500) -> str:
    """A text of 1 to `most` characters, without control characters."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("expected a text that is not empty")
    if len(value) > most:
        raise ValueError(f"has {len(value)} characters, at most {most} are shown")
    if _CONTROL.search(value):
        raise ValueError("has control characters in it: write plain text")
    return value.strip()


def https_url(value: object) -> str:
    """An https address that a browser reads as it stands there."""
    url = text(value, 2000)
    try:
        parts = urlsplit(url)
        port_is_read = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"is no address ({error})") from error
    strange = re.search(r"[\s\\\"'<>`{}|^]", url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or strange or not port_is_read:
        raise ValueError(f"expected an address that begins with https://, found {url[:80]!r}")
    return url


def link_target(value: object) -> str:
    """An https address, or a path in the site."""
    target = text(value, 2000)
    if is_safe_path(target) and not re.search(r"[\s?\"'<>&%]", target):
        return target
    return https_url(target)


def colour(value: object) -> str:
    """`#rrggbb`, in lower case."""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise ValueError(f"expected a colour such as #1d5fd1, found {value!r}")
    return value.lower()


def accent(value: object) -> Accent:
    """One colour for both themes, or a table with `light` and `dark`."""
    if isinstance(value, dict):
        if set(value) != {"light", "dark"}:
            raise ValueError("expected a colour such as #1d5fd1, or both light and dark")
        return Accent(colour(value["light"]), colour(value["dark"]))
    both = colour(value)
    return Accent(both, both)


def picture(file: Path, suffixes: tuple[str, ...]) -> Picture:
    """A picture file whose content is what its name says; SVG only without scripts, links and outside references."""
    suffix = file.suffix.lower()
    if suffix not in suffixes:
        raise ValueError(f"{file}: expected a file that ends in {' or '.join(suffixes)}")
    content = _content(file, MAX_PICTURE_BYTES)
    if not re.match(_SIGNATURES[suffix], content, re.DOTALL):
        raise ValueError(f"{file} is no {suffix[1:].upper()} picture")
    active = _ACTIVE_SVG.search(content) if suffix == ".svg" else None
    if active:
        found = active[0].decode("utf-8", "replace").strip()
        raise ValueError(
            f"{file} has {found!r} in it: only drawings without scripts, links and references to elsewhere are taken"
        )
    return Picture(content, suffix)


def preset(file: Path) -> dict[str, object]:
    """A preset as the page exports it."""
    try:
        data = json.loads(_content(file, MAX_PRESET_BYTES).decode("utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON ({error})") from error
    if not isinstance(data, dict) or data.get("format") != "slm-playground-preset" or not isinstance(data.get("settings"), dict):
        raise ValueError(f"{file} is no preset: export one on the page (settings, presets, Export)")
    if data.get("version") != 1:
        raise ValueError(f"{file} is of version {data.get('version')!r}, this program reads version 1")
    return {"format": data["format"], "version": 1, "name": text(data.get("name"), 60), "settings": data["settings"]}


def _content(file: Path, most_bytes: int) -> bytes:
    try:
        with file.open("rb") as stream:
            content = stream.read(most_bytes + 1)
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror})") from error
    if len(content) > most_bytes:
        raise ValueError(f"{file} has more than {most_bytes:,} bytes")
    return content
