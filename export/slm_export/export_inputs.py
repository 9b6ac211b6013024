"""What a bundle was made from, as one digest: tells a bundle that is up to date from one that must be made again.

Needs neither PyTorch nor ONNX, so that looking at many bundles takes no longer than reading them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from slm_export.adapter import CONFIG_NAME, TASK_NAME
from slm_export.chat_templates import FILE_NAME as TEMPLATE_NAME
from slm_export.chat_templates import stated_options
from slm_export.download import sha256_of
from slm_export.errors import VerifyError
from slm_export.integrity import check_files
from slm_export.manifest import load_manifest
from slm_export.sources import Origin

INPUTS_NAME = "export.json"  # not part of the bundle's contract
_LIBRARIES = ("torch", "transformers", "optimum-onnx", "onnxruntime-genai", "onnxruntime", "onnx")
_CODE = (".py", ".txt", ".jinja", ".css")
_OTHER_PARTS = ("adapters", "corrupt", "eval", "finetune", "site")  # packages that no export uses
_TEXTS = (".json", ".jinja", ".txt", ".model")  # of a checkpoint: configuration and tokenizer


def export_inputs(origin: Origin, variants: Sequence[str]) -> str:
    """A digest of all that decides what the bundle holds: source, variants, this package's code, library versions."""
    package = Path(str(files("slm_export")))
    code = {name: sha256_of(package / name) for name in _code_files(package)}
    stated = {
        "source": [origin.source.kind, origin.source.ref, origin.source.revision, origin.source.sha256],
        "texts": {} if origin.is_gguf else _texts(origin.path),
        "adapter": _adapter(origin),
        "options": stated_options(origin.options),
        "variants": list(variants),
        "code": code,
        "libraries": {name: version(name) for name in _LIBRARIES},
    }
    return hashlib.sha256(json.dumps(stated, sort_keys=True).encode()).hexdigest()


def _code_files(package: Path) -> list[str]:
    paths = [path.relative_to(package) for path in package.rglob("*") if path.suffix in _CODE]
    return sorted(path.as_posix() for path in paths if path.parts[0] not in _OTHER_PARTS)


def _texts(folder: Path) -> dict[str, str]:
    """SHA-256 by name of a checkpoint's configuration and tokenizer files; the weights have the source's own digest.

    Those of sentence-transformers' modules lie one folder down (1_Pooling/config.json).
    """
    found = sorted([*folder.iterdir(), *folder.glob("*/config.json")])
    paths = [path for path in found if path.is_file() and path.suffix in _TEXTS]
    return {path.relative_to(folder).as_posix(): sha256_of(path) for path in paths}


def _adapter(origin: Origin) -> list[str] | None:
    """Digests of the adapter's weights, of its configuration, whose alpha scales them, and of what says how to ask it."""
    folder, adapter = origin.options.adapter, origin.source.adapter
    if folder is None or adapter is None:
        return None
    texts = [folder / name for name in (CONFIG_NAME, TEMPLATE_NAME, TASK_NAME) if (folder / name).is_file()]
    return [adapter.sha256, *(f"{path.name} {sha256_of(path)}" for path in texts)]


def is_current(bundle: Path, inputs: str) -> bool:
    """True where `bundle` was made from the same inputs and its files have the right sizes and digests."""
    try:
        recorded = json.loads((bundle / INPUTS_NAME).read_text(encoding="utf-8"))
        if recorded.get("inputs") != inputs:
            return False
        check_files(bundle, load_manifest(bundle))
    except (OSError, ValueError, VerifyError):
        return False
    return True
