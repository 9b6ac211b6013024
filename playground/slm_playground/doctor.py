"""`slm-playground doctor`: what is here, what is wrong, what to do. Collects facts; prints nothing, changes nothing."""

from __future__ import annotations

import platform
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slm_playground import catalog, listen, paths

PACKAGES = ("slm-playground", "flask", "werkzeug", "waitress", "click", "platformdirs")
# The default model's bundle and the runtime need a few hundred megabytes; below this the next export or log line may fail.
LITTLE_SPACE_BYTES = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Variant:
    """One way to run a bundle and what a browser downloads for it."""

    name: str
    device: str
    download_bytes: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """One folder of the models folder; `error` is None for a usable one."""

    folder: str
    name: str | None
    variants: tuple[Variant, ...]
    error: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """All that doctor knows. `problems` is empty when everything is fine; each one says what to do."""

    versions: dict[str, str]
    system: str
    paths: dict[str, str]
    ui_built: bool
    bundles: tuple[Bundle, ...]
    files_hashed: bool
    free_ports: tuple[int, ...]
    taken_ports: tuple[int, ...]
    disk_free_bytes: int
    problems: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The report as plain JSON values; `ok` first, for scripts."""
        return {"ok": not self.problems, **asdict(self)}


def examine(models: Path, *, deep: bool = False) -> Report:
    """Look at everything `serve` depends on. `deep` also reads every file of every bundle and compares SHA-256."""
    static = paths.static_dir()
    found = catalog.scan(models, deep=deep)
    bundles = tuple(_bundle(entry) for entry in found.entries)
    free = tuple(port for port in listen.PORTS if listen.is_free(port))
    disk_free_bytes = shutil.disk_usage(_existing(paths.data_dir())).free
    ui_built = (static / "index.html").is_file()
    problems = [bundle.error for bundle in bundles if bundle.error]
    if found.problem:
        problems.append(found.problem)
    if not ui_built:
        problems.append(
            f"The user interface is not built ({static} has no index.html). Run `make run`, or `npm ci` and `npm run build`."
        )
    if not free:
        problems.append(
            f"Ports {listen.PORTS[0]} to {listen.PORTS[-1]} are all taken. Stop one of those programs or use --port NUMBER."
        )
    if disk_free_bytes < LITTLE_SPACE_BYTES:
        problems.append(
            f"Only {disk_free_bytes / 1e6:,.0f} MB are free where {paths.data_dir()} is. Free some space before the next export."
        )
    return Report(
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        system=platform.platform(),
        paths={
            "checkout": str(paths.checkout() or ""),
            "data": str(paths.data_dir()),
            "models": str(models),
            "logs": str(paths.logs_dir()),
            "ui": str(static),
        },
        ui_built=ui_built,
        bundles=bundles,
        files_hashed=deep,
        free_ports=free,
        taken_ports=tuple(port for port in listen.PORTS if port not in free),
        disk_free_bytes=disk_free_bytes,
        problems=tuple(problems),
    )


def to_text(report: Report) -> str:
    """The report for people: facts first, then each problem with what to do. ASCII, for any terminal."""
    lines = ["Versions   " + ", ".join(f"{name} {number}" for name, number in report.versions.items())]
    lines.append(f"System     {report.system}")
    lines += [f"{'Path':<10} {name}: {where}" for name, where in report.paths.items() if where]
    lines.append(f"UI         {'built' if report.ui_built else 'NOT BUILT'}")
    lines += [_bundle_text(bundle) for bundle in report.bundles] or ["Model      none"]
    lines.append(f"Checked    {'sizes and SHA-256' if report.files_hashed else 'sizes (add --deep for SHA-256)'}")
    taken = f", taken: {', '.join(map(str, report.taken_ports))}" if report.taken_ports else ""
    lines.append(f"Ports      free: {', '.join(map(str, report.free_ports)) or 'none'}{taken}")
    lines.append(f"Disk       {report.disk_free_bytes / 1e9:,.1f} GB free")
    if not report.problems:
        return "\n".join([*lines, "", "Everything is fine."])
    return "\n".join([*lines, "", f"{len(report.problems)} to fix:", *(f"- {problem}" for problem in report.problems)])


def _bundle(entry: catalog.Entry) -> Bundle:
    manifest = entry.manifest
    if manifest is None:
        return Bundle(entry.folder.name, None, (), entry.error)
    variants = tuple(Variant(each.name, each.device, each.download_bytes) for each in catalog.variants(manifest))
    return Bundle(entry.folder.name, manifest.name, variants, entry.error)


def _bundle_text(bundle: Bundle) -> str:
    if bundle.error:
        return f"Model      {bundle.folder}: BROKEN (see below)"
    sizes = ", ".join(f"{variant.name} {variant.download_bytes / 1e6:,.1f} MB" for variant in bundle.variants)
    return f"Model      {bundle.folder}: {sizes}"


def _existing(path: Path) -> Path:
    """`path`, or its nearest parent that is there."""
    return path if path.exists() else _existing(path.parent)
