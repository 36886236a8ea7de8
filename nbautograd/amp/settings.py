"""What autocast is set to in each thread, and how the inputs of an op are cast by it."""

from __future__ import annotations

import threading
from typing import Any

from nbautograd.core import inplace
from nbautograd.core.device import device
from nbautograd.core.doors import THREADS
from nbautograd.core.dtype import bfloat16, dtype, float16, float32, float64
from nbautograd.core.modes import is_recording, set_cast
from nbautograd.core.node import is_leaf_node
from nbautograd.core.op import TABLE
from nbautograd.core.tensor import Tensor

from .lists import AS_STATE, FLOAT32, LOWER


class _Settings(threading.local):
    """This thread's settings for each kind of device, and the casts of parameters it has made."""

    def __init__(self) -> None:
        self.enabled = {"cpu": False, "cuda": False}
        self.dtype: dict[str, dtype] = {"cpu": bfloat16, "cuda": float16}
        self.caching = True
        self.nesting = 0
        self.cache: dict[tuple[int, dtype], tuple[Tensor, int, Tensor]] = {}


settings = _Settings()
THREADS.append(settings)


def cast(name: str, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The inputs of the op called `name`, in the dtype that autocast wants there."""
    for kind, enabled in settings.enabled.items():
        if not enabled:
            continue
        if name in LOWER[kind]:
            target = settings.dtype[kind]
        elif name in AS_STATE[kind]:
            target = inputs[1].dtype
        elif name in FLOAT32[kind]:
            target = float32
        else:
            continue
        inputs = tuple([_cast(x, kind, target) for x in inputs])
    return inputs


def _cast(x: Any, kind: str, target: dtype) -> Any:
    if isinstance(x, list | tuple):
        return type(x)([_cast(item, kind, target) for item in x])
    if not isinstance(x, Tensor) or x.is_cuda != (kind == "cuda"):
        return x
    own = x.dtype
    if own is target or own is float64 or not own.is_floating_point:
        return x
    node = x._node
    if not (settings.caching and own is float32 and node is not None and is_leaf_node(node) and is_recording()):
        return _copy(x, target)
    key, version = (id(x), target), inplace.version(x)
    found = settings.cache.get(key)
    if found is None or found[1] != version:
        found = settings.cache[key] = x, version, _copy(x, target)
    return found[2]


def _copy(x: Tensor, target: dtype) -> Tensor:
    return TABLE["to_copy"].call(x, dtype=target.numpy)


def _kind(device_type: Any, function: str) -> str:
    """`device_type` as a kind of device that autocast knows.

    Raises: TypeError or RuntimeError for anything else.
    """
    if not isinstance(device_type, str):
        raise TypeError(
            f"{function}(): argument 'device_type' (position 1) must be str, not {type(device_type).__name__}"
        )
    kind = device(device_type).type
    if kind not in settings.enabled:
        raise RuntimeError(f"unknown device type for autocast in {function}: '{kind}'")
    return kind


def is_autocast_available(device_type: str) -> bool:
    """Whether autocast knows this kind of device."""
    return device(device_type).type in settings.enabled


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether autocast is on in this thread for a kind of device, CUDA unless said otherwise."""
    return settings.enabled["cuda" if device_type is None else _kind(device_type, "is_autocast_enabled")]


def set_autocast_enabled(device_type: Any, enabled: bool | None = None) -> None:
    """Turn autocast on or off in this thread; `with torch.autocast(…)` is the usual way."""
    if enabled is None:
        device_type, enabled = "cuda", device_type
    settings.enabled[_kind(device_type, "set_autocast_enabled")] = bool(enabled)
    set_cast(cast if any(settings.enabled.values()) else None)


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that autocast computes in on a kind of device."""
    return settings.dtype[_kind(device_type, "get_autocast_dtype")]


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Let autocast compute in `dtype` on a kind of device."""
    settings.dtype[_kind(device_type, "set_autocast_dtype")] = dtype


def is_autocast_cache_enabled() -> bool:
    """Whether a parameter is cast once in a block of autocast, not at each use."""
    return settings.caching


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Let a parameter be cast once in a block of autocast, or at each use."""
    settings.caching = enabled


def clear_autocast_cache() -> None:
    """Forget the casts of parameters; the outermost block of autocast does so at its end."""
    settings.cache.clear()


def autocast_increment_nesting() -> int:
    """Note that a block of autocast begins, and return how many there are now."""
    settings.nesting += 1
    return settings.nesting


def autocast_decrement_nesting() -> int:
    """Note that a block of autocast ends, and return how many are left."""
    settings.nesting -= 1
    return settings.nesting


def is_autocast_cpu_enabled() -> bool:
    """`is_autocast_enabled("cpu")`."""
    return is_autocast_enabled("cpu")


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> dtype:
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> dtype:
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: dtype) -> None:
    """`set_autocast_dtype("cuda", dtype)`."""
    set_autocast_dtype("cuda", dtype)
