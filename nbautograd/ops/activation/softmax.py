"""Softmax: positive numbers that add up to one."""

from __future__ import annotations

import warnings
from typing import Any

from nbautograd.core.call import wrap
from nbautograd.core.errors import user_depth
from nbautograd.core.op import Op, xp
from nbautograd.core.public import public
from nbautograd.core.tensor import Tensor
from nbautograd.ops.random.numbers import spread_out
from nbautograd.ops.refusals import dim_error
from nbautograd.ops.samples import Make, cases, through


def _along(make: Make) -> Any:
    for shape, dim in (((), 0), ((4,), 0), ((4,), -1), ((2, 3), 0), ((2, 3), 1), ((2, 3), -1), ((2, 3, 4), 1),
                       ((0, 3), 1), ((1,), 0), ((2, 1), -1), ((3, 2, 2), -3)):  # fmt: skip
        yield make(*shape), {"dim": dim}
    yield make(4, 3).T, {"dim": 1}


class Softmax(Op):
    """Positive numbers that add up to 1 along `dim`.

    Math: out = eˣ / Σ eˣ
    """

    tex = {"x": "out_i (\\delta_{ij} - out_j)"}
    code = {
        "out": "xp.exp(x) / xp.exp(x).sum(axis=dim, keepdims=True)",
        "x": "out * (g - (g * out).sum(axis=dim, keepdims=True))",
    }
    samples = cases(_along)

    def forward(x, *, dim):
        out = xp.exp(x - largest(x, dim))
        out /= xp.sum(out, axis=dim, keepdims=True)
        return out

    def dx(g, out, dim):
        return xp.softmax_backward(g, out, dim=dim)

    def refuse(x, dim):
        return dim_error(dim, x.ndim)


class LogSoftmax(Op):
    """The logarithm of `softmax`, without underflow.

    Math: out = x − ln Σ eˣ
    """

    tex = {"x": "\\delta_{ij} - e^{out_j}"}
    code = {
        "out": "x - xp.log(xp.exp(x).sum(axis=dim, keepdims=True))",
        "x": "g - xp.exp(out) * g.sum(axis=dim, keepdims=True)",
    }
    samples = cases(_along)

    def forward(x, *, dim):
        out = x - largest(x, dim)
        out -= xp.log(xp.sum(xp.exp(out), axis=dim, keepdims=True))
        return out

    def dx(g, out, dim):
        return xp.log_softmax_backward(g, out, dim=dim)

    def refuse(x, dim):
        return dim_error(dim, x.ndim)


def largest(x: Any, dim: int) -> Any:
    """The largest element along `dim`, which is kept; an empty `dim` has none."""
    return xp.max(x, axis=dim, keepdims=True) if x.shape == () or x.shape[dim] else x.sum(axis=dim, keepdims=True)


def _pairs_along(make: Make) -> Any:
    for (x,), settings in ((case[:-1], case[-1]) for case in _along(make)):
        yield x, make(*x.shape), settings


class SoftmaxBackward(Op):
    """The gradient that `softmax` passes on, computed in one buffer."""

    samples = through("", _pairs_along)

    def forward(g, out, *, dim):
        found = g * out
        share = xp.sum(found, axis=dim, keepdims=True)
        found -= out * share
        return found

    def dg(h, out, dim):
        return xp.softmax_backward(h, out, dim=dim)

    def dout(h, g, out, dim):
        share = xp.sum(g * out, axis=dim, keepdims=True)
        return h * (g - share) - g * xp.sum(h * out, axis=dim, keepdims=True)


class LogSoftmaxBackward(Op):
    """The gradient that `log_softmax` passes on, computed in one buffer."""

    samples = through("", _pairs_along)

    def forward(g, out, *, dim):
        found = xp.exp(out)
        found *= xp.sum(g, axis=dim, keepdims=True)
        return g - found

    def dg(h, out, dim):
        return h - xp.sum(h * xp.exp(out), axis=dim, keepdims=True)

    def dout(h, g, out, dim):
        return -h * xp.exp(out) * xp.sum(g, axis=dim, keepdims=True)


def _implicit_dim(name: str, ndim: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=user_depth(),
    )
    return 0 if ndim in (0, 1, 3) else 1


def _float_input(input: Tensor, dim: int, dtype: Any, problem: str) -> Tensor:
    if dtype is not None:
        input = input.to(dtype)
    if input._data.dtype.kind not in "fV":
        problem += "_lastdim_kernel_impl" if dim in (-1, input._data.ndim - 1) else "_kernel_impl"
        raise NotImplementedError(f"\"{problem}\" not implemented for '{input.dtype.tensor_type}'")
    return input


@public(top=False, method=False, functional=True)
def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """Positive numbers that add up to 1 along `dim`.

    Math: out = eˣ / Σ eˣ
    Example:
        >>> import nbautograd as torch
        >>> torch.softmax(torch.tensor([0.0, 0.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    dim = _implicit_dim("softmax", input._data.ndim) if dim is None else dim
    return Softmax.call(_float_input(input, dim, dtype, "softmax"), dim=dim)


@public(top=False, method=False, functional=True)
def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """The logarithm of `softmax`, computed without underflow.

    Math: out = x − ln Σ eˣ
    """
    dim = _implicit_dim("log_softmax", input._data.ndim) if dim is None else dim
    return LogSoftmax.call(_float_input(input, dim, dtype, "log_softmax"), dim=dim)


def _with_dimension(function: Any) -> None:
    """Publish `torch.name` and `Tensor.name`, which want to be told the dimension."""

    def along(input: Tensor, dim: int, dtype: Any = None) -> Tensor:
        return function(input, dim, dtype=dtype)

    along.__name__ = along.__qualname__ = function.__name__
    along.__doc__ = function.__doc__
    public()(along)


for _function in (softmax, log_softmax):
    _with_dimension(_function)


@public(top=False, method=False, functional=True)
def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Tensor:
    """`softmax` of minus the elements."""
    dim = _implicit_dim("softmin", input._data.ndim) if dim is None else dim
    return Softmax.call(-_float_input(input, dim, dtype, "softmax"), dim=dim)


@public(top=False, method=False, functional=True)
def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample from the distribution with these logits, softened by `tau`; `hard` makes it one-hot going forward."""
    drawn = spread_out("gumbel", logits._data.shape, (0, 1), None, logits.device)
    noise = wrap(drawn.astype(logits._data.dtype, copy=False))
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.argmax(dim, keepdim=True)
    one_hot = soft.detach().clone().zero_().scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
