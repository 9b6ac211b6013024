"""Are the bundle's files those that its manifest lists? Needs neither torch nor ONNX."""

from __future__ import annotations

from pathlib import Path

from slm_export.download import sha256_of
from slm_export.errors import VerifyError
from slm_export.manifest import Manifest


def check_files(bundle: Path, manifest: Manifest) -> None:
    """Compare size and SHA-256 of every listed file.

    Raises: VerifyError naming each file that is missing, cut short or changed.
    """
    wrong = wrong_files(bundle, manifest)
    if wrong:
        raise VerifyError(f"{bundle} is damaged:\n  " + "\n  ".join(wrong) + "\nExport the bundle again.")


def wrong_files(bundle: Path, manifest: Manifest) -> list[str]:
    """A line for each listed file that is missing, cut short or changed."""
    wrong = []
    for entry in manifest.all_files():
        path = bundle / entry.path
        if not path.is_file():
            wrong.append(f"{entry.path}: missing")
        elif path.stat().st_size != entry.size_bytes:
            wrong.append(f"{entry.path}: {path.stat().st_size:,} bytes, expected {entry.size_bytes:,}")
        elif sha256_of(path) != entry.sha256:
            wrong.append(f"{entry.path}: content changed (SHA-256 differs)")
    return wrong
