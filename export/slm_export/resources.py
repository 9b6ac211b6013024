"""What this machine has to offer: memory that is free for us, its speed. Standard library and NumPy."""

from __future__ import annotations

import os
import time
from pathlib import Path

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


def matmul_flops(rounds: int = 40) -> float:
    """Float32 operations a second of matrix products on all processors that this process may use, where nothing else runs.

    The best of many rounds on one processor, times their number: products on several at once wait for each other, and a
    moment in which other programs take one away would make them twenty times slower.
    """
    import numpy as np  # a tenth of a second that `slm-export --help` does not need

    count, size = 64, 64  # OpenBLAS takes one thread for products of this size
    matrices, product = np.ones((count, size, size), np.float32), np.empty((count, size, size), np.float32)
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        np.matmul(matrices, matrices, out=product)
        best = min(best, time.perf_counter() - start)
    return processors() * 2.0 * count * size**3 / best


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def session_threads() -> int:
    """Threads of an ONNX Runtime session: OMP_NUM_THREADS as PyTorch heeds it (a batch divides them), 0 for its own choice."""
    first = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return int(first) if first.isdecimal() else 0
