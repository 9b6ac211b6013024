"""Calibrated 4-bit blocks on disk, found again by the float weights that they stand for.

The graph builder packs and renames matrices (q, k and v become one), but every output row keeps its float32 values: a
row's digest leads from the graph back to the row that was calibrated, whatever the architecture.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from slm_export.quantize import Int4Blocks

_PARTS = ("values", "scales", "zero_points")


def write_rows(
    matrices: Iterable[tuple[NDArray[np.float32], Int4Blocks]],
    path: Path,
    *,
    wide: Iterable[NDArray[np.float32]] = (),
    frequent: int | None = None,
) -> None:
    """Write blocks with the float32 [N, K] weights that they were made from; an .npz file.

    `wide` weights stay 8-bit. Embedding and head are 4-bit from token `frequent` on (None: nowhere).
    """
    wide_digests = b"".join(_digest(row) for weight in wide for row in weight)
    arrays: dict[str, NDArray[np.generic]] = {
        "wide": np.frombuffer(wide_digests, np.uint64),
        "frequent": np.array([] if frequent is None else [frequent], np.int64),
    }
    for index, (weight, blocks) in enumerate(matrices):
        arrays[f"{index}.digests"] = np.frombuffer(b"".join(map(_digest, weight)), np.uint64)
        arrays.update({f"{index}.{part}": getattr(blocks, part) for part in _PARTS})
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


class RowStore:
    """Reads what `write_rows` wrote, one matrix at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where: dict[int, list[tuple[int, int]]] = {}  # digest → (matrix, row); rows may repeat
        with np.load(path) as file:
            self.wide = set(file["wide"].tolist())
            self.frequent: int | None = next(iter(file["frequent"].tolist()), None)
            for index in range((len(file.files) - 2) // (1 + len(_PARTS))):
                for row, digest in enumerate(file[f"{index}.digests"].tolist()):
                    self.where.setdefault(digest, []).append((index, row))

    def is_wide(self, weight: NDArray[np.float32]) -> bool:
        """True where all rows of `weight` float32 [N, K] were found to need 8 bits."""
        return all(_number(row) in self.wide for row in weight)

    def find(self, weight: NDArray[np.float32]) -> Int4Blocks | None:
        """The blocks of the rows of `weight` float32 [N, K]; None where a row was not calibrated."""
        places: list[tuple[int, int]] = []
        for row in weight:
            candidates = self.where.get(_number(row), [])
            if not candidates:
                return None
            matrix = places[-1][0] if places else -1
            places.append(next((place for place in candidates if place[0] == matrix), candidates[0]))
        matrices = sorted({matrix for matrix, _ in places})
        with np.load(self.path) as file:
            parts = {matrix: {part: file[f"{matrix}.{part}"] for part in _PARTS} for matrix in matrices}
        return Int4Blocks(*(np.stack([parts[matrix][part][row] for matrix, row in places]) for part in _PARTS))


def _number(row: NDArray[np.float32]) -> int:
    return int.from_bytes(_digest(row), sys.byteorder)


def _digest(row: NDArray[np.float32]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=8).digest()
