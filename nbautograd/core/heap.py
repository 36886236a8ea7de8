"""The C library's heap, in which arrays live, and how it is kept from giving memory back between two ops.

NOTE [Large arrays]
Memory decides what an op on a large array costs. glibc asks the system for every block above a limit and gives it back
when the array dies, and the system clears each page that it hands out again, which takes longer than most ops. The
limit begins at 128 KiB; when a larger block is freed its size becomes the limit, but never more than 32 MiB, and twice
the limit is how much the heap keeps when nobody uses it. So one block of nearly that size is taken and freed at import,
untouched: from then on smaller arrays live in the heap. Limits that somebody has set (`MALLOC_MMAP_THRESHOLD_`) stay,
and other C libraries are not moved by it. Beyond that only `keep` goes, because it is for all of the process.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

LARGEST = 2**25
"""The bytes beyond which glibc always asks the system, unless it is told otherwise."""
PAGE = 2**16
"""No system has larger ones; blocks are made of whole pages."""
TRIM, MMAP = -1, -3
"""glibc's numbers of the two limits: `M_TRIM_THRESHOLD` and `M_MMAP_THRESHOLD`."""


def prepare() -> None:
    """Let arrays of up to 32 MiB live in the heap; see NOTE [Large arrays]."""
    np.empty(LARGEST - 2 * PAGE, np.uint8)


def keep(mode: bool) -> bool:
    """Let arrays of any size live in the heap and the heap never shrink, or no longer; whether the C library can."""
    if sys.platform != "linux":
        return False
    import ctypes

    library: Any = ctypes.CDLL(None)
    if not hasattr(library, "mallopt"):
        return False
    library.mallopt(MMAP, 2**31 - 1 if mode else LARGEST)
    library.mallopt(TRIM, -1 if mode else 2 * LARGEST)
    if not mode:
        library.malloc_trim(0)
    return True
