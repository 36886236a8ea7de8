"""How much of a GPU's memory is in use, as CuPy's pool knows it."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from nbautograd.core.device import cupy

from .devices import is_available, number_of

OutOfMemoryError = MemoryError
"""What CuPy raises (a subclass of Python's), so that `except torch.cuda.OutOfMemoryError` catches it."""

_peaks: dict[int, Any] = {}


def _pool(device: Any) -> Any:
    library = cupy()
    with library.cuda.Device(number_of(device)):
        return library.get_default_memory_pool()


def _bytes(device: Any, what: str) -> int:
    """A figure of the pool of one GPU; 0 where there is none, as in torch."""
    if not is_available():
        return 0
    with cupy().cuda.Device(number_of(device)):
        return int(getattr(_pool(device), what)())


def memory_allocated(device: Any = None) -> int:
    """Bytes in arrays on a GPU."""
    return _bytes(device, "used_bytes")


def memory_reserved(device: Any = None) -> int:
    """Bytes that the pool holds, in use or not."""
    return _bytes(device, "total_bytes")


def _watch(number: int) -> Any:
    """Start to follow the peak of one GPU: CuPy itself keeps none."""
    if number in _peaks:
        return _peaks[number]

    class Peak(cupy().cuda.MemoryHook):
        """Looks at the pool after each allocation."""

        name = "Peak"
        allocated = reserved = 0

        def malloc_postprocess(self, **facts: Any) -> None:
            if facts.get("device_id") == number:
                self.look()

        def look(self) -> None:
            self.allocated = max(self.allocated, memory_allocated(number))
            self.reserved = max(self.reserved, memory_reserved(number))

    peak = _peaks[number] = Peak()
    peak.look()
    peak.__enter__()
    return peak


def max_memory_allocated(device: Any = None) -> int:
    """The most bytes ever in arrays on a GPU, counted from the first call of this or `reset_peak_memory_stats`."""
    return _watch(number_of(device)).allocated if is_available() else 0


def max_memory_reserved(device: Any = None) -> int:
    """The most bytes that the pool ever held, counted as `max_memory_allocated` is."""
    return _watch(number_of(device)).reserved if is_available() else 0


def reset_peak_memory_stats(device: Any = None) -> None:
    """Start measuring `max_memory_allocated` anew."""
    if is_available():
        peak = _watch(number_of(device))
        peak.allocated = peak.reserved = 0
        peak.look()


def mem_get_info(device: Any = None) -> tuple[int, int]:
    """(free, total) bytes of a GPU."""
    library = cupy()
    with library.cuda.Device(number_of(device)):
        return library.cuda.runtime.memGetInfo()


def empty_cache() -> None:
    """Give what the pool holds unused back to the GPU."""
    if is_available():
        _pool(None).free_all_blocks()


def memory_stats(device: Any = None) -> OrderedDict[str, int]:
    """The figures above under torch's keys; empty without a GPU."""
    if not is_available():
        return OrderedDict()
    return OrderedDict(
        {
            "allocated_bytes.all.current": memory_allocated(device),
            "allocated_bytes.all.peak": max_memory_allocated(device),
            "reserved_bytes.all.current": memory_reserved(device),
            "reserved_bytes.all.peak": max_memory_reserved(device),
        }
    )


def memory_summary(device: Any = None, abbreviated: bool = False) -> str:
    """The figures above as text."""
    return "\n".join(f"{name:<30}{value / 2**20:12.1f} MiB" for name, value in memory_stats(device).items())
