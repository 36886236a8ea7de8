"""Settings of threads, precision and repeatability, as torch has them, and of memory.

Those that cannot do anything here are accepted, remembered, and honest about it.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

from nbautograd.core import heap

_PRECISIONS = ("highest", "high", "medium")


class _Settings:
    """What was set; only the number of threads reaches NumPy."""

    precision = "highest"
    deterministic = False
    warn_only = False
    warn_always = False
    threads: int | None = None
    interop_threads: int | None = None


_settings = _Settings()


def set_num_threads(num: int, /) -> None:
    """Let matrix products use `num` threads. NumPy's BLAS obeys where the package threadpoolctl is installed.

    Raises: RuntimeError for what is no positive number.
    """
    if not isinstance(num, int) or num < 1:
        raise RuntimeError("set_num_threads expects a positive integer")
    _settings.threads = num
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return
    threadpool_limits(num)


def get_num_threads() -> int:
    """The number of threads that matrix products may use."""
    chosen = _settings.threads or os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(chosen) if str(chosen).isdigit() and int(chosen) else os.cpu_count() or 1


def set_num_interop_threads(num: int, /) -> None:
    """Remembered only: ops run one after another here."""
    if not isinstance(num, int) or num < 1:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _settings.interop_threads = num


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` set; 1 otherwise, as ops run one after another."""
    return _settings.interop_threads or 1


def set_float32_matmul_precision(precision: str) -> None:
    """Choose `highest`, `high` or `medium`. On the CPU all of them are full float32, as in torch.

    On a GPU everything but `highest` allows TF32, which rounds factors to 10 bits.
    """
    if precision not in _PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
            "setFloat32MatmulPrecision call has no effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    _settings.precision = precision


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` chose."""
    return _settings.precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Remembered only: on the CPU every op gives the same numbers each time anyway."""
    _settings.deterministic, _settings.warn_only = bool(mode), bool(warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` set."""
    return _settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether `use_deterministic_algorithms` was called with `warn_only`."""
    return _settings.deterministic and _settings.warn_only


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """`use_deterministic_algorithms` by number or name: 0 default, 1 warn, 2 error."""
    modes: dict[Any, int] = {"default": 0, "warn": 1, "error": 2, 0: 0, 1: 1, 2: 2}
    if debug_mode not in modes:
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, 2, default, warn or error, got {debug_mode}")
    use_deterministic_algorithms(modes[debug_mode] > 0, warn_only=modes[debug_mode] == 1)


def get_deterministic_debug_mode() -> int:
    """0 default, 1 warn, 2 error."""
    return 0 if not _settings.deterministic else 1 if _settings.warn_only else 2


def keep_memory(mode: bool = True) -> bool:
    """Let this process keep the memory of arrays that are gone for the next ones, instead of giving it back.

    Steps on tensors of more than 32 MiB take half their time then, or less: no system clears their memory for each op.
    The process stays as large as it ever was, until `keep_memory(False)` gives back what nobody uses.
    Returns False where the C library has no such setting: it is one of Linux with glibc.

    Example:
        >>> import nbautograd as nb
        >>> kept = nb.keep_memory()
        >>> kept == nb.keep_memory(False)
        True
    """
    return heap.keep(mode)


def set_flush_denormal(mode: bool, /) -> bool:
    """Whether numbers near zero can be flushed to it: NumPy cannot, so nothing changes and False is returned."""
    return False


def set_warn_always(b: bool, /) -> None:
    """Remembered only: every warning here comes through Python's `warnings`, whose filters decide."""
    _settings.warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` set."""
    return _settings.warn_always
