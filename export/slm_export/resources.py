"""What this machine has to offer: memory that is free for us, its speed. Standard library and NumPy."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

_CGROUPS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def available_memory_bytes() -> int | None:
    """Memory that a new process may take: the kernel's estimate, or less where a control group allows less; None if unknown."""
    found = [value for value in (_meminfo_bytes(), *(_cgroup_bytes(*files) for files in _CGROUPS)) if value is not None]
    return min(found) if found else None


def _meminfo_bytes(path: Path = Path("/proc/meminfo")) -> int | None:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _cgroup_bytes(limit: Path, used: Path) -> int | None:
    """Limit less use (page cache included, so cautious); None without a limit."""
    try:
        return max(int(limit.read_text(encoding="ascii")) - int(used.read_text(encoding="ascii")), 0)
    except (OSError, ValueError):  # no such file, or "max"
        return None


def matmul_flops(size: int = 512, rounds: int = 4) -> float:
    """Float32 operations a second of a matrix product on this machine, the best of a few short rounds."""
    matrix = np.ones((size, size), np.float32)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        matrix @ matrix
        best = min(best, time.perf_counter() - start)
    return 2.0 * size**3 / best
