"""Tensors of random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from nbautograd.core.device import get_default_device
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.create import finish, numpy_dtype, size_of
from nbautograd.ops.create.base import check_words, given
from nbautograd.ops.random.generators import generator_of
from nbautograd.ops.random.numbers import drawn, floating, integers, normals, uniforms


def _made(name: str, draw: Any, size: Any, named: dict[str, Any], problem: str) -> Tensor:
    if "size" in named:
        size = (*size, named.pop("size"))
    generator, out = named.pop("generator", None), named.pop("out", None)
    device, requires_grad = named.pop("device", None) or get_default_device(), named.pop("requires_grad", False)
    dtype = floating(named.pop("dtype", None), problem)
    check_words(name, named)
    return given(out, draw(size_of(name, size or ((),)), dtype, generator, device), device, requires_grad)


@public(method=False)
def rand(*size: Any, **named: Any) -> Tensor:
    """Random numbers from 0 up to but not including 1, all equally likely."""
    return _made("rand", uniforms, size, named, "check_uniform_bounds")


@public(method=False)
def randn(*size: Any, **named: Any) -> Tensor:
    """Random numbers from the normal distribution with mean 0 and variance 1."""
    return _made("randn", normals, size, named, "normal_kernel_cpu")


@public(method=False)
def randint(
    *args: Any,
    generator: Any = None,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Random integers: `randint(high, size)` or `randint(low, high, size)`; `high` is not included."""
    left = list(args)
    try:
        size = named.pop("size") if "size" in named else left.pop()
        high = named.pop("high") if "high" in named else left.pop()
    except IndexError:
        raise TypeError("randint() received an invalid combination of arguments: it takes (high, size)") from None
    low = named.pop("low", left.pop() if left else 0)
    check_words("randint", named)
    where = device or get_default_device()
    target = np.dtype(np.int64) if dtype is None else numpy_dtype(dtype)
    data = integers(low, high, size_of("randint", (size,)), target, generator, where)
    return given(out, data, where, requires_grad)


@public(method=False)
def randperm(
    n: int,
    *,
    generator: Any = None,
    out: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """The integers from 0 to n − 1 in random order."""
    check_words("randperm", named)
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    where = device or get_default_device()
    kind = np.dtype(np.int64) if dtype is None else numpy_dtype(dtype)
    return given(out, _order(int(n), kind, generator, where), where, requires_grad)


@drawn
def _order(n: int, dtype: Any, generator: Any, device: Any) -> Any:
    source = generator_of(generator, device)
    if not source.on_gpu:
        return source.numpy.permutation(n).astype(dtype, copy=False)
    return source.draw("integer", (n,), np.dtype(np.int64), -(2**63), 2**64 - 1).argsort().astype(dtype, copy=False)


# --- like another tensor ------------------------------------------------------------------------------------------


def _like(name: str, draw: Any, problem: str) -> Any:
    def function(
        input: Tensor,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        generator: Any = None,
        **named: Any,
    ) -> Tensor:
        check_words(name, named)
        where = device or input.device
        target = floating(input.dtype if dtype is None else dtype, problem)
        return finish(draw(input._data.shape, target, generator, where), where, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"Like `{name.removesuffix('_like')}`, with the shape, dtype and device of `input`."
    return public(name, method=False)(function)


rand_like = _like("rand_like", uniforms, "check_uniform_bounds")
randn_like = _like("randn_like", normals, "normal_kernel_cpu")


@public(method=False)
def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    **named: Any,
) -> Tensor:
    """Like `randint`, with the shape, dtype and device of `input`."""
    check_words("randint_like", named)
    low, high = (0, low) if high is None else (low, high)
    where = device or input.device
    target = input._data.dtype if dtype is None else numpy_dtype(dtype)
    return finish(integers(low, high, input._data.shape, target, generator, where), where, requires_grad)
