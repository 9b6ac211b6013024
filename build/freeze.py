"""`make app`: the desktop app as a folder that runs without Python, and its archive, in .data/app.

From a wheel in an environment of its own, so that nothing of the checkout and nothing of the exporter can get in. What goes
into it is said by app/slm-playground.spec; this module installs, calls PyInstaller, collects the licences and packs.
"""

from __future__ import annotations

import gzip
import os
import platform
import shutil
import struct
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from runner import Runner, SetupError, folder_bytes, megabytes, say
from steps import ON_WINDOWS, Checkout, make_venv

NAME = "slm-playground"
# Of the environment, but not of the app.
TOOLS = {"altgraph", "pefile", "pip", "pyinstaller-hooks-contrib", "setuptools", "macholib", "pywin32-ctypes"}
SYSTEMS = {"linux": "linux", "win32": "windows", "darwin": "macos"}
# Every file of an archive has this time (1 January 2026), so that the same files make the same archive.
ARCHIVE_TIME = 1_767_225_600


def make_app(checkout: Checkout, runner: Runner, bundle: Path) -> Path:
    """Build, collect, pack; gives the archive. `bundle`: the model that comes along. Raises: SetupError."""
    place = checkout.data / "app"
    own = Checkout(place)  # its environment is place/.venv
    for name in ("wheel", "work", "dist"):
        shutil.rmtree(place / name, ignore_errors=True)
    place.mkdir(parents=True, exist_ok=True)
    say(f"App: wheel, environment, PyInstaller, archive. Everything is in {os.path.relpath(place, checkout.root)}")
    wheel = _wheel(checkout, runner, place / "wheel")
    say(f"      environment: {make_venv(own, runner)}")
    pip: list[str | Path] = [
        own.program("python"),
        "-m",
        "pip",
        "install",
        "--no-input",
        "-c",
        "requirements.lock",
        f"{wheel}[desktop,app]",
    ]
    say(f"      packages: {runner.run('app-packages', pip, watch=[own.venv])}")
    write_icons(checkout.root / "web" / "public" / "icons" / "icon-512.png", place / "icons")
    env = {"SLM_APP_ICONS": str(place / "icons"), "SLM_APP_MODEL": str(bundle), "PYTHONHASHSEED": "1"}
    command: list[str | Path] = [
        own.program("pyinstaller"),
        "--noconfirm",
        "--clean",
        "--workpath",
        place / "work",
        "--distpath",
        place / "dist",
    ]
    recipe = checkout.root / "build" / "app" / f"{NAME}.spec"
    say(f"      PyInstaller: {runner.run('app-freeze', [*command, recipe], watch=[place / 'dist'], env=env)}")
    app = place / "dist" / ("SLM Playground.app" if sys.platform == "darwin" else NAME)
    extras = app / "Contents" / "Resources" if sys.platform == "darwin" else app
    write_licences(own.program("python"), checkout.root, extras / "licences")
    if sys.platform == "linux":
        for source in (checkout.root / "build" / "app" / "linux").iterdir():
            shutil.copy2(source, app)
        shutil.copy2(place / "icons" / "icon.png", app / f"{NAME}.png")
    archive = pack(app, place, wheel.name.split("-")[1])
    say(f"App: {megabytes(folder_bytes(app))} in {app}\nArchive: {megabytes(archive.stat().st_size)}, {archive}")
    return archive


def _wheel(checkout: Checkout, runner: Runner, out: Path) -> Path:
    command: list[str | Path] = [checkout.program("python"), "-m", "pip", "wheel", "--no-deps", "--no-input", "-w", out, "."]
    lock = str(checkout.root / "requirements.lock")
    runner.run("app-wheel", command, env={"PIP_CONSTRAINT": lock, "PIP_BUILD_CONSTRAINT": lock})
    found = list(out.glob("*.whl"))
    if len(found) != 1:
        raise SetupError(f"No wheel was built in {out}. The output of pip is in .data/logs/app-wheel.log.")
    return found[0]


def write_icons(png: Path, out: Path) -> None:
    """The icon as each system wants it. Both containers may hold a PNG as it is."""
    out.mkdir(parents=True, exist_ok=True)
    data = png.read_bytes()
    (out / "icon.png").write_bytes(data)
    # ICO: header, one entry whose size bytes 0 stand for 256 or more, then the picture.
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(data), 22)
    (out / "icon.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + data)
    # ICNS: "ic09" is a PNG of 512 by 512.
    (out / "icon.icns").write_bytes(
        b"icns" + struct.pack(">I", 16 + len(data)) + b"ic09" + struct.pack(">I", 8 + len(data)) + data
    )


_LICENCES = """
import importlib.metadata as m, json, sys, sysconfig
found = {}
for d in m.distributions():
    texts = {}
    for f in d.files or ():
        name = f.name.lower()
        if f.parts[0].endswith(".dist-info") and name.startswith(("licen", "copying", "notice", "authors")):
            texts[f.name] = d.locate_file(f).read_text("utf-8", "replace")
    meta = d.metadata
    found[meta["Name"]] = [d.version, meta.get("License-Expression") or meta.get("License") or "see its texts", texts]
json.dump(found, sys.stdout)
"""


def write_licences(python: Path, root: Path, out: Path) -> None:
    """Licence texts of all that is in the app: packages, Python, Qt, the page's parts, the project itself."""
    import json

    done = subprocess.run([python, "-c", _LICENCES], capture_output=True, text=True, check=True)
    packages: dict[str, tuple[str, str, dict[str, str]]] = json.loads(done.stdout)
    out.mkdir(parents=True, exist_ok=True)
    lines = ["# Licences of what is inside", "", (root / "build" / "app" / "licences.md").read_text(encoding="utf-8")]
    for name in sorted(packages, key=str.lower):
        version, licence, texts = packages[name]
        if name.lower() in TOOLS:
            continue
        lines.append(f"- {name} {version}: {licence.splitlines()[0]}")
        for title, text in texts.items():
            (out / f"{name}-{title}").write_text(text, encoding="utf-8")
    (out / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    shutil.copy2(root / "LICENSE", out / "SLM-Playground-LICENSE")
    for text in ("GPL-3.0.txt", "LGPL-3.0.txt"):
        shutil.copy2(root / "build" / "app" / text, out / text)
    python_licence = next((p for p in _python_licences() if p.is_file()), None)
    if python_licence is None:
        raise SetupError("The licence of this Python was not found, and it must come with the app. Use a Python from python.org.")
    shutil.copy2(python_licence, out / "Python-LICENSE.txt")


def _python_licences() -> list[Path]:
    import sysconfig

    library = Path(sysconfig.get_path("stdlib"))
    return [
        library / "LICENSE.txt",
        Path(sys.base_prefix) / "LICENSE.txt",
        Path(f"/usr/share/doc/python{sys.version_info[0]}/copyright"),
    ]


def pack(app: Path, out: Path, version: str) -> Path:
    """A tar on Linux, a zip elsewhere."""
    machine = platform.machine().lower()
    name = f"{NAME}-{version}-{SYSTEMS.get(sys.platform, sys.platform)}-{machine}"
    if sys.platform == "linux":
        return _tar(app, out / f"{name}.tar.gz")
    if not ON_WINDOWS:  # only ditto keeps what a signature of macOS covers
        archive = out / f"{name}.zip"
        subprocess.run(["ditto", "-c", "-k", "--keepParent", app, archive], check=True)
        return archive
    with zipfile.ZipFile(out / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as zipped:
        for path in sorted(app.rglob("*")):
            zipped.write(path, path.relative_to(app.parent))
    return out / f"{name}.zip"


def _tar(app: Path, archive: Path) -> Path:
    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = ARCHIVE_TIME
        return entry

    with (
        archive.open("wb") as file,
        gzip.GzipFile("", "wb", 6, file, mtime=ARCHIVE_TIME) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        tar.add(app, app.name, recursive=False, filter=plain)
        for path in sorted(app.rglob("*")):
            tar.add(path, f"{app.name}/{path.relative_to(app)}", recursive=False, filter=plain)
    return archive
