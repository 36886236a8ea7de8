"""torch.accelerator: the GPU, whatever its make. Here that is CUDA through CuPy, or none."""

from __future__ import annotations

from typing import Any

from nbautograd import cuda
from nbautograd.core.absent import refuse_in
from nbautograd.core.device import device as _device
from nbautograd.core.device import gpu_count


def is_available() -> bool:
    """Whether there is a GPU to compute on."""
    return gpu_count() > 0


def device_count() -> int:
    """The number of GPUs."""
    return gpu_count()


def current_accelerator(check_available: bool = False) -> _device | None:
    """`device(type='cuda')`, or None when there is no GPU.

    Example:
        >>> import nbautograd as torch
        >>> where = torch.accelerator.current_accelerator().type if torch.accelerator.is_available() else "cpu"
    """
    return _device("cuda") if is_available() else None


def _here() -> Any:
    """torch.cuda.

    Raises: RuntimeError when there is no GPU.
    """
    if not is_available():
        raise RuntimeError(
            "Cannot access accelerator device when none is available.\n"
            "  hint: ask torch.accelerator.is_available() first"
        )
    return cuda


def current_device_index() -> int:
    """The number of the GPU that new work goes to."""
    return _here().current_device()


def set_device_index(device: Any, /) -> None:
    """Send new work to this GPU."""
    _here().set_device(device)


current_device_idx, set_device_idx = current_device_index, set_device_index


def current_stream(device: Any = None, /) -> Any:
    """The stream that new work goes to."""
    return _here().current_stream(device)


def set_stream(stream: Any) -> None:
    """Send new work to `stream`."""
    _here().set_stream(stream)


def synchronize(device: Any = None, /) -> None:
    """Wait until the GPU has done all its work."""
    _here().synchronize(device)


def memory_allocated(device_index: Any = None, /) -> int:
    """Bytes in tensors on the GPU."""
    return _here().memory_allocated(device_index)


def max_memory_allocated(device_index: Any = None, /) -> int:
    """The most bytes that tensors on the GPU ever held."""
    return _here().max_memory_allocated(device_index)


def memory_reserved(device_index: Any = None, /) -> int:
    """Bytes that the memory pool holds."""
    return _here().memory_reserved(device_index)


def get_memory_info(device_index: Any = None, /) -> tuple[int, int]:
    """(free, total) bytes of the GPU."""
    return _here().mem_get_info(device_index)


def empty_cache() -> None:
    """Give unused memory of the pool back to the GPU."""
    _here().empty_cache()


def reset_peak_memory_stats(device_index: Any = None, /) -> None:
    """Start measuring `max_memory_allocated` anew."""
    _here().reset_peak_memory_stats(device_index)


class device_index:  # noqa: N801  (torch's name)
    """Sends new work to one GPU inside a `with` block; None changes nothing."""

    def __init__(self, device: int | None, /) -> None:
        self.idx = device

    def __enter__(self) -> None:
        if self.idx is not None:
            self._before = current_device_index()
            set_device_index(self.idx)

    def __exit__(self, *exc: object) -> None:
        if self.idx is not None:
            set_device_index(self._before)


__getattr__ = refuse_in("accelerator")
