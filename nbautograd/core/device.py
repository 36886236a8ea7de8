"""Devices: which kinds torch knows, which one a `with` block or the whole program prefers, and CuPy for CUDA."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import threading
from typing import Any

from .doors import THREADS

KINDS = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy",
    "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip
"""The kinds whose names torch accepts; nbautograd computes on the first two."""

_STRING = re.compile(r"([A-Za-z_]+)(?::(0|[1-9][0-9]*))?")


class device:
    """Where a tensor lives: `device('cpu')`, `device('cuda', 0)`, `device('cuda:0')`.

    In a `with` block, new tensors are made there unless they say otherwise.

    Raises: RuntimeError for a kind of device that torch does not know.
    """

    __slots__ = ("index", "type")

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):
            type, index = accelerator("Cannot access accelerator device when none is available."), type
        elif isinstance(type, str):
            type, index = _parsed(type, index)
        else:
            raise TypeError(
                f"device() received an invalid combination of arguments - got ({type.__class__.__name__}), but "
                "expected one of:\n * (torch.device device)\n * (str type, int index = -1)"
            )
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type: str = type
        self.index = index

    def __enter__(self) -> device:
        _preferred.within = (*_preferred.within, self)  # no call: an interrupt comes before it or after the door
        return self

    def __exit__(self, *exc: object) -> None:
        _preferred.within = _preferred.within[:-1]

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type='{self.type}'{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> Any:
        return device, (str(self),)


def _parsed(text: str, index: int | None) -> tuple[str, int | None]:
    """The kind and the number in a text such as `cuda:0`."""
    if not text:
        raise RuntimeError("Device string must not be empty")
    found = _STRING.fullmatch(text)
    if found is None:
        raise RuntimeError(f"Invalid device string: '{text}'")
    kind, number = found.groups()
    if kind not in KINDS:
        raise RuntimeError(f"Expected one of {', '.join(KINDS)} device type at start of device string: {kind}")
    if number is not None and index is not None:
        raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {text}")
    return kind, index if number is None else int(number)


CPU = device("cpu")


class _Preferred(threading.local):
    """Where this thread makes new tensors: the innermost `with torch.device(…)`, else the default."""

    def __init__(self) -> None:
        self.default: device | None = None
        self.within: tuple[device, ...] = ()


_preferred = _Preferred()
THREADS.append(_preferred)


def preferred() -> device | None:
    """The device for new tensors that name none; None stands for the CPU."""
    return _preferred.within[-1] if _preferred.within else _preferred.default


def get_default_device() -> device:
    """Where new tensors are made unless they say otherwise."""
    return preferred() or CPU


def set_default_device(device: Any) -> None:
    """Make new tensors on `device` from here on (in this thread); None goes back to the CPU."""
    _preferred.default = None if device is None else _make(device)


_make = device


def accelerator(problem: str) -> str:
    """The kind of device that a bare number means.

    Raises: RuntimeError with `problem` when there is none.
    """
    if gpu_count() == 0:
        raise RuntimeError(problem)
    return "cuda"


def gpu_count() -> int:
    """The number of GPUs that CuPy can use; 0 without CuPy, and in a process forked after a GPU was used."""
    if _is_forked() or ("cupy" not in sys.modules and importlib.util.find_spec("cupy") is None):
        return 0
    runtime = cupy().cuda.runtime
    try:
        return runtime.getDeviceCount()
    except runtime.CUDARuntimeError:
        return 0


_first = 0
"""The process that first used a GPU; one forked from it can use none."""


def _is_forked() -> bool:
    return _first not in (0, os.getpid())


def cupy() -> Any:
    """CuPy, imported when first asked for.

    Raises: AssertionError in torch's words when there is no CuPy; RuntimeError in a process forked after its use.
    """
    global _first
    if _is_forked():
        raise RuntimeError(
            "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, you must use the "
            "'spawn' start method\n  hint: multiprocessing.get_context('spawn')"
        )
    if "cupy" in sys.modules:
        _first = os.getpid()
        return sys.modules["cupy"]
    if importlib.util.find_spec("cupy") is None:
        raise AssertionError(
            "Torch not compiled with CUDA enabled\n"
            "  nbautograd computes on the GPU with CuPy, which is not installed here.\n"
            "  hint: pip install nbautograd[cuda12], or choose: device = 'cuda' if torch.cuda.is_available() else 'cpu'"
        )
    importlib.import_module("cupy")
    return cupy()


def usable(where: device) -> device:
    """`where` with its number, after a look whether anything can be computed there.

    Raises: torch's errors for devices that are not there, and for kinds that nbautograd does not compute on.
    """
    if where.type == "cpu":
        return CPU
    if where.type != "cuda":
        raise NotImplementedError(
            f"PyTorch is not linked with support for {where.type} devices: nbautograd computes on 'cpu' and 'cuda' only"
            "\n  hint: choose device = 'cuda' if torch.cuda.is_available() else 'cpu'"
        )
    runtime = cupy().cuda.runtime
    count = gpu_count()
    if count == 0:
        raise RuntimeError(
            "No CUDA GPUs are available\n  hint: device = 'cuda' if torch.cuda.is_available() else 'cpu'"
        )
    if where.index is not None and where.index >= count:
        raise RuntimeError(
            f"CUDA error: invalid device ordinal\n  there are {count} GPUs here: their numbers start at 0"
        )
    return device("cuda", runtime.getDevice()) if where.index is None else where
