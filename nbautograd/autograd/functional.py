"""Derivatives of whole functions: Jacobians, Hessians, and their products with vectors.

NOTE [Forward mode from two reverse passes]
The backward pass of f, as a function of the gradient u that it starts from, is linear: u ↦ uᵀJ. Its own backward pass,
started from v, is therefore v ↦ Jv, the product that forward mode computes. The value of u does not matter; zeros do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.absent import refuse_in
from nbautograd.core.grad_mode import enable_grad, set_grad_enabled
from nbautograd.core.modes import is_grad_enabled
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .columns import jacobian_by_columns, unit_batches, units
from .strict import (
    NOT_ALLOWED,
    Tensors,
    as_tensors,
    check_depends,
    filled,
    final,
    fresh,
    gradients,
    like_given,
    scalar_of,
    vector,
)


def vjp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and the vector `v` times its Jacobian: one backward pass.

    Math: vᵀJ
    Raises: RuntimeError when `v` is left out for outputs with several elements, or does not fit.
    Example:
        >>> import nbautograd as torch
        >>> x = torch.tensor([1.0, 2.0])
        >>> torch.autograd.functional.vjp(lambda x: x**2, x, torch.tensor([1.0, 1.0]))[1]
        tensor([2., 4.])
    """
    with enable_grad():
        single_in, xs = as_tensors(inputs, "inputs", "vjp")
        xs = fresh(xs, create_graph)
        single_out, ys = as_tensors(func(*xs), "outputs of the user-provided function", "vjp")
        check_depends(ys, "outputs", strict)
        vs = vector(v, ys, not single_out, "vjp", "user-provided function returns a single Tensor")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        grads = gradients(ys, xs, vs, create_graph)
        found = filled(grads, xs, strict, create_graph, "back")
    return like_given(final(ys, create_graph), single_out), like_given(final(found, create_graph), single_in)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and its Jacobian times the vector `v`: the derivative in the direction `v`.

    Math: Jv; see NOTE [Forward mode from two reverse passes]
    """
    with enable_grad():
        single_in, xs = as_tensors(inputs, "inputs", "jvp")
        xs = fresh(xs, create_graph)
        vs = vector(v, xs, not single_in, "jvp", "input to the user-provided function is a single Tensor")
        single_out, ys = as_tensors(func(*xs), "outputs of the user-provided function", "jvp")
        check_depends(ys, "outputs", strict)
        found = _pushed(ys, xs, vs, strict, create_graph)
    return like_given(final(ys, create_graph), single_out), like_given(final(found, create_graph), single_out)


def _pushed(ys: Tensors, xs: Tensors, vs: Tensors, strict: bool, create_graph: bool) -> Tensors:
    """J v by two backward passes."""
    us = tuple(FUNCTIONS["zeros_like"](y).requires_grad_() for y in ys)
    pulled = filled(gradients(ys, xs, us, True), xs, strict, False, "back")
    check_depends(pulled, "grad_inputs", strict)
    return filled(gradients(pulled, us, vs, create_graph), ys, strict, create_graph, "back_trick")


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`: row by row with reverse mode, column by column with forward mode.

    Rows are computed many at once, also without `vectorize` (one after the other with `strict` and `create_graph`);
    columns all in one run of `func`.

    Math: Jᵢⱼ = ∂yᵢ/∂xⱼ
    Shape: output (…, *x.shape) for each pair of an output y (…) and an input x
    Example:
        >>> import nbautograd as torch
        >>> torch.autograd.functional.jacobian(lambda x: x**2, torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs '
            'than inputs, "forward-mode" tends to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        _check_forward_options(create_graph, strict, vectorize)
        return _columns(func, inputs)
    with enable_grad():
        single_in, xs = as_tensors(inputs, "inputs", "jacobian")
        xs = fresh(xs, create_graph)
        single_out, ys = as_tensors(func(*xs), "outputs of the user-provided function", "jacobian")
        check_depends(ys, "outputs", strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. "
                "Please either set `strict=False` or `vectorize=False`."
            )
        one_by_one = strict or create_graph
        table = tuple(
            [_rows(i, y, xs, strict, create_graph) if one_by_one else _batches(y, xs) for i, y in enumerate(ys)]
        )
    table = tuple(like_given(final(row, create_graph), single_in) for row in table)
    return like_given(table, single_out)


def _check_forward_options(create_graph: bool, strict: bool, vectorize: bool) -> None:
    """Refuse what torch refuses together with forward mode, so that programs written here run there too."""
    start = "torch.autograd.functional.jacobian: "
    if create_graph:
        raise NotImplementedError(
            f'{start}`create_graph=True` and `strategy="forward-mode"` are not supported together (yet). Please either '
            'set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    if strict:
        raise RuntimeError(
            f'{start}`strict=True` and `strategy="forward-mode"` are not supported together (yet). Please either set '
            '`strict=False` or `strategy="reverse-mode"`.'
        )
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for "
            "`vectorize=True`."
        )


def _rows(i: int, y: Tensor, xs: Tensors, strict: bool, create_graph: bool) -> Tensors:
    """The Jacobian of output `i` for every input, one backward pass for each of its elements."""
    rows: list[list[Tensor]] = [[] for _ in xs]
    for unit in units(y):
        for j, (x, g) in enumerate(zip(xs, gradients((y,), xs, (unit,), create_graph, keep=True), strict=True)):
            if strict and g is None:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {j}. {NOT_ALLOWED}."
                )
            if strict and create_graph and g is not None and not g.requires_grad:
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of "
                    f"input {j}. {NOT_ALLOWED} when create_graph=True."
                )
            rows[j].append(FUNCTIONS["zeros_like"](x) if g is None else g)
    return tuple(_stacked(part, y, x) for part, x in zip(rows, xs, strict=True))


def _batches(y: Tensor, xs: Tensors) -> Tensors:
    """The Jacobian of an output for every input, by passes for as many of its elements as fit well into memory."""
    parts: list[list[Tensor]] = [[] for _ in xs]
    for batch in unit_batches(y):
        found = gradients((y,), xs, (batch,), create_graph=False, keep=True, batched=True)
        for part, x, g in zip(parts, xs, found, strict=True):
            part.append(x.detach().new_zeros((batch.shape[0], *x.shape)) if g is None else g)
    shapes = [(*y.shape, *x.shape) for x in xs]
    return tuple(
        [
            FUNCTIONS["cat"](part).reshape(shape) if part else x.new_zeros(shape)
            for part, x, shape in zip(parts, xs, shapes, strict=True)
        ]
    )


def _stacked(parts: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    shape = tuple(y.shape) + tuple(x.shape)
    return FUNCTIONS["stack"](parts).reshape(shape) if parts else x.new_zeros(shape)


def _columns(func: Callable[..., Any], inputs: Any) -> Any:
    """The whole Jacobian by forward mode."""
    single_in, xs = as_tensors(inputs, "inputs", "jacobian")
    single_out = True

    def run(own: list[Tensor]) -> list[Tensor]:
        nonlocal single_out
        single_out, ys = as_tensors(func(*own), "outputs of the user-provided function", "jacobian")
        return list(ys)

    table = jacobian_by_columns(run, list(xs))[1]
    return like_given(tuple([like_given(tuple(row), single_in) for row in table]), single_out)


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function with one number as result: the Jacobian of its gradient.

    Math: Hᵢⱼ = ∂²y/∂xᵢ∂xⱼ
    Example:
        >>> import nbautograd as torch
        >>> torch.autograd.functional.hessian(lambda x: (x**3).sum(), torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')
    single, xs = as_tensors(inputs, "inputs", "hessian")

    def scalar(*args: Tensor) -> Tensor:
        return scalar_of(func(*args), "hessian", strict).squeeze()

    def gradient(*args: Tensor) -> Any:
        if outer_jacobian_strategy == "forward-mode":
            args = tuple([x.requires_grad_() for x in args])
        found = jacobian(scalar, args, create_graph=True)
        check_depends(found, "jacobian", strict)
        return found

    table = jacobian(gradient, xs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return like_given(tuple(like_given(row, single) for row in table), single)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of `func`, and the vector `v` times its Hessian; cheaper than the whole Hessian by far.

    Math: vᵀH
    """
    with enable_grad():
        single, xs = as_tensors(inputs, "inputs", "vhp")
        xs = fresh(xs, create_graph)
        vs = vector(v, xs, not single, "vhp", "input to the user-provided function is a single Tensor")
        y = scalar_of(func(*xs), "vhp", strict)
        slopes = filled(gradients((y,), xs, None, True), xs, strict, False, "back")
        check_depends(slopes, "jacobian", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = filled(gradients(slopes, xs, vs, create_graph), xs, strict, create_graph, "double_back")
    return final((y,), create_graph)[0], like_given(final(found, create_graph), single)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of `func`, and its Hessian times the vector `v`.

    Math: Hv
    """
    with enable_grad():
        single, xs = as_tensors(inputs, "inputs", "hvp")
        xs = fresh(xs, create_graph)
        vs = vector(v, xs, not single, "hvp", "input to the user-provided function is a single Tensor")
        y = scalar_of(func(*xs), "hvp", strict)
        slopes = filled(gradients((y,), xs, None, True), xs, strict, False, "back")
        check_depends(slopes, "jacobian", strict)
        us = tuple(FUNCTIONS["zeros_like"](x).requires_grad_() for x in xs)
        pulled = filled(gradients(slopes, xs, us, True), xs, strict, False, "back")
        check_depends(pulled, "hessian", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = filled(gradients(pulled, us, vs, create_graph), xs, strict, create_graph, "double_back_trick")
    return final((y,), create_graph)[0], like_given(final(found, create_graph), single)


__getattr__ = refuse_in("autograd.functional")
