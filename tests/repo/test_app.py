"""What `make app` puts together, without running PyInstaller; the app itself where it was built (.data/app)."""

from __future__ import annotations

import configparser
import importlib.util
import os
import plistlib
import shutil
import struct
import subprocess
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import pytest

import freeze

PNG = "web/public/icons/icon-512.png"
EXPORTER = ("torch", "transformers", "onnxruntime", "onnx", "optimum", "numpy", "slm_export/convert", "slm_export/quantize")


def load(root: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, root / "build" / "app" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_icons_hold_the_picture_in_each_systems_container(root: Path, tmp_path: Path) -> None:
    freeze.write_icons(root / PNG, tmp_path)
    png = (root / PNG).read_bytes()
    ico, icns = (tmp_path / "icon.ico").read_bytes(), (tmp_path / "icon.icns").read_bytes()
    size, offset = struct.unpack("<II", ico[14:22])
    assert ico[:6] == b"\0\0\1\0\1\0"
    assert ico[offset : offset + size] == png
    assert icns[:4] == b"icns"
    assert struct.unpack(">I", icns[4:8])[0] == len(icns)
    assert icns[16:] == png


def test_the_web_view_keeps_what_it_is_linked_with_and_nothing_else(root: Path) -> None:
    slim = load(root, "slim")
    needs = {"/core": ["libQt6Gui.so.6"], "/gui": ["libicu.so.73", "libc.so.6"]}
    entries = [
        ("PySide6/QtWebEngineCore.abi3.so", "/core", "EXTENSION"),
        ("PySide6/Qt/lib/libQt6Gui.so.6", "/gui", "BINARY"),
        ("PySide6/Qt/lib/libicu.so.73", "/icu", "BINARY"),
        ("PySide6/Qt/lib/libQt6Charts.so.6", "/charts", "BINARY"),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "/xcb", "BINARY"),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", "/vnc", "BINARY"),
        ("PySide6/Qt/plugins/sqldrivers/libqsqlite.so", "/sql", "BINARY"),
        ("PySide6/Qt/qml/QtQuick/libx.so", "/qml", "BINARY"),
        ("libpython3.11.so.1.0", "/python", "BINARY"),
    ]
    kept = slim.wanted_binaries(entries, lambda file: needs.get(file, []))
    assert sorted(source for _, source, _ in kept) == ["/core", "/gui", "/icu", "/python", "/xcb"]
    data = [
        ("PySide6/Qt/translations/qtwebengine_locales/en-US.pak", "", "DATA"),
        ("PySide6/Qt/translations/qtwebengine_locales/fr.pak", "", "DATA"),
        ("PySide6/Qt/translations/qtbase_fr.qm", "", "DATA"),
        ("PySide6/Qt/resources/qtwebengine_devtools_resources.pak", "", "DATA"),
        ("slm_playground/static/slm.js", "", "DATA"),
        ("slm_playground/static/slm.js.br", "", "DATA"),
        ("libQt6Gui.so.6", "PySide6/Qt/lib/libQt6Gui.so.6", "SYMLINK"),
        ("libQt6Charts.so.6", "PySide6/Qt/lib/libQt6Charts.so.6", "SYMLINK"),
        ("PySide6/Qt/translations/qtwebengine_locales/de.pak", "", "DATA"),
        ("PySide6/Qt/translations/qtbase_de.qm", "", "DATA"),
        ("PySide6/Qt/translations/qtwebengine_de.qm", "", "DATA"),
    ]
    assert [place for place, _, _ in slim.wanted_data(data, kept)] == [data[n][0] for n in (0, 4, 6, 8, 9, 10)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux's part of the recipe")
@pytest.mark.skipif(shutil.which("strip") is None, reason="binutils are not installed")
def test_pythons_own_parts_come_without_symbols_all_else_as_it_is(root: Path, tmp_path: Path) -> None:
    slim = load(root, "slim")
    spec = importlib.util.find_spec("_json")
    module = Path(spec.origin if spec and spec.origin else "")
    if module.suffix != ".so":
        pytest.skip("this Python has its modules inside")
    ours = (f"python3/lib-dynload/{module.name}", str(module), "EXTENSION")
    theirs = ("PySide6/Qt/lib/libQt6Core.so.6", "/qt/libQt6Core.so.6", "BINARY")
    (place, source, kind), other = slim.without_symbols([ours, theirs], tmp_path / "stripped")
    assert (place, kind, other) == (ours[0], ours[2], theirs)
    assert b".symtab" not in Path(source).read_bytes()
    code = f"import importlib.util as u; s = u.spec_from_file_location('_json', {source!r}); u.module_from_spec(s)"
    subprocess.run([sys.executable, "-S", "-c", code], check=True)


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    archives = []
    for turn in (1, 2):
        app = tmp_path / str(turn) / "slm-playground"
        (app / "inside").mkdir(parents=True)
        (app / "inside" / "file").write_text("content")
        (app / "program").write_text("#!/bin/sh\n")
        (app / "program").chmod(0o755)
        os.utime(app / "program", (turn, turn))
        archives.append(freeze._tar(app, tmp_path / f"{turn}.tar.gz").read_bytes())
    assert archives[0] == archives[1]
    with tarfile.open(tmp_path / "1.tar.gz") as tar:
        assert tar.getnames() == [f"slm-playground{rest}" for rest in ("", "/inside", "/inside/file", "/program")]
        assert tar.getmember("slm-playground/program").mode & 0o111


def test_the_menu_entry_names_the_program_where_it_lies(root: Path, tmp_path: Path) -> None:
    here = tmp_path / "my programs" / "100% app"
    here.mkdir(parents=True)
    for path in (root / "build" / "app" / "linux").iterdir():
        (here / path.name).write_bytes(path.read_bytes())
    (here / "slm-playground.png").write_bytes(b"png")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "share")}
    subprocess.run(["sh", here / "install.sh"], env=environment, check=True, capture_output=True)
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(tmp_path / "share" / "applications" / "slm-playground.desktop", encoding="utf-8")
    program = str(here / "slm-playground").replace("%", "%%")
    assert entry["Desktop Entry"]["Exec"] == f'"{program}" desktop %u'
    actions = entry["Desktop Entry"]["Actions"].strip(";").split(";")
    assert [entry[f"Desktop Action {name}"]["Exec"] for name in actions] == [
        f'"{program}" desktop slm://models',
        f'"{program}" desktop --quit',
    ]
    assert "x-scheme-handler/slm" in entry["Desktop Entry"]["MimeType"]
    subprocess.run(["sh", here / "install.sh", "--remove"], env=environment, check=True, capture_output=True)
    assert not (tmp_path / "share" / "applications" / "slm-playground.desktop").exists()


def test_the_parts_for_other_systems_can_be_read(root: Path, tmp_path: Path) -> None:
    entitlements = plistlib.loads((root / "build" / "app" / "macos" / "entitlements.plist").read_bytes())
    assert all(entitlements.values())
    text = Path(load(root, "version_resource").write_version_resource("1.20.3", tmp_path / "version.txt")).read_text()
    assert "filevers=(1, 20, 3, 0)" in text
    compile(text, "version.txt", "eval")


@pytest.fixture
def app(root: Path) -> Path:
    found = root / ".data" / "app" / "dist" / "slm-playground"
    if not (found / "slm-playground").is_file():
        pytest.skip("no app was built here: make app")
    return found


def test_the_built_app_has_no_exporter_but_a_model_and_every_licence(app: Path) -> None:
    places = [path.relative_to(app).as_posix() for path in app.rglob("*")]
    assert not [place for place in places if place.removeprefix("_internal/").startswith(EXPORTER)]
    assert any(place.startswith("_internal/models/") and place.endswith("/manifest.json") for place in places)
    licences = {path.name for path in (app / "licences").iterdir()}
    assert {"README.md", "LGPL-3.0.txt", "GPL-3.0.txt", "Python-LICENSE.txt", "SLM-Playground-LICENSE"} <= licences
    packages = {place.split("/")[1].split("-")[0] for place in places if place.count("/") == 1 and ".dist-info" in place}
    told = (app / "licences" / "README.md").read_text(encoding="utf-8").lower().replace("_", "-")
    assert not [name for name in packages if f"- {name.lower().replace('_', '-')} " not in told]


def test_the_built_app_says_its_version_with_an_empty_environment(app: Path) -> None:
    done = subprocess.run([app / "slm-playground", "--version"], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("slm-playground, version ")
