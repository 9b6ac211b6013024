"""Give freed memory back to the system, so that one stage's leftovers do not add to the next one's peak."""

from __future__ import annotations

import ctypes
import gc
import sys


def return_freed_memory() -> None:
    """Collect garbage and trim the C heap.

    glibc keeps freed arrays of up to 32 MiB for itself; after loading a 135 M model from GGUF that is 460 MB (measured).
    Other C libraries return them by themselves.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
