"""The models as the page's list shows them: `GET /api/models`."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

from slm_playground import catalog
from slm_playground.library.downloads import ORIGIN_NAME
from slm_playground.library.layouts import KIND, Repository


def listing(models: Path) -> dict[str, Any]:
    """Usable models, broken folders with their errors, and the disk that holds them."""
    found = catalog.scan(models)
    return {
        "models_dir": str(models),
        "models": [_summary(entry) for entry in found.entries if entry.error is None],
        "errors": [
            {
                "folder": entry.folder.name,
                "name": entry.manifest.name if entry.manifest else None,
                "error": entry.error,
                "repairable": _is_repairable(entry),
            }
            for entry in found.entries
            if entry.error is not None
        ],
        "problem": found.problem,
        "disk": _disk(models),
    }


def _disk(models: Path) -> dict[str, int] | None:
    """Of the disk that holds the models folder; None while there is no folder."""
    try:
        total, _, free = shutil.disk_usage(models)
    except OSError:
        return None
    return {"total_bytes": total, "free_bytes": free}


def _is_repairable(entry: catalog.Entry) -> bool:
    return entry.manifest is not None and (entry.folder / ORIGIN_NAME).is_file()


def _summary(entry: catalog.Entry) -> dict[str, Any]:
    manifest = entry.manifest
    assert manifest is not None, "only usable models are summarised"
    common = {
        "id": manifest.id,
        "url": f"/models/{manifest.id}/",
        "name": manifest.name,
        "family": manifest.family,
        "architecture": manifest.architecture,
        "context_length": manifest.context_length,
        "size_bytes": entry.size_bytes(),
        "repairable": _is_repairable(entry),
        "variants": [asdict(variant) for variant in catalog.variants(manifest)],
    }
    if isinstance(manifest, Repository):
        texts = {"description": "", "tasks": [], "parameters": 0, "licence": manifest.licence, "licence_file": None}
        return {**common, **texts, "kind": KIND}
    return {
        **common,
        "kind": "bundle",
        "description": manifest.description,
        "tasks": manifest.tasks,
        "parameters": manifest.parameters,
        "licence": manifest.licence.id,
        "licence_file": manifest.licence.file,
    }
