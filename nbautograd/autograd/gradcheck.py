"""Derivatives checked against small steps.

NOTE [How the numbers are compared]
The numerical Jacobian moves each element of an input by ±eps and divides the change of the outputs by 2·eps; the
analytical one runs backward once for each element of an output. Both are compared element by element. In double
precision central differences leave an error of about 1e-9, far below the default tolerance of 1e-5; in single precision
they leave nothing to compare, hence the warning.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from nbautograd.core import inplace
from nbautograd.core.array import CPU, place
from nbautograd.core.call import wrap
from nbautograd.core.modes import no_grad
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.core.walk import grad


class GradcheckError(RuntimeError):
    """A derivative that small steps do not confirm."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Whether the gradients of `func` agree with finite differences at `inputs`; use float64.

    Each output is differentiated alone, so that backward also meets outputs that no gradient comes to. `fast_mode` and
    the checks of batched gradients are accepted for torch's sake: all elements are always checked, one by one.

    Raises: GradcheckError that shows both Jacobians where they differ; ValueError when no input requires grad.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
        >>> torch.autograd.gradcheck(lambda x: x**3, (x,))
        True
    """
    if check_forward_ad or check_batched_forward_grad:
        raise NotImplementedError("gradcheck of forward-mode derivatives is not supported")
    args = inputs if isinstance(inputs, tuple) else tuple(inputs) if isinstance(inputs, list) else (inputs,)
    try:
        _check_inputs(args)
        outputs = _differentiable(func(*args))
        if not outputs:
            _check_no_gradient(func, args, eps)
            return True
        if check_backward_ad:
            for i in range(len(outputs)):
                _check_output(func, args, i, eps, atol, rtol, nondet_tol)
            _check_types(outputs, args, check_grad_dtypes)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Whether second derivatives agree with finite differences: `gradcheck` of the gradient itself.

    Raises: GradcheckError where they differ.
    """
    if check_fwd_over_rev:
        raise NotImplementedError("gradgradcheck of forward-mode derivatives is not supported")
    args = inputs if isinstance(inputs, tuple) else (inputs,)
    outputs = _differentiable(func(*args))
    starts = _given(grad_outputs) or tuple(FUNCTIONS["randn_like"](y).detach().requires_grad_() for y in outputs)
    moving = [i for i, x in enumerate(args) if _is_moving(x)]

    def gradient(*given: Any) -> tuple[Tensor, ...]:
        own, vs = given[: len(args)], given[len(args) :]
        ys = _differentiable(func(*own))
        found = grad(ys, [own[i] for i in moving], vs, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None and g.requires_grad)

    return gradcheck(
        gradient,
        (*args, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
    )


def _given(grad_outputs: Any) -> tuple[Tensor, ...]:
    if grad_outputs is None:
        return ()
    return grad_outputs if isinstance(grad_outputs, tuple) else (grad_outputs,)


def _is_moving(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _differentiable(outputs: Any) -> tuple[Tensor, ...]:
    """The outputs that have a gradient; complex ones as their real and imaginary parts."""
    items = outputs if isinstance(outputs, tuple | list) else (outputs,)
    found = [y for y in items if isinstance(y, Tensor) and y.requires_grad]
    return tuple(part for y in found for part in ((y.real, y.imag) if y.dtype.is_complex else (y,)))


def _check_inputs(args: tuple[Any, ...]) -> None:
    if not any(_is_moving(x) for x in args):
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, "
            "but none of the them have requires_grad=True."
        )
    for i, x in enumerate(args):
        if not _is_moving(x):
            continue
        if x._data.dtype.itemsize < (16 if x.dtype.is_complex else 8):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check "
                "will likely fail if all the inputs are not of double precision floating point or complex. "
                "(hint: x.double())",
                stacklevel=3,
            )
        x.retain_grad()


def _check_no_gradient(func: Callable[..., Any], args: tuple[Any, ...], eps: float) -> None:
    """Outputs that need no gradient must not move with the inputs."""
    ys = func(*args)
    for i, y in enumerate(ys if isinstance(ys, tuple | list) else (ys,)):
        if not isinstance(y, Tensor) or y._data.dtype.kind not in "fc":
            continue
        for x in args:
            if _is_moving(x) and np.any(_numerical(func, args, x, i, eps, False)):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_output(
    func: Callable[..., Any], args: tuple[Any, ...], i: int, eps: float, atol: float, rtol: float, nondet: float
) -> None:
    analytical = _analytical(func, args, i)
    again = _analytical(func, args, i)
    moving = [(j, x) for j, x in enumerate(args) if _is_moving(x)]
    for (j, x), a, b in zip(moving, analytical, again, strict=True):
        if a.size and np.abs(a - b).max() > nondet:
            raise GradcheckError(
                "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times "
                "gives different values, although analytical gradient matches numerical gradient."
                f"The tolerance for nondeterminism was {nondet}."
            )
        numerical = _numerical(func, args, x, i, eps, True)
        if not np.allclose(numerical, a, rtol=rtol, atol=atol, equal_nan=True):
            worst = np.unravel_index(np.argmax(np.abs(np.nan_to_num(numerical - a, nan=np.inf))), a.shape)
            raise GradcheckError(
                f"Jacobian mismatch for output {i} with respect to input {j},\n"
                f"numerical:{wrap(numerical)!r}\nanalytical:{wrap(a)!r}\n"
                f"  largest difference at element {int(worst[0])} of the input, {int(worst[1])} of the output\n"
                "  hint: compare the rule of each op in the function with its derivative, or check smaller parts alone"
            )


def _numerical(
    func: Callable[..., Any], args: tuple[Any, ...], x: Tensor, i: int, eps: float, differentiable: bool
) -> Any:
    """∂(output i)/∂x by central differences: a row for each element of `x` (see NOTE [How the numbers are compared]).

    A complex element is moved along both axes: its gradient is ∂y/∂Re x + i·∂y/∂Im x, torch's convention.
    """
    start = np.array(_host(x))

    def values(moved: Any) -> Any:
        with no_grad():
            inplace.write(x.data, _as(moved, x))
        ys = func(*args)
        ys = _differentiable(ys) if differentiable else (ys if isinstance(ys, tuple | list) else (ys,))
        return np.array(_host(ys[i])).reshape(-1)

    rows: list[Any] = []
    try:
        for at in np.ndindex(*start.shape):
            slopes: list[Any] = []
            for direction in (1, 1j) if start.dtype.kind == "c" else (1,):
                step = np.zeros_like(start)
                step[at] = eps * direction
                slopes.append((values(start + step) - values(start - step)) / (2 * eps))
            rows.append(slopes[0] if len(slopes) == 1 else slopes[0] + 1j * slopes[1])
    finally:
        inplace.write(x.data, _as(start, x))
    width = values(start).size
    return np.array(rows).reshape(start.size, width)


def _host(x: Tensor) -> Any:
    return np.asarray(place(x._data, CPU))


def _as(data: Any, like: Tensor) -> Any:
    return place(np.asarray(data), like.device)


def _analytical(func: Callable[..., Any], args: tuple[Any, ...], i: int) -> list[Any]:
    """The same by backward: for each moving input a matrix (elements of the input × elements of output `i`)."""
    y = _differentiable(func(*args))[i]
    xs = [x for x in args if _is_moving(x)]
    columns: list[list[Any]] = [[] for _ in xs]
    for k in range(y.numel()):
        start = np.zeros(y.numel(), y._data.dtype)
        start[k] = 1
        unit = wrap(_as(start.reshape(tuple(y.shape)), y))
        for column, x, g in zip(columns, xs, grad([y], xs, [unit], retain_graph=True, allow_unused=True), strict=True):
            column.append(np.zeros(x.numel(), x._data.dtype) if g is None else _host(g).reshape(-1))
    return [
        np.stack(column, axis=1) if column else np.zeros((x.numel(), 0)) for column, x in zip(columns, xs, strict=True)
    ]


def _check_types(outputs: tuple[Tensor, ...], args: tuple[Any, ...], check_dtypes: bool) -> None:
    xs = [x for x in args if _is_moving(x)]
    starts = [FUNCTIONS["ones_like"](y).detach() for y in outputs]
    for x, g in zip(xs, grad(outputs, xs, starts, allow_unused=True), strict=True):
        if g is None:
            continue
        if g.shape != x.shape:
            raise GradcheckError(f"grad has the shape {tuple(g.shape)}, the input {tuple(x.shape)}")
        if check_dtypes and g.dtype is not x.dtype:
            raise GradcheckError("grad is incorrect type")
