"""The steps that make a bundle: the default model, another one, and the tests' tiny model; and a look at a found bundle."""

from __future__ import annotations

import hashlib
import re
import sys
from pathlib import Path

from stamps import digest, tree
from steps import Checkout, Step

DEFAULT_MODEL = "smollm2-135m-instruct"
GRAMMAR_MODEL = "smollm2-135m-grammar"
EMBEDDING_MODEL = "all-minilm-l6-v2"


def bundle_folder(checkout: Checkout, source: str | None) -> Path:
    """Where the bundle of `source` (None: the default model) belongs: `HuggingFaceTB/SmolLM2-360M` gives `smollm2-360m`."""
    if source is None:
        return checkout.models / DEFAULT_MODEL
    name = Path(source).name.removesuffix(".gguf")
    return checkout.models / (re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:100] or "model")


def model_step(checkout: Checkout, source: str | None) -> Step:
    """`slm-export` for the default model, or for `source`: a Hugging Face id, a GGUF file or a folder."""
    root = checkout.root
    bundle = bundle_folder(checkout, source)
    command: list[str | Path] = [checkout.program("slm-export")]
    command += ["default", "--models", checkout.models] if source is None else ["model", source, "--out", bundle]
    command += ["--downloads", checkout.models.parent / "downloads"]
    name = f"model-{bundle.name}"
    return Step(
        name,
        f"Model {source or DEFAULT_MODEL}: download, export, compare with the original",
        lambda: digest(
            [*tree(root / "export" / "slm_export"), root / "requirements.lock"],
            texts=[str(bundle), *_source_identity(source)],
            root=root,
        ),
        lambda: tree(bundle),
        lambda runner: runner.run(name, command, env={"COLUMNS": "110"}, echo=True),
        checkout.models,
        kept_bytes=610_000_000,
        passing_bytes=550_000_000,
    )


def later_steps(checkout: Checkout) -> list[Step]:
    """The models that are made after the first page is up, see tasks.py: the one for passages of files, which takes seconds,
    and the one that corrects sentences."""
    return [
        _named_step(checkout, EMBEDDING_MODEL, "download, export, compare with the original", (120_000_000, 350_000_000)),
        _named_step(
            checkout, GRAMMAR_MODEL, "merge the adapter, export, compare with the original", (310_000_000, 1_300_000_000)
        ),
    ]


def grammar_test_step(checkout: Checkout) -> Step:
    """The model that corrects sentences, as the tests ask it: its variant for the CPU alone, which takes a minute."""
    bundle = checkout.data / "test-models" / GRAMMAR_MODEL
    arguments: list[str | Path] = ["model", GRAMMAR_MODEL, "--variants", "cpu-int8", "--out", bundle]
    title = f"Model {GRAMMAR_MODEL}, for the tests: merge the adapter, export for the CPU"
    return _bundle_step(checkout, "model-grammar-for-tests", title, (bundle, arguments), (160_000_000, 600_000_000))


def _named_step(checkout: Checkout, model: str, does: str, disk_bytes: tuple[int, int]) -> Step:
    """`slm-export default --model`."""
    arguments: list[str | Path] = ["default", "--model", model, "--models", checkout.models]
    made = checkout.models / model, arguments
    return _bundle_step(checkout, f"model-{model}", f"Model {model}: {does}", made, disk_bytes)


def _bundle_step(
    checkout: Checkout, name: str, title: str, made: tuple[Path, list[str | Path]], disk_bytes: tuple[int, int]
) -> Step:
    """A model that the exporter knows. `made`: the bundle and what makes it; `disk_bytes`: those that stay, those that pass."""
    root, (bundle, arguments) = checkout.root, made
    command = [checkout.program("slm-export"), *arguments, "--downloads", checkout.models.parent / "downloads"]
    kept_bytes, passing_bytes = disk_bytes
    return Step(
        name,
        title,
        lambda: digest([*tree(root / "export" / "slm_export"), root / "requirements.lock"], texts=[str(bundle)], root=root),
        lambda: tree(bundle),
        lambda runner: runner.run(name, command, env={"COLUMNS": "110"}, echo=True),
        bundle.parent,
        kept_bytes=kept_bytes,
        passing_bytes=passing_bytes,
    )


def fixture_step(checkout: Checkout) -> Step:
    """The tiny models of the tests, in tests/.fixtures: the shared one, encoders, and a decoder of each family."""
    root = checkout.root
    folder = root / "tests" / "fixtures"
    fixtures = root / "tests" / ".fixtures"
    found = [fixtures / "families" / name for name in ("browser", "results")]  # what test runs leave

    return Step(
        "fixtures",
        "Tiny test models (tests/.fixtures)",
        lambda: digest([*tree(folder), *tree(root / "export" / "slm_export"), root / "requirements.lock"], root=root),
        lambda: tree(fixtures, without=found),
        lambda runner: runner.run("fixtures", [checkout.program("python"), folder / "make_all.py"], env={"COLUMNS": "110"}),
        root,
        kept_bytes=60_000_000,
        passing_bytes=15_000_000,
    )


def bundle_problem(bundle: Path) -> str | None:
    """What is wrong with a bundle folder: its manifest, a missing file, a wrong size or digest; None when it is whole."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "export"))
    from slm_export.manifest import ManifestError, load_manifest  # standard library only

    try:
        manifest = load_manifest(bundle)
    except ManifestError as error:
        return str(error)
    for entry in manifest.all_files():
        path = bundle / entry.path
        if not path.is_file():
            return f"{entry.path} is missing."
        if path.stat().st_size != entry.size_bytes:
            return f"{entry.path} has {path.stat().st_size:,} bytes, the manifest says {entry.size_bytes:,}."
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                return f"{entry.path} is damaged: its SHA-256 is not the one in the manifest."
    return None


def _source_identity(source: str | None) -> list[str]:
    """The source as text, and the state of its files where it is local."""
    if source is None:
        return []
    path = Path(source).expanduser()
    files = tree(path) if path.is_dir() else [path] if path.is_file() else []
    return [source, *(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files)]
