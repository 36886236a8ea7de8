"""Forward mode as functions of functions: `jvp`, `jacfwd`, and `hessian`, which is forward over reverse."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbautograd.autograd.columns import jacobian_by_columns
from nbautograd.core.backward import grad
from nbautograd.core.levels import Level, alias, fit_direction, opened, zeros_like
from nbautograd.core.tensor import Tensor

from .arguments import check_real, checked, chosen, replaced, with_aux
from .reverse import jacrev
from .stage import Stage, recording
from .tree import Structure, flatten, unflatten

JVP = "jvp(f, primals, tangents)"


def jvp(
    func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The value of `func` at `primals`, and its derivative in the direction `tangents`.

    With `has_aux`, `func` returns `(output, aux)`, and the result is `(value, derivative, aux)`.

    Math: Jv
    Raises: RuntimeError when the tangents do not have the structure and the shapes of the primals; with `strict`, also
        when the value does not depend on them.
    Example:
        >>> import nbautograd as torch
        >>> torch.func.jvp(lambda x: x**2, (torch.tensor([1.0, 2.0]),), (torch.tensor([1.0, 10.0]),))
        (tensor([1., 4.]), tensor([ 2., 40.]))
    """
    xs, structure = _checked(primals, tangents)
    vs = flatten(tangents)[0]
    for x, v in zip(xs, vs, strict=True):
        fit_direction(x, v)
    with opened() as levels:
        duals = [alias(x) for x in xs]
        for dual, v in zip(duals, vs, strict=True):
            levels[0].set(dual, v)
        output = func(*unflatten(duals, structure))
        output, aux = with_aux(output, JVP) if has_aux else (output, None)
        ys, form = flatten(output)
        moves = unflatten([_tangent(levels[0], y, strict) for y in ys], form)
    return (output, moves, aux) if has_aux else (output, moves)


def _checked(primals: Any, tangents: Any) -> Any:
    if not isinstance(primals, tuple):
        raise RuntimeError(f"{JVP}: Expected primals to be a tuple. E.g. it should be valid to call f(*primals).")
    xs, structure = flatten(primals)
    given = flatten(tangents)[1]
    if given != structure:
        raise RuntimeError(
            f"{JVP}: Expected primals and tangents to have the same python structure. For example, if primals is a "
            f"tuple of 3 tensors, tangents also must be. Got primals with structure {structure} and tangents with "
            f"structure {given}"
        )
    for what, leaves in (("primals", xs), ("tangents", flatten(tangents)[0])):
        if not leaves:
            raise RuntimeError(f"{JVP}: Expected {what} to contain at least one Tensor.")
        for leaf in leaves:
            if not isinstance(leaf, Tensor):
                raise RuntimeError(f"{JVP}: Expected {what} to only contain Tensors, got {type(leaf)}")
    return xs, structure


def _check_tensor(y: Any) -> None:
    if not isinstance(y, Tensor):
        raise RuntimeError(f"{JVP}: expected f(*primals) to return only tensors, got unsupported type {type(y)}")


def _tangent(level: Level, y: Any, strict: bool = False) -> Tensor:
    _check_tensor(y)
    tangent = level.get(y)
    if tangent is None and strict:
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the inputs. "
            "This is not allowed with strict=True."
        )
    return zeros_like(y) if tangent is None else tangent


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """The function that computes the Jacobian of `func`, column by column, with forward mode.

    `func` runs once, with a tangent for each column. `randomness` is accepted for torch's sake: all columns see the
    same random numbers.

    Math: Jᵢⱼ = ∂yᵢ/∂xⱼ
    Shape: (*y.shape, *x.shape) for each pair of an output y and an argument x
    Raises: RuntimeError for complex numbers and when `func` returns anything but tensors.
    Example:
        >>> import nbautograd as torch
        >>> torch.func.jacfwd(lambda x: x**2)(torch.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """

    @functools.wraps(func)
    def jacobian(*args: Any) -> Any:
        which = checked(argnums, len(args))
        inputs, structure = flatten(chosen(args, which))
        check_real("jacfwd", inputs, "inputs")
        form, aux = Structure(), None

        def run(own: list[Tensor]) -> list[Tensor]:
            nonlocal form, aux
            output = func(*replaced(args, which, unflatten(own, structure)))
            output, aux = with_aux(output, JVP) if has_aux else (output, None)
            outputs, form = flatten(output)
            for y in outputs:
                _check_tensor(y)
            check_real("jacfwd", outputs, "outputs")
            return outputs

        table = jacobian_by_columns(run, inputs)[1]
        result = unflatten([unflatten(row, structure) for row in table], form)
        return (result, aux) if has_aux else result

    return jacobian


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """The function that computes the Hessian of `func`: forward mode over reverse mode.

    Math: Hᵢⱼ = ∂²y/∂xᵢ∂xⱼ
    Example:
        >>> import nbautograd as torch
        >>> torch.func.hessian(lambda x: (x**3).sum())(torch.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """The value of `func`, and its derivative as a function of directions, which does not run `func` again.

    Math: v ↦ Jv, recorded by forward mode from v = 0 on and transposed twice
    Raises: RuntimeError when the directions do not have the structure, the shapes and the dtypes of the primals.
    Example:
        >>> import nbautograd as torch
        >>> value, push = torch.func.linearize(lambda x: x**2, torch.tensor([1.0, 2.0]))
        >>> push(torch.tensor([1.0, 10.0]))
        tensor([ 2., 40.])
    """
    xs, structure = flatten(primals)
    stage = Stage()
    with recording():
        vs = [stage.argument(zeros_like(x)) for x in xs]
        with opened() as (level,):
            own = [alias(x) for x in xs]
            for x, v in zip(own, vs, strict=True):
                level.set(x, v)
            ys, form = flatten(func(*unflatten(own, structure)))
            moves = [_tangent(level, y) for y in ys]
        moving = [t for t in moves if t._node is not None]
        us = [stage.argument(zeros_like(t)) for t in moving]
        pulled = grad(moving, vs, us, create_graph=True, allow_unused=True) if moving else ()

    def push(*tangents: Any) -> Any:
        given_vs, given = flatten(tangents)
        if given != structure:
            raise RuntimeError(f"Expected the tangents {given} to have the same argspec as the primals {structure}")
        for i, (x, v) in enumerate(zip(xs, given_vs, strict=True)):
            _check_same(i, x, v)
        pairs = [(p, v) for p, v in zip(pulled, given_vs, strict=False) if p is not None and p._node is not None]
        found = iter(stage.pulled([p for p, _ in pairs], us, [v for _, v in pairs], keep=True))
        return unflatten([zeros_like(t) if t._node is None else next(found) for t in moves], form)

    return unflatten([stage.result(y) for y in ys], form), push


def _check_same(i: int, x: Tensor, v: Tensor) -> None:
    for what, has, wanted in (("shape", v.shape, x.shape), ("device", v.device, x.device), ("dtype", v.dtype, x.dtype)):
        if has != wanted:
            raise RuntimeError(
                f"tangent:{i} with {what} {has} in flattened pytree doesn't match the {what} {wanted} of the "
                "corresponding primal."
            )
