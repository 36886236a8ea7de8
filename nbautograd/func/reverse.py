"""Reverse mode as functions of functions: `grad`, `vjp` and `jacrev`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbautograd.autograd.columns import unit_batches
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

from .arguments import check_real, checked, chosen, replaced, with_aux
from .stage import Stage, recording
from .tree import Structure, flatten, mapped, picture, unflatten


def grad(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that computes the gradient of `func`, which must return one number.

    With `has_aux`, `func` returns `(output, aux)`, and the result is `(gradient, aux)`.

    Raises: RuntimeError when `func` does not return a tensor without dimensions.
    Example:
        >>> import nbautograd as torch
        >>> from nbautograd.func import grad
        >>> grad(torch.sin)(torch.tensor(0.0))
        tensor(1.)
        >>> grad(grad(lambda x: x**3))(torch.tensor(2.0))
        tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        grads, value = both(*args, **kwargs)
        return (grads, value[1]) if has_aux else grads

    return gradient


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """The function that computes the gradient of `func` and its value: `(gradient, value)`.

    With `has_aux` the result is `(gradient, (value, aux))`.

    Raises: RuntimeError when `func` does not return a tensor without dimensions.
    """

    @functools.wraps(func)
    def both(*args: Any, **kwargs: Any) -> Any:
        which = checked(argnums, len(args))
        leaves, structure = flatten(chosen(args, which))
        stage = Stage()
        with recording():
            own = [stage.argument(leaf) for leaf in leaves]
            output = func(*replaced(args, which, unflatten(own, structure)), **kwargs)
            output, aux = with_aux(output, "grad_and_value(f)(*args)") if has_aux else (output, None)
        _check_scalar(output)
        grads = unflatten(stage.pulled([output], own, None), structure)
        value = stage.result(output)
        return grads, (value, mapped(stage.result, aux)) if has_aux else value

    return both


def _check_scalar(output: Any) -> None:
    start = "grad_and_value(f)(*args): Expected f(*args) to return a "
    if not isinstance(output, Tensor):
        raise RuntimeError(f"{start}Tensor, got {type(output)}")
    if output.ndim != 0:
        raise RuntimeError(
            f"{start}scalar Tensor, got tensor with {output.ndim} dims. "
            "Maybe you wanted to use the vjp or jacrev APIs instead?"
        )


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `func`, and the function that pulls cotangents of it back to the `primals`.

    With `has_aux` the result is `(value, function, aux)`.

    Math: v ↦ vᵀJ
    Raises: RuntimeError when the cotangents do not have the structure of the value.
    Example:
        >>> import nbautograd as torch
        >>> value, pull = torch.func.vjp(lambda x: x**2, torch.tensor([1.0, 2.0]))
        >>> pull(torch.tensor([1.0, 10.0]))
        (tensor([ 2., 40.]),)
    """
    value, pull, aux = pullback(func, primals, tuple(range(len(primals))), has_aux)
    return (value, pull, aux) if has_aux else (value, pull)


def pullback(
    func: Callable[..., Any], args: tuple[Any, ...], argnums: int | tuple[int, ...], has_aux: bool
) -> tuple[Any, Callable[..., Any], Any]:
    """`vjp` with respect to some of the arguments: the value, the function of cotangents, and aux."""
    leaves, structure = flatten(chosen(args, argnums))
    stage = Stage()
    with recording():
        own = [stage.argument(leaf) for leaf in leaves]
        output = func(*replaced(args, argnums, unflatten(own, structure)))
        output, aux = with_aux(output, "vjp(f, *primals)") if has_aux else (output, None)
    outputs, form = flatten(output)
    _check_outputs(outputs)

    def pull(*cotangents: Any, retain_graph: bool = True, batch: int | None = None) -> Any:
        gs, given = flatten(cotangents[0] if len(cotangents) == 1 else cotangents)
        if given != form:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of outputs to the "
                f"function. cotangents: {picture(given)}, primal output: {picture(form)}"
            )
        return unflatten(stage.pulled(outputs, own, gs, retain_graph, batch), structure)

    return mapped(stage.result, output), pull, mapped(stage.result, aux)


def _check_outputs(outputs: list[Any]) -> None:
    if not outputs or outputs == [None]:
        raise RuntimeError(
            f"vjp(f, *primals): Expected f to be a function that has non-empty output (got output = {outputs})"
        )
    for y in outputs:
        if not isinstance(y, Tensor):
            raise RuntimeError(
                f"vjp(f, *primals): expected f(*primals) to return only tensors, got unsupported type {type(y)}"
            )
        if not (y.dtype.is_floating_point or y.dtype.is_complex):
            raise RuntimeError(
                "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype "
                f"{y.dtype}"
            )


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, row by row, by backward passes for many rows at once.

    They are for `chunk_size` rows each, or for as many as fit well into memory.

    Math: Jᵢⱼ = ∂yᵢ/∂xⱼ
    Shape: (*y.shape, *x.shape) for each pair of an output y and an argument x
    Raises: RuntimeError for complex numbers and when `func` returns anything but tensors.
    Example:
        >>> import nbautograd as torch
        >>> torch.func.jacrev(torch.sin)(torch.zeros(2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")

    @functools.wraps(func)
    def jacobian(*args: Any) -> Any:
        which = checked(argnums, len(args))
        check_real("jacrev", [x for x in flatten(args)[0] if isinstance(x, Tensor)], "inputs")
        value, pull, aux = pullback(func, args, which, has_aux)
        outputs, form = flatten(value)
        check_real("jacrev", outputs, "outputs")
        inputs, structure = flatten(chosen(args, which))
        table = [unflatten(_rows(pull, outputs, form, i, inputs, chunk_size), structure) for i in range(len(outputs))]
        table = unflatten(table, form)
        return (table, aux) if has_aux else table

    return jacobian


def _rows(
    pull: Callable[..., Any], outputs: list[Tensor], form: Structure, i: int, inputs: list[Tensor], size: int | None
) -> Any:
    """The Jacobian of output `i` with respect to each input, so many rows at once as `size` says."""
    y = outputs[i]
    parts: list[list[Tensor]] = []
    for batch in unit_batches(y, size):
        count = batch._data.shape[0]
        starts = [each.detach().new_zeros(()).expand(count, *each.shape) for each in outputs]
        starts[i] = batch
        parts.append(flatten(pull(unflatten(starts, form), batch=count))[0])
    shapes = [(*y.shape, *x.shape) for x in inputs]
    if not parts:
        return [x.detach().new_zeros(shape) for x, shape in zip(inputs, shapes, strict=True)]
    columns = zip(*parts, strict=True)
    return [FUNCTIONS["cat"](list(column)).reshape(shape) for column, shape in zip(columns, shapes, strict=True)]
