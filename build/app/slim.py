"""What of Qt goes into the app: the web view and what it is linked with. Works on PyInstaller's lists of files.

Each entry is (place in the app, file on this machine, kind). The rest of Qt (QML, 3D, charts, translations) is two fifths of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

Entry = tuple[str, str, str]

PLUGINS = {
    "egldeviceintegrations",
    "iconengines",
    "imageformats",
    "platforminputcontexts",
    "platforms",
    "platformthemes",
    "tls",
    "wayland-decoration-client",
    "wayland-graphics-integration-client",
    "wayland-shell-integration",
    "xcbglintegrations",
}
PLUGIN_NAMES = {
    "egldeviceintegrations": (),
    "imageformats": ("libqico", "libqjpeg", "libqsvg"),
    "platforminputcontexts": ("libcomposeplatform", "libibusplatform"),
    "platforms": ("libqoffscreen", "libqwayland", "libqxcb"),
    "platformthemes": ("libqxdgdesktopportal",),
}
# Of the web view's own data: menus and messages are English, Chromium's developer tools are left out.
LOCALES = ("en-US.pak",)
UNWANTED_DATA = ("qtwebengine_devtools_resources", "Qt/qml/", "Qt/translations/", "PySide6/translations/", ".debug.")


def wanted_data(entries: Iterable[Entry], binaries: Iterable[Entry]) -> list[Entry]:
    """Data files without other languages, QML, developer tools and copies compressed for a network that is not there.

    Links to libraries are kept where the library is (`binaries`).
    """
    there = {PurePosixPath(_place(entry)).name for entry in binaries}
    kept = [entry for entry in entries if _is_wanted_data(_place(entry))]
    return [entry for entry in kept if entry[2] != "SYMLINK" or PurePosixPath(entry[1]).name in there]


def _is_wanted_data(place: str) -> bool:
    if "qtwebengine_locales/" in place:
        return place.endswith(LOCALES)
    if "slm_playground/static/" in place and place.endswith((".br", ".gz")):
        return False
    return not any(part in place for part in UNWANTED_DATA)


def wanted_binaries(entries: Iterable[Entry], needed_by: Callable[[str], Iterable[str]]) -> list[Entry]:
    """Libraries that what is wanted is linked with, directly or not.

    `needed_by(file)` gives the names of the libraries that a file is linked with.
    """
    kept = [entry for entry in entries if "Qt/qml/" not in _place(entry)]
    libraries = {PurePosixPath(_place(entry)).name: entry for entry in kept if _is_library(_place(entry))}
    chosen = [entry for entry in kept if _is_root(_place(entry))]
    waiting = list(chosen)
    seen = {_place(entry) for entry in chosen}
    while waiting:
        for name in needed_by(waiting.pop()[1]):
            found = libraries.get(PurePosixPath(name).name)
            if found and _place(found) not in seen:
                seen.add(_place(found))
                chosen.append(found)
                waiting.append(found)
    return chosen


def _is_library(place: str) -> bool:
    """Only there because something is linked with it: beside Qt, or beside the program."""
    parts = PurePosixPath(place).parts
    return "Qt/lib/" in place or (len(parts) == 1 and ".so" in place and not place.startswith("libpython"))


def _is_root(place: str) -> bool:
    if _is_library(place):
        return False
    if "Qt/plugins/" in place:
        kind, name = PurePosixPath(place).parts[-2:]
        return kind in PLUGINS and name.startswith(PLUGIN_NAMES.get(kind, ("lib",)))
    return True


def _place(entry: Entry) -> str:
    return entry[0].replace("\\", "/")
