"""What of Qt goes into the app: the web view and what it is linked with. Works on PyInstaller's lists of files.

Each entry is (place in the app, file on this machine, kind). The rest of Qt (QML, 3D, charts, translations) is two fifths of it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

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
# PyInstaller takes every module that PySide6 could need; those of the web view need none of these.
UNUSED_MODULES = tuple(
    f"PySide6.Qt{name}" for name in ("DBus", "OpenGL", "OpenGLWidgets", "Positioning", "Qml", "Quick", "QuickWidgets")
)
# The page's languages: of Chromium's messages, and of Qt's, which are English by themselves. Its developer tools are left out.
LOCALES = ("en-US.pak", "de.pak")
TRANSLATIONS = ("qtbase_de.qm", "qtwebengine_de.qm")
UNWANTED_DATA = ("qtwebengine_devtools_resources", "Qt/qml/", "PySide6/translations/", ".debug.")


def wanted_data(entries: Iterable[Entry], binaries: Iterable[Entry]) -> list[Entry]:
    """Data files without what nobody asks for: other languages than the page's, QML, developer tools, copies that are compressed
    for a network that is not there. Links to libraries are kept where the library is (`binaries`).
    """
    there = {PurePosixPath(_place(entry)).name for entry in binaries}
    kept = [entry for entry in entries if _is_wanted_data(_place(entry))]
    return [entry for entry in kept if entry[2] != "SYMLINK" or PurePosixPath(entry[1]).name in there]


def _is_wanted_data(place: str) -> bool:
    if "qtwebengine_locales/" in place:
        return PurePosixPath(place).name in LOCALES
    if "Qt/translations/" in place:
        return PurePosixPath(place).name in TRANSLATIONS
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


def without_symbols(entries: Iterable[Entry], folder: Path) -> list[Entry]:
    """Python's own library and modules without their tables for debuggers, which many builds of Python carry (three quarters of
    them). All else comes stripped. The copies are put into `folder`; needs `strip` of binutils, as PyInstaller does `objdump`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return [(entry[0], _stripped(entry, folder), entry[2]) if _is_of_python(_place(entry)) else entry for entry in entries]


def _stripped(entry: Entry, folder: Path) -> str:
    target = folder / PurePosixPath(_place(entry)).name
    subprocess.run(["strip", "--strip-unneeded", "-o", target, entry[1]], check=True)
    return str(target)


def _is_of_python(place: str) -> bool:
    return place.startswith("libpython") or "/lib-dynload/" in place


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
