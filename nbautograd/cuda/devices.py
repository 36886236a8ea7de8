"""Which GPUs there are, what they are, and which one new work goes to."""

from __future__ import annotations

from typing import Any, NamedTuple

from nbautograd.core.device import cupy, gpu_count, usable
from nbautograd.core.device import device as _device


def is_available() -> bool:
    """Whether CuPy is installed and finds a GPU."""
    return gpu_count() > 0


def device_count() -> int:
    """The number of GPUs; 0 without CuPy."""
    return gpu_count()


def init() -> None:
    """Look for a GPU now instead of at first use.

    Raises: AssertionError, RuntimeError in torch's words when there is none.
    """
    usable(_device("cuda"))


def is_initialized() -> bool:
    """Whether there is a GPU: CuPy needs no other preparation."""
    return is_available()


def number_of(device: Any) -> int:
    """The number of the GPU that `device` names: a number, a text or a `torch.device`; None means the current one.

    Raises: ValueError for the CPU; AssertionError, RuntimeError in torch's words for a GPU that is not there.
    """
    if device is None:
        found = _device("cuda")
    else:
        found = _device("cuda", device) if isinstance(device, int) else _device(device)
        if found.type != "cuda":
            raise ValueError(f"Expected a cuda device, but got: {device}")
    index = usable(found).index
    assert index is not None
    return index


def current_device() -> int:
    """The number of the GPU that new work goes to."""
    return number_of(None)


def set_device(device: Any) -> None:
    """Send new work to this GPU; a negative number changes nothing."""
    if not (isinstance(device, int) and device < 0):
        cupy().cuda.Device(number_of(device)).use()


class device:  # noqa: N801  (torch's name)
    """Sends new work to one GPU inside a `with` block; None and negative numbers change nothing."""

    def __init__(self, device: Any) -> None:
        stays = device is None or (isinstance(device, int) and device < 0)
        self.idx = -1 if stays else number_of(device)

    def __enter__(self) -> None:
        self._before = current_device() if self.idx >= 0 else -1
        set_device(self.idx)

    def __exit__(self, *exc: object) -> None:
        set_device(self._before)


class device_of(device):  # noqa: N801  (torch's name)
    """Sends new work to the GPU of a tensor; one on the CPU changes nothing."""

    def __init__(self, obj: Any) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


def synchronize(device: Any = None) -> None:
    """Wait until the GPU has done all its work: before reading a clock, for example."""
    cupy().cuda.Device(number_of(device)).synchronize()


class DeviceProperties(NamedTuple):
    """What a GPU is; prints as torch prints it."""

    name: str
    major: int
    minor: int
    total_memory: int
    multi_processor_count: int

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name='{self.name}', major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, multi_processor_count={self.multi_processor_count})"
        )


def get_device_properties(device: Any = None) -> DeviceProperties:
    """Name, capability, memory and number of processors of a GPU."""
    found = cupy().cuda.runtime.getDeviceProperties(number_of(device))
    name = found["name"]
    return DeviceProperties(
        name.decode() if isinstance(name, bytes) else name,
        found["major"],
        found["minor"],
        found["totalGlobalMem"],
        found["multiProcessorCount"],
    )


def get_device_name(device: Any = None) -> str:
    """The name of a GPU, such as `NVIDIA H100 80GB HBM3`."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """The compute capability of a GPU, such as (9, 0)."""
    found = get_device_properties(device)
    return found.major, found.minor


def get_arch_list() -> list[str]:
    """The architectures of the GPUs here: CuPy compiles its kernels for the one it finds."""
    return sorted({f"sm_{major}{minor}" for major, minor in map(get_device_capability, range(device_count()))})


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Whether there is a GPU that computes in bfloat16 (or, if allowed, can pretend to)."""
    return is_available() and (including_emulation or get_device_capability()[0] >= 8)
