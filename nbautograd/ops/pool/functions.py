"""torch's signatures: max_pool1d … max_pool3d, avg_pool1d … avg_pool3d, lp_pool1d … lp_pool3d."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from nbautograd.core.public import public
from nbautograd.ops.conv.arguments import hashable
from nbautograd.ops.pool.maxima import MaxPool2d, MaxPool3d, MaxPoolIndices
from nbautograd.ops.pool.means import AvgPool2d, AvgPool3d
from nbautograd.ops.pool.windows import window_count

WORDS = {1: "one int", 2: "two ints", 3: "three ints"}


def sizes_of(value: Any, n: int, what: str, function: str) -> tuple[int, ...]:
    """A number for each of `n` dimensions.

    Raises: RuntimeError when there are neither one nor `n` of them.
    """
    found = (value,) if isinstance(value, int) else tuple(int(v) for v in value)
    if len(found) not in (1, n):
        kind = WORDS[n] if n == 1 else f"a tuple of {WORDS[n]}"
        raise RuntimeError(f"{function}: {what} must either be a single int, or {kind}")
    return found * n if len(found) == 1 else found


def check_dims(function: str, n: int, shape: tuple[int, ...]) -> None:
    """Refuse inputs without the dimensions that a pool wants.

    Raises: RuntimeError in torch's words.
    """
    if len(shape) in (n + 1, n + 2) and 0 not in shape[1:]:
        return
    hint = f"\n  hint: its dimensions are ([batch,] channels, {', '.join(('depth', 'height', 'width')[3 - n :])})"
    if len(shape) in (n + 1, n + 2):
        raise RuntimeError(
            f"Expected {n + 1}D or {n + 2}D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(shape)}"
        )
    if function == "max_pool1d":
        text = (
            "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, "
            f"but got:{list(shape)}"
        )
    elif n == 1:
        text = (
            f"Expected 2 to 3 dimensions, but got {len(shape)}-dimensional tensor for argument #1 'self' "
            f"(while checking arguments for {function})"
        )
    else:
        text = f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input"
    raise RuntimeError(text + hint)


def figures(
    function: str, n: int, input: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, tuple[int, ...]]:
    """Kernel, stride, padding, dilation and number of windows per dimension.

    Raises: RuntimeError in torch's words for windows that cannot be.
    """
    given = (hashable(kernel), hashable(stride), hashable(padding), hashable(dilation))
    return {**_figures(function, n, input._data.shape, *given, ceil_mode)}


@lru_cache(256)
def _figures(
    function: str, n: int, shape: Any, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool
) -> dict[str, tuple[int, ...]]:
    kernel = sizes_of(kernel, n, "kernel_size", function)
    stride = kernel if stride is None or stride == () else sizes_of(stride, n, "stride", function)
    padding = sizes_of(padding, n, "padding", function)
    dilation = sizes_of(dilation, n, "dilation", function)
    check_dims(function, n, shape)
    if min(kernel) <= 0:
        raise RuntimeError("stride should not be zero" if not min(kernel) else "kernel_size must be greater than zero")
    if min(stride) <= 0:
        raise RuntimeError("stride should not be zero")
    if min(dilation) <= 0:
        pairs = (f"dilation{a}: {d}" for a, d in zip("THW"[3 - n :], dilation))
        raise RuntimeError(f"dilation should be greater than zero, but got {' '.join(pairs)}")
    for k, p, d in zip(kernel, padding, dilation):
        _check_padding(function, k, p, d)
    size = tuple(shape[len(shape) - n :])
    rows = zip(size, kernel, stride, padding, dilation)
    out = tuple(window_count(a, k, s, p, d, ceil_mode) for a, k, s, p, d in rows)
    if min(out) < 1:
        raise RuntimeError(_too_small(function, n, shape, out))
    return {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation, "windows": out}


def _check_padding(function: str, kernel: int, padding: int, dilation: int) -> None:
    if padding < 0:
        raise RuntimeError(f"pad must be non-negative, but got pad: {padding}")
    if padding <= (dilation * (kernel - 1) + 1) // 2:
        return
    if function == "max_pool1d":
        raise RuntimeError(
            "max_pool1d() padding should be at most half of kernel size, but got "
            f"padding={padding} and kernel_size={kernel}"
        )
    raise RuntimeError(
        "pad should be at most half of effective kernel size, but got "
        f"pad={padding}, kernel_size={kernel} and dilation={dilation}"
    )


def _too_small(function: str, n: int, shape: tuple[int, ...], out: tuple[int, ...]) -> str:
    hint = "\n  hint: earlier strides and pools have made the input this small; leave one of them out"
    if function == "max_pool1d":
        return f"max_pool1d() Invalid computed output size: {out[0]}{hint}"
    channels = shape[len(shape) - n - 1]
    ones = (1,) if n == 1 else ()
    old = "x".join(str(v) for v in (channels, *ones, *shape[len(shape) - n :]))
    new = "x".join(str(v) for v in (channels, *ones, *out))
    return f"Given input size: ({old}). Calculated output size: ({new}). Output size is too small{hint}"


def _publish_max(n: int) -> None:
    name = f"max_pool{n}d"
    op = MaxPool3d if n == 3 else MaxPool2d

    def max_pool(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
        where = figures(name, n, input, kernel_size, stride, padding, dilation, ceil_mode)
        out, choice = op.call(input, **where)
        if not return_indices:
            return out
        size = tuple(input.shape[input.ndim - n :])
        return out, MaxPoolIndices.call(choice, size=size, **where)

    def with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=True):
        return max_pool(input, kernel_size, stride, padding, dilation, ceil_mode, True)

    max_pool.__doc__ = (
        f"{op.__doc__}\n    With `return_indices` also where each one stood, in the flattened dimensions."
    )
    with_indices.__doc__ = max_pool.__doc__
    _named(max_pool, name)
    _named(with_indices, f"{name}_with_indices", top=False)


def _named(function: Any, name: str, top: bool = True) -> None:
    function.__name__ = function.__qualname__ = name
    public(name, method=False, top=top, functional=True)(function)


def _publish_mean(n: int) -> None:
    name = f"avg_pool{n}d"
    op = AvgPool3d if n == 3 else AvgPool2d

    def avg_pool(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ):
        where = figures(name, n, input, kernel_size, stride, padding, 1, ceil_mode)
        del where["dilation"]
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        return op.call(input, **where, include=count_include_pad, divisor=divisor_override)

    avg_pool.__doc__ = f"{op.__doc__}\n    Without `count_include_pad` the border does not count in the mean."
    _named(avg_pool, name, top=n == 1)


def _publish_power(n: int) -> None:
    def lp_pool(input, norm_type, kernel_size, stride=None, ceil_mode=False):
        from nbautograd.core.public import FUNCTIONAL

        kernel = sizes_of(kernel_size, n, "kernel_size", f"lp_pool{n}d")
        mean = FUNCTIONAL[f"avg_pool{n}d"](input**norm_type, kernel, stride, 0, ceil_mode)
        # torch's words: an even power may come out slightly negative, and roots of negative sums keep their sign
        return (mean.sign() * mean.abs().relu() * math.prod(kernel)) ** (1.0 / norm_type)

    lp_pool.__doc__ = "The `norm_type`-norm of every window: the root of the sum of powers."
    _named(lp_pool, f"lp_pool{n}d", top=False)


for _n in (1, 2, 3):
    _publish_max(_n)
    _publish_mean(_n)
    _publish_power(_n)
