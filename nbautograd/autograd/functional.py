"""Derivatives of whole functions: Jacobians, Hessians, and their products with vectors.

NOTE [Forward mode from two reverse passes]
The backward pass of f, as a function of the gradient u that it starts from, is linear: u ↦ uᵀJ. Its own backward pass,
started from v, is therefore v ↦ Jv, the product that forward mode computes. The value of u does not matter; zeros do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbautograd.core.absent import refuse_in
from nbautograd.core.call import wrap
from nbautograd.core.modes import enable_grad, is_grad_enabled, set_grad_enabled
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor
from nbautograd.core.walk import grad

Tensors = tuple[Tensor, ...]
NOT_ALLOWED = "This is not allowed in strict mode"


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
        single_in, xs = _tensors(inputs, "inputs", "vjp")
        xs = _fresh(xs, create_graph)
        single_out, ys = _tensors(func(*xs), "outputs of the user-provided function", "vjp")
        _check_depends(ys, "outputs", strict)
        vs = _vector(v, ys, not single_out, "vjp", "user-provided function returns a single Tensor")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        grads = _grad(ys, xs, vs, create_graph)
        found = _filled(grads, xs, strict, create_graph, "back")
    return _same(_final(ys, create_graph), single_out), _same(_final(found, create_graph), single_in)


def jvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The outputs of `func`, and its Jacobian times the vector `v`: the derivative in the direction `v`.

    Math: Jv; see NOTE [Forward mode from two reverse passes]
    """
    with enable_grad():
        single_in, xs = _tensors(inputs, "inputs", "jvp")
        xs = _fresh(xs, create_graph)
        vs = _vector(v, xs, not single_in, "jvp", "input to the user-provided function is a single Tensor")
        single_out, ys = _tensors(func(*xs), "outputs of the user-provided function", "jvp")
        _check_depends(ys, "outputs", strict)
        found = _pushed(ys, xs, vs, strict, create_graph)
    return _same(_final(ys, create_graph), single_out), _same(_final(found, create_graph), single_out)


def _pushed(ys: Tensors, xs: Tensors, vs: Tensors, strict: bool, create_graph: bool) -> Tensors:
    """J v by two backward passes."""
    us = tuple(FUNCTIONS["zeros_like"](y).requires_grad_() for y in ys)
    pulled = _filled(_grad(ys, xs, us, True), xs, strict, False, "back")
    _check_depends(pulled, "grad_inputs", strict)
    return _filled(_grad(pulled, us, vs, create_graph), ys, strict, create_graph, "back_trick")


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`: row by row with reverse mode, column by column with forward mode.

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
    forward = strategy == "forward-mode"
    if forward and create_graph:
        raise NotImplementedError(
            'torch.autograd.functional.jacobian: `create_graph=True` and `strategy="forward-mode"` are not supported '
            'together (yet). Please either set `create_graph=False` or `strategy="reverse-mode"`.'
        )
    with enable_grad():
        single_in, xs = _tensors(inputs, "inputs", "jacobian")
        xs = _fresh(xs, create_graph)
        single_out, ys = _tensors(func(*xs), "outputs of the user-provided function", "jacobian")
        _check_depends(ys, "outputs", strict)
        table = _columns(ys, xs) if forward else tuple(_rows(i, y, xs, strict, create_graph) for i, y in enumerate(ys))
    table = tuple(_same(_final(row, create_graph), single_in) for row in table)
    return _same(table, single_out)


def _rows(i: int, y: Tensor, xs: Tensors, strict: bool, create_graph: bool) -> Tensors:
    """The Jacobian of output `i` for every input, one backward pass for each of its elements."""
    rows: list[list[Tensor]] = [[] for _ in xs]
    for unit in _units(y):
        for j, (x, g) in enumerate(zip(xs, _grad((y,), xs, (unit,), create_graph, keep=True), strict=True)):
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


def _stacked(parts: list[Tensor], y: Tensor, x: Tensor) -> Tensor:
    shape = tuple(y.shape) + tuple(x.shape)
    return FUNCTIONS["stack"](parts).reshape(shape) if parts else x.new_zeros(shape)


def _columns(ys: Tensors, xs: Tensors) -> tuple[Tensors, ...]:
    """The Jacobian, one pair of backward passes for each element of the inputs."""
    table: list[list[Tensor]] = [[] for _ in ys]
    zeros = tuple(FUNCTIONS["zeros_like"](x) for x in xs)
    for j, x in enumerate(xs):
        parts: list[list[Tensor]] = [[] for _ in ys]
        for unit in _units(x):
            pushed = _pushed(ys, xs, (*zeros[:j], unit, *zeros[j + 1 :]), False, True)
            for part, column in zip(parts, pushed, strict=True):
                part.append(column)
        for part, row, y in zip(parts, table, ys, strict=True):
            columns = _stacked(part, x, y)
            order = (*range(x.ndim, x.ndim + y.ndim), *range(x.ndim))
            row.append(columns.permute(order) if order else columns)
    return tuple(tuple(row) for row in table)


def _units(x: Tensor) -> Any:
    """For each element of `x`, zeros with a one at its place."""
    for i in range(x.numel()):
        unit = x.detach().new_zeros((x.numel(),))
        unit[i] = 1
        yield unit.reshape(tuple(x.shape))


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
    single, xs = _tensors(inputs, "inputs", "hessian")

    def scalar(*args: Tensor) -> Tensor:
        return _scalar(func(*args), "hessian").squeeze()

    def gradient(*args: Tensor) -> Any:
        found = jacobian(scalar, args, create_graph=True)
        _check_depends(found, "jacobian", strict)
        return found

    table = jacobian(gradient, xs, create_graph, strict, strategy=outer_jacobian_strategy)
    return _same(tuple(_same(row, single) for row in table), single)


def vhp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of `func`, and the vector `v` times its Hessian; cheaper than the whole Hessian by far.

    Math: vᵀH
    """
    with enable_grad():
        single, xs = _tensors(inputs, "inputs", "vhp")
        xs = _fresh(xs, create_graph)
        vs = _vector(v, xs, not single, "vhp", "input to the user-provided function is a single Tensor")
        y = _scalar(func(*xs), "vhp")
        _check_depends((y,), "outputs", strict)
        slopes = _filled(_grad((y,), xs, None, True), xs, strict, False, "back")
        _check_depends(slopes, "jacobian", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _filled(_grad(slopes, xs, vs, create_graph), xs, strict, create_graph, "double_back")
    return _final((y,), create_graph)[0], _same(_final(found, create_graph), single)


def hvp(
    func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """The result of `func`, and its Hessian times the vector `v`.

    Math: Hv
    """
    with enable_grad():
        single, xs = _tensors(inputs, "inputs", "hvp")
        xs = _fresh(xs, create_graph)
        vs = _vector(v, xs, not single, "hvp", "input to the user-provided function is a single Tensor")
        y = _scalar(func(*xs), "hvp")
        _check_depends((y,), "outputs", strict)
        slopes = _filled(_grad((y,), xs, None, True), xs, strict, False, "back")
        _check_depends(slopes, "jacobian", strict)
        us = tuple(FUNCTIONS["zeros_like"](x).requires_grad_() for x in xs)
        pulled = _filled(_grad(slopes, xs, us, True), xs, strict, False, "back")
        _check_depends(pulled, "hessian", strict)
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _filled(_grad(pulled, us, vs, create_graph), xs, strict, create_graph, "double_back_trick")
    return _final((y,), create_graph)[0], _same(_final(found, create_graph), single)


# --- what they share ----------------------------------------------------------------------------------------------


def _tensors(value: Any, what: str, function: str) -> tuple[bool, Tensors]:
    """Whether `value` is a single tensor, and it (or its items) as a tuple.

    Raises: TypeError for anything else.
    """
    items = value if isinstance(value, tuple) else (value,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"the value at index {i} has type" if isinstance(value, tuple) else f"the given {what} has type"
            raise TypeError(
                f"The {what} given to {function} must be either a Tensor or a tuple of Tensors but {where} "
                f"{type(item)}."
            )
    return not isinstance(value, tuple), items


def _same(items: Any, single: bool) -> Any:
    """A tuple back as what it came from."""
    return items[0] if single else items


def _fresh(xs: Tensors, create_graph: bool) -> Tensors:
    """Tensors of our own to differentiate by; with a graph, they stay connected to those given."""
    return tuple(
        x.reshape(tuple(x.shape)).clone() if create_graph and x.requires_grad else x.detach().requires_grad_()
        for x in xs
    )


def _final(tensors: Tensors, create_graph: bool) -> Tensors:
    return tensors if create_graph else tuple(t.detach() for t in tensors)


def _scalar(y: Any, function: str) -> Tensor:
    single, ys = _tensors(y, "outputs of the user-provided function", function)
    if not single:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if ys[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return ys[0]


def _vector(v: Any, like: Tensors, several: bool, function: str, where: str) -> Tensors:
    """The vector(s) `v`, checked against what they multiply; ones when left out for a single number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {where} with a single element."
                f"\n  hint: pass v with the shape {tuple(like[0].shape)}"
            )
        return (FUNCTIONS["ones_like"](like[0]).detach(),)
    _, vs = _tensors(v, "v", function)
    if len(vs) != len(like):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
    return vs


def _grad(ys: Tensors, xs: Tensors, vs: Any, create_graph: bool, keep: bool = False) -> tuple[Tensor | None, ...]:
    """`autograd.grad` that passes over outputs without history."""
    vs = vs or (None,) * len(ys)
    used = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if not used:
        return (None,) * len(xs)
    outputs, starts = zip(*used, strict=True)
    return grad(outputs, xs, starts, create_graph=create_graph, retain_graph=True if keep else None, allow_unused=True)


_INDEPENDENT = {
    "back": "The output of the user-provided function is independent of input {}. " + NOT_ALLOWED + ".",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using "
    "the double backward trick to compute forward mode gradients. " + NOT_ALLOWED + ".",
    "double_back": "The jacobian of the user-provided function is independent of input {}. " + NOT_ALLOWED + ".",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
    + NOT_ALLOWED
    + " as it prevents from using the double backward trick to replace forward mode AD.",
}


def _filled(grads: Any, like: Tensors, strict: bool, create_graph: bool, stage: str) -> Tensors:
    """Zeros where nothing came; in strict mode that is an error, and so is a derivative without a graph."""
    results: list[Tensor] = []
    for i, (g, x) in enumerate(zip(grads, like, strict=True)):
        if strict and g is None:
            raise RuntimeError(_INDEPENDENT[stage].format(i))
        if strict and create_graph and g is not None and not g.requires_grad:
            what = "hessian" if stage.startswith("double") else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. {NOT_ALLOWED} "
                "when create_graph=True."
            )
        results.append(wrap(FUNCTIONS["zeros_like"](x)._data) if g is None else g)
    return tuple(results)


_DETACHED = {
    "outputs": "Output {} of the user-provided function does not require gradients. The outputs must be computed in a "
    "differentiable manner from the input when running in strict mode.",
    "grad_inputs": "The gradient with respect to input {} is independent of the inputs of the user-provided function. "
    + NOT_ALLOWED
    + ".",
    "jacobian": "While computing the hessian, found that the jacobian of the user-provided function with respect to "
    "input {} is independent of the input. " + NOT_ALLOWED + ". You should ensure that your function is twice "
    "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for "
    "example).",
    "hessian": "The hessian of the user-provided function with respect to input {} is independent of the input. "
    + NOT_ALLOWED
    + ". You should ensure that your function is thrice differentiable and that the hessian depends on the inputs.",
}


def _check_depends(tensors: Tensors, what: str, strict: bool) -> None:
    """In strict mode, refuse results that do not depend on the inputs."""
    for i, t in enumerate(tensors if strict else ()):
        if not t.requires_grad:
            raise RuntimeError(_DETACHED[what].format(i))


__getattr__ = refuse_in("autograd.functional")
