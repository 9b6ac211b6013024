"""Each folder imports only from the steps before it: export → playground; engine → tasks → state → ui."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

IMPORT = re.compile(r"""(?:from|import)\s*\(?\s*['"]([^'"]+)['"]""")
# What the page may know of the engine; the rest runs in the worker.
ENGINE_FACE = {"api.ts", "errors.ts", "client.ts", "inspect.ts", "names.ts", "protocol.ts", "requests.ts"}
LAYERS = ["engine", "tasks", "text", "state", "ui"]


def python_imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(folder: Path, *endings: str) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix in endings)
    assert found, f"{folder} has no sources"
    return found


def test_playground_knows_only_the_manifest_of_the_exporter(root: Path) -> None:
    breaches = [
        f"{path.name}: {name}"
        for path in modules(root / "playground", ".py")
        for name in python_imports(path)
        if name.split(".")[0] == "slm_export" and not (name == "slm_export" or name.startswith("slm_export.manifest"))
    ]
    assert not breaches, breaches


def test_exporter_does_not_know_the_playground(root: Path) -> None:
    assert not [
        path for path in modules(root / "export", ".py") if any(n.startswith("slm_playground") for n in python_imports(path))
    ]


def test_setup_and_manifest_need_only_the_standard_library(root: Path) -> None:
    own = {path.stem for path in (root / "build").glob("*.py")} | {"slm_export", "slm_playground"}
    files = [path for path in modules(root / "build", ".py") if path.name != "hatch_web.py"]
    files += [root / "export/slm_export/manifest.py", root / "export/slm_export/manifest_model.py"]
    foreign = {
        f"{path.name}: {name}"
        for path in [*files, root / "playground/slm_playground/listen.py"]
        for name in python_imports(path)
        if name.split(".")[0] not in sys.stdlib_module_names | own
    }
    assert not foreign, foreign


def test_playground_never_loads_torch() -> None:
    """Every module of the server, imported in a fresh interpreter, leaves the exporter's packages unloaded."""
    script = (
        "import importlib, pkgutil, sys, slm_playground as p\n"
        "optional = ('.__main__', '.shells.gtk', '.shells.qt', '.shells.webview')  # windows need more than that\n"
        "optional += ('.tray.icon_qt', '.tray.icon_system', '.tray.shortcut_x11')  # so do icon and shortcut\n"
        "names = [m.name for m in pkgutil.walk_packages(p.__path__, 'slm_playground.') if not m.name.endswith(optional)]\n"
        "[importlib.import_module(name) for name in names]\n"
        "heavy = {'torch', 'transformers', 'onnxruntime', 'numpy', 'rich'} & set(sys.modules)\n"
        "print(len(names), *sorted(heavy))\n"
    )
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert int(printed[0]) > 3
    assert printed[1:] == []


def web_imports(root: Path) -> list[tuple[Path, Path]]:
    """(importing file, imported file) for every relative import below web/src."""
    source = root / "web" / "src"
    pairs = []
    for path in modules(source, ".ts", ".tsx"):
        for name in IMPORT.findall(path.read_text(encoding="utf-8")):
            if name.startswith("."):
                target = (path.parent / name.partition("?")[0]).resolve()
                pairs.append((path.relative_to(source), target.relative_to(source)))
    return pairs


def test_web_layers_import_downwards(root: Path) -> None:
    breaches = []
    for importer, imported in web_imports(root):
        above, below = importer.parts[0], imported.parts[0]
        if above not in LAYERS or below not in LAYERS or above == below:
            continue
        if LAYERS.index(below) > LAYERS.index(above) or (below == "engine" and imported.name not in ENGINE_FACE):
            breaches.append(f"{importer} imports {imported}")
    assert not breaches, breaches


def test_only_the_worker_side_of_the_engine_knows_the_runtime(root: Path) -> None:
    users = {
        path.relative_to(root).as_posix()
        for path in modules(root / "web" / "src", ".ts", ".tsx")
        if any(name.startswith("onnxruntime-web") for name in IMPORT.findall(path.read_text(encoding="utf-8")))
    }
    assert users
    outside = [path for path in users if not path.startswith("web/src/engine/") or Path(path).name in ENGINE_FACE]
    assert not outside, outside


@pytest.mark.parametrize("folder", ["engine", "tasks"])
def test_engine_and_tasks_do_not_touch_the_page(root: Path, folder: str) -> None:
    place = root / "web" / "src" / folder
    found = []
    for path in sorted(place.rglob("*.ts")):
        if path.name == "client.ts":
            continue  # runs in the page: resolves addresses against it
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        found += [f"{path.name}: {match[0]}" for match in re.finditer(r"\b(?:document|localStorage|window)\.\w+", code)]
    assert not found, found
