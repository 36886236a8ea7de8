"""What the functions of `functional` share: one tensor or several, gradients with zeros, and what strict mode asks."""

from __future__ import annotations

from typing import Any

from nbautograd.core.backward import grad
from nbautograd.core.call import wrap
from nbautograd.core.public import FUNCTIONS
from nbautograd.core.tensor import Tensor

Tensors = tuple[Tensor, ...]
NOT_ALLOWED = "This is not allowed in strict mode"


def as_tensors(value: Any, what: str, function: str) -> tuple[bool, Tensors]:
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


def like_given(items: Any, single: bool) -> Any:
    """A tuple back as what it came from."""
    return items[0] if single else items


def fresh(xs: Tensors, create_graph: bool) -> Tensors:
    """Tensors of our own to differentiate by; with a graph, they stay connected to those given."""
    return tuple(
        x.reshape(tuple(x.shape)).clone() if create_graph and x.requires_grad else x.detach().requires_grad_()
        for x in xs
    )


def final(tensors: Tensors, create_graph: bool) -> Tensors:
    return tensors if create_graph else tuple(t.detach() for t in tensors)


def scalar_of(y: Any, function: str, strict: bool) -> Tensor:
    single, ys = as_tensors(y, "outputs of the user-provided function", function)
    check_depends(ys, "outputs", strict)
    if not single:
        raise RuntimeError(f"The function given to {function} should return a single Tensor")
    if ys[0].numel() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {function} should contain a single element")
    return ys[0]


def vector(v: Any, like: Tensors, several: bool, function: str, where: str) -> Tensors:
    """The vector(s) `v`, checked against what they multiply; ones when left out for a single number."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {where} with a single element."
                f"\n  hint: pass v with the shape {tuple(like[0].shape)}"
            )
        return (FUNCTIONS["ones_like"](like[0]).detach(),)
    _, vs = as_tensors(v, "v", function)
    if len(vs) != len(like):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(vs)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(vs, like, strict=True)):
        if a.shape != b.shape:
            entry = f"Entry {i} in " if several else ""
            raise RuntimeError(f"{entry}v has invalid size: should be {b.shape} but got {a.shape}.")
    return vs


def gradients(
    ys: Tensors, xs: Tensors, vs: Any, create_graph: bool, keep: bool = False, batched: bool = False
) -> tuple[Tensor | None, ...]:
    """`autograd.grad` that passes over outputs without history."""
    vs = vs or (None,) * len(ys)
    used = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if not used:
        return (None,) * len(xs)
    outputs, starts = zip(*used, strict=True)
    return grad(
        outputs,
        xs,
        starts,
        create_graph=create_graph,
        retain_graph=True if keep else None,
        allow_unused=True,
        is_grads_batched=batched,
    )


_INDEPENDENT = {
    "back": "The output of the user-provided function is independent of input {}. " + NOT_ALLOWED + ".",
    "back_trick": "The gradient with respect to the input is independent of entry {} in the grad_outputs when using "
    "the double backward trick to compute forward mode gradients. " + NOT_ALLOWED + ".",
    "double_back": "The jacobian of the user-provided function is independent of input {}. " + NOT_ALLOWED + ".",
    "double_back_trick": "The hessian of the user-provided function is independent of entry {} in the grad_jacobian. "
    + NOT_ALLOWED
    + " as it prevents from using the double backward trick to replace forward mode AD.",
}


def filled(grads: Any, like: Tensors, strict: bool, create_graph: bool, stage: str) -> Tensors:
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


def check_depends(tensors: Tensors, what: str, strict: bool) -> None:
    """In strict mode, refuse results that do not depend on the inputs."""
    for i, t in enumerate(tensors if strict else ()):
        if not t.requires_grad:
            raise RuntimeError(_DETACHED[what].format(i))
