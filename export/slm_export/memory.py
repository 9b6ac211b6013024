"""Give freed memory back to the system, so that one stage's leftovers do not add to the next one's peak."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
_MAPPED_FROM_BYTES = 1 << 20


def map_large_arrays(from_bytes: int = _MAPPED_FROM_BYTES) -> None:
    """Let glibc map every array of `from_bytes` and more by itself, so that freeing it returns it at once.

    Left alone it raises this limit up to 32 MiB and keeps such arrays in its heap, full of holes.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, from_bytes)


def leave_out_libraries() -> None:
    """Keep garbage collections from looking at what importing has made, once a process: objects that stay, most of them.

    Of a small model's export, collections were nearly half the time (measured).
    """
    if gc.get_freeze_count() == 0:
        gc.freeze()


def return_freed_memory() -> None:
    """Collect garbage and trim the C heap.

    glibc keeps freed arrays of up to 32 MiB for itself; after loading a 135 M model from GGUF that is 460 MB (measured).
    Other C libraries return them by themselves.
    """
    gc.collect()
    trim_heap()


def trim_heap() -> None:
    """Return what is free in the C heap; milliseconds, where collecting garbage takes a tenth of a second."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
